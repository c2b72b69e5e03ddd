//! Budgets: the list, a new one, and one with everything about it.

pub mod budget;
mod fields;
pub mod list;
pub mod new;
