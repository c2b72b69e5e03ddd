//! The portal as a browser without JavaScript meets it, over a control API played by the tests.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper of a test stops the test that it cannot help"
)]

mod basics;
mod budgets;
mod cache;
mod keys;
mod lifecycle;
mod limits;
mod mailed;
mod money;
mod operator;
mod pools;
mod reports;
mod routes;
mod support;
mod tariffs;
mod workspace;
