//! The control API as its callers see it: whole requests through every layer, on a real Postgres.
//! The tree mirrors the operations. Needs DATABASE_URL: a Postgres where databases may be made.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_debug_implementations,
    reason = "a test that fails says where by panicking"
)]

mod harness;

mod audit;
mod billing;
mod budgets;
mod cache;
mod catalog;
mod coverage;
mod health;
mod http;
mod identity;
mod isolation;
mod jobs;
mod keys;
mod lifecycle;
mod lifecycle_end;
mod limits;
mod limits_effective;
mod limits_reach;
mod models;
mod openapi;
mod orgs;
mod own;
mod pools;
mod providers;
mod publish;
mod reconcile;
mod recount;
mod route_outcomes;
mod routes;
mod seed_demo;
mod tariffs;
mod tariffs_rated;
mod units;
mod unknowns;
mod usage;
mod wallets;
mod webhooks;
