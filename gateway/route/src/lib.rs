//! Where a call goes, as pure functions: which rule of a route matches, which deployments may
//! answer, in which order they are tried, and why. No clock, no chance and no I/O of its own, so
//! that the gateway decides and the control API explains with the same code.

pub mod breaker;
pub mod budget;
pub mod check;
pub mod complexity;
pub mod explain;
pub mod expr;
pub mod order;
pub mod plan;
pub mod policy;
pub mod sticky;
mod tier;
