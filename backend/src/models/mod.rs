//! What callers name, where it answers, and what it costs. For operators only.
//!
//! Invariants: a model's name is permanent; its state only moves forward (deprecated may come
//! back, retired never does); a price is never edited or removed, a newer one takes over.

pub mod create;
pub mod create_deployment;
pub mod create_price;
pub mod get;
pub mod list;
pub mod list_prices;
pub mod model;
pub mod store;
pub mod update;
pub mod update_deployment;
