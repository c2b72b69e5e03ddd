//! Money: what each org owes, in a ledger that is only ever added to.
//!
//! Invariants: every transaction's entries sum to zero (the database checks it at commit); a call
//! is billed once, by its request id; nothing is updated or deleted (no role may, and triggers
//! refuse it even to the tables' owner).

pub mod ledger;
mod reconcile;

pub use reconcile::{Difference, Figures, reconcile};
