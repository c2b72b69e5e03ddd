//! What can be subscribed to: products, their plans, and the subscriptions of apps.
//!
//! Invariants: a product in the catalogue has only models that can be called and have a price in
//! force; an app has at most one live subscription to a product; a withdrawn product takes no new
//! subscriptions and keeps serving those it has.

pub mod browse;
pub mod create_plan;
pub mod create_product;
pub mod defaults;
pub mod get_product;
pub mod list_plans;
pub mod list_products;
pub mod model;
pub mod shelf;
pub mod store;
pub mod subscriptions;
pub mod update_plan;
pub mod update_plan_limits;
pub mod update_product;
