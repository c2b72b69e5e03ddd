//! Every visible sentence, a module an area, so that a translation has one place to start from.

pub mod account;
pub mod auth;
pub mod charts;
pub mod docs;
pub mod errors;
pub mod fault;
pub mod form;
pub mod home;
pub mod landing;
pub mod nav;
pub mod shell;
