//! Pages of the operator.

pub mod aliases;
pub mod dead_letters;
pub mod health;
pub mod models;
pub mod orgs;
pub mod products;
pub mod providers;
pub mod routes;
pub mod unknowns;
