//! Single requests: what each used and cost.

mod detail;
pub mod get;
pub mod list;
mod store;

pub use detail::detail;
