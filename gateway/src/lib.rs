//! The gateway: a line of rooms that every call passes in order, and the tools they use.
//!
//! The rooms are a library so that tests, benches and fuzz targets meet the same code as `main`.

pub mod admin;
pub mod background;
pub mod clock;
pub mod link;
pub mod reserve;
pub mod settle;
pub mod snapshot;
pub mod telemetry;
