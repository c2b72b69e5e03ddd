//! The whole line of rooms: a real server, a real Redis, the simulator as the provider.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod alike;
mod budgets;
mod calls;
mod cohere;
mod drain;
mod fallbacks;
mod faults;
mod gemini;
mod hedging;
mod hosts;
mod lifecycle;
mod limits;
mod lines;
mod matrix;
mod media;
mod native;
mod own;
mod pools;
mod predict;
mod recall;
mod refusals;
mod room;
mod routes;
mod shadows;
mod shared;
mod streams;
mod support;
mod survive;
mod tokens;
mod translate;
mod upstream;
mod usage;
mod vendors;
mod walls;
