//! The pages: each loads what it needs from the control API, then arranges components.

pub mod account;
pub mod admin;
pub mod auth;
pub mod catalog;
pub mod docs;
pub mod fault;
pub mod landing;
pub mod org;
pub mod orgs;
pub mod routes;
pub mod samples;
