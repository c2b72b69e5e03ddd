//! Usage and costs of an org, from the coarsest sums that answer: months with days at the edges, and
//! lines of one thing over time. Rows of a report sum to its total exactly, in integers.

pub(crate) mod asked;
pub mod costs;
pub mod costs_csv;
pub mod series;
mod source;
pub(crate) mod store;
