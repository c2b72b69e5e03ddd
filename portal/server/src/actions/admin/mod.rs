//! What an operator's forms do.

pub mod models;
pub mod products;
pub mod providers;
