//! Versions of a model, several of which may take calls at a time.

pub mod create;
pub mod update;
