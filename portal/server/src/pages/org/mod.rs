//! Pages of an organisation.

pub mod home;
