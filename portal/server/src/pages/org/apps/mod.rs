//! Apps of an organisation.

pub mod app;
mod deprecations;
pub mod edit;
pub mod list;
pub mod new;
mod subscriptions;
