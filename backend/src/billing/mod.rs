//! Money: what each org owes and what it has paid ahead, in a ledger that is only ever added to.
//!
//! Invariants: every transaction's entries sum to zero (the database checks it); a call is billed
//! once, by its request id; nothing is updated or deleted (no role may, and triggers refuse it even
//! to the tables' owner): a correction is a new transaction that names the old one; a wallet is the
//! sum of its entries and of what remains of its credits, and never goes below its floor.

pub mod corrections;
pub mod ledger;
pub mod list;
pub mod posting;
mod proofs;
mod reconcile;
pub mod tariffs;
pub mod tenants;
pub mod wallets;

pub use reconcile::{Difference, Figures, reconcile};
