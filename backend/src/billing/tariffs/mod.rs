//! What plans make of a month: included quantities, tiers and a minimum ([`contract::rating`]), for each
//! org and plan and calendar month of UTC.
//!
//! Invariants: calls are billed by their price as they happen, and wallets, limits and budgets hold that; a
//! tariff acts in the ledger only. A day after a month is over, what its tariff makes of it beside those bills
//! is posted, and whatever late calls change is posted then: always the difference to what is posted
//! already. A tariff changes with the beginning of a month, never before.

pub mod close;
pub mod list;
pub mod model;
mod month;
pub(super) mod prove;
mod rate;
pub mod store;
pub(crate) mod sums;

pub use month::Month;
