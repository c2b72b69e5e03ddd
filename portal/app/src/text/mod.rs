//! Every visible sentence, a module an area, so that a translation has one place to start from.

pub mod account;
pub mod admin;
pub mod apps;
pub mod audit;
pub mod auth;
pub mod catalog;
pub mod charts;
pub mod costs;
pub mod docs;
pub mod errors;
pub mod fault;
pub mod form;
pub mod home;
pub mod keys;
pub mod landing;
pub mod limits;
pub mod nav;
pub mod people;
pub mod prices;
pub mod range;
pub mod requests;
pub mod settings;
pub mod shell;
pub mod states;
pub mod units;
pub mod usage;
