//! Pages of an organisation.

pub mod apps;
pub mod audit;
pub mod budgets;
pub mod costs;
pub mod home;
pub mod keys;
pub mod limits;
pub mod people;
mod report;
pub mod requests;
pub mod settings;
pub mod usage;
pub mod webhooks;
