//! Calls that gateways began and of whose end nobody has heard.
//!
//! Invariants: a call that has an event is never unknown; its event, however late, is booked as any
//! other, and what was billed by its reservation is corrected away in the same transaction; entries
//! that are late, early or repeated change nothing. While a call is open, unknown or billed by its
//! reservation, what it held still counts against its limits.

pub mod jobs;
pub mod list;
pub mod resolve;
mod store;

pub use store::{settled, take};
