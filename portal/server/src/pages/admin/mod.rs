//! Pages of the operator.

pub mod models;
pub mod products;
pub mod providers;
