//! The layers a request passes. [`super::stack`] puts them in order.

pub mod authenticate;
pub mod call;
pub mod origin;
pub mod problem;
