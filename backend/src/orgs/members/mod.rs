//! Members: people in an org, each with a role.

pub mod list;
pub mod model;
pub mod remove;
pub mod store;
pub mod update;
