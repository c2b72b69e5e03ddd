//! The catalogue, for everybody and for an organisation: the same pages, of which only a member
//! can subscribe.

pub mod list;
mod models;
mod plans;
pub mod product;
mod subscribe;
