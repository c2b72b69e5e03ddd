//! The control API and its workers. Postgres is the truth, and only this program writes it.
//!
//! Read in this order: [`app`], [`db`], [`http`], then one operation from end to end:
//! [`orgs::teams::create`]. Every other operation has its shape.

pub mod admin;
pub mod app;
pub mod audit;
pub mod billing;
pub mod budgets;
pub mod cache;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod db;
pub mod entropy;
pub mod honesty;
pub mod http;
pub mod identity;
pub mod jobs;
pub mod keys;
pub mod lifecycle;
pub mod limits;
pub mod models;
pub mod notify;
pub mod orgs;
pub mod outbox;
pub mod own;
pub mod providers;
pub mod publish;
pub mod redis_link;
pub mod routes;
pub mod slug;
pub mod usage;
pub mod webhooks;

pub use http::{ApiError, Result};
