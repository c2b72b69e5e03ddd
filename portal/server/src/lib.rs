//! The portal's server: pages and forms for browsers, over the control API. It knows neither
//! Postgres nor Redis, and has no rules of its own.
//!
//! Read in this order: [`routes`] (a line per page and per form), [`visit`] (what a page gets),
//! [`pages`], [`actions`], [`backend`] (the typed client), [`flash`], [`http`].

pub mod actions;
pub mod address;
mod app;
pub mod backend;
mod clock;
mod config;
pub mod fault;
pub mod flash;
pub mod form;
pub mod http;
pub mod logging;
pub mod pages;
pub mod range;
pub mod routes;
pub mod visit;

pub use app::App;
pub use clock::Clock;
pub use config::Config;
