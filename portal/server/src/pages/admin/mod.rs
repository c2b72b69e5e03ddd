//! Pages of the operator.

pub mod dead_letters;
pub mod models;
pub mod products;
pub mod providers;
