//! Teams: departments inside an org. They own apps and carry a cost centre.

pub mod create;
pub mod list;
pub mod store;
pub mod update;
