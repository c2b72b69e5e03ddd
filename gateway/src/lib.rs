//! The gateway: a line of rooms that every call passes in order, and the tools they use.
//!
//! The rooms are a library so that tests, benches and fuzz targets meet the same code as `main`.
//! Read `serve` first: it has the rooms in their order (admit, identify, read, permit, plan,
//! reserve, recall, attempt, relay, settle).

pub mod about;
pub mod admin;
pub mod admit;
pub mod answer;
pub mod attempt;
pub mod background;
pub mod beat;
pub mod chance;
pub mod clock;
pub mod detach;
pub mod fallback;
pub mod fault;
pub mod fold;
pub mod former;
pub mod health;
pub mod identify;
pub mod link;
pub mod meter;
pub mod own;
pub mod permit;
pub mod plan;
pub mod pool;
pub mod provider;
pub mod read;
pub mod recall;
pub mod relay;
pub mod render;
pub mod reserve;
pub mod serve;
pub mod server;
pub mod settle;
pub mod shadow;
pub mod snapshot;
pub mod stall;
pub mod telemetry;
pub mod text;
pub mod together;
pub mod worker;
