//! Usage and costs of an org, from the hourly sums. Rows of a report sum to its total exactly:
//! both come from the same rows, in integers.

pub(crate) mod asked;
pub mod costs;
pub mod costs_csv;
pub mod series;
pub(crate) mod store;
