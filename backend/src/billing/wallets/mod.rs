//! What orgs have paid ahead: credits, what draws on them, and the floor that stays.
//!
//! Invariants: the balance is the sum of what remains of the credits, and the wallet's entries in
//! the ledger; it is never below the floor. Gateways count a prepaid org's calls against one
//! lifetime limit of money, whose maximum is all credit ever less what expired, what the limit does
//! not count and the floor: what is left of it is what new calls may cost. Whatever shrinks the
//! maximum is told to gateways first, and booked once what they hold fits without it.

pub mod credit;
mod draw;
pub mod expire;
pub mod get;
mod held;
pub mod model;
pub mod store;
pub mod update;

pub use draw::{Due, book, draw_for, lock_prepaid};
pub use store::Locked;
