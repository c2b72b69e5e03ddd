//! What became of calls by route, version, rule and part of a split, and of their copies.
//!
//! Invariants: a call's line is appended in the transaction that books it, which happens once; lines
//! are put together later without changing their sums; money and counts are whole numbers throughout.

mod buckets;
mod compare;
pub mod get;
pub mod merge;
mod record;
mod store;

pub use record::{Booked, add};
