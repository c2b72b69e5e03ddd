//! Pages of an organisation.

pub mod apps;
pub mod audit;
pub(crate) mod billing;
pub mod budgets;
pub mod costs;
pub mod home;
pub mod keys;
pub mod limits;
pub mod people;
mod report;
mod request_detail;
pub mod requests;
pub mod routes;
pub mod settings;
pub mod unknowns;
pub mod usage;
pub mod webhooks;
