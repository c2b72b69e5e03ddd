//! Apps of an organisation.

pub mod app;
pub mod edit;
pub mod list;
pub mod new;
mod subscriptions;
