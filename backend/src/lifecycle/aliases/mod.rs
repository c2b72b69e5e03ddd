//! Other names for models.

pub mod create;
pub mod delete;
pub mod list;
mod store;
