//! Single requests: what each used and cost.

pub mod get;
pub mod list;
mod store;
