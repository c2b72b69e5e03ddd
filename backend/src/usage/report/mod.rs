//! Usage and costs of an org, from the hourly sums. Rows of a report sum to its total exactly:
//! both come from the same rows, in integers.

pub mod asked;
pub mod costs;
pub mod costs_csv;
pub mod series;
mod store;
