//! What an operator's forms do.

pub mod billing;
pub mod cache;
pub mod dead_letters;
pub mod lifecycle;
pub mod models;
pub mod pool;
pub mod products;
pub mod providers;
pub mod tariff;
