//! The gateway's tools against a real Redis, each test with a server of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a helper of a test stops the test that it cannot help"
)]

mod alike;
mod background;
mod recall;
mod redis_server;
mod reserve;
mod sample;
mod settle;
mod snapshot;
mod world;
