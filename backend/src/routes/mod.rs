//! Routes: where the calls of a model go. The platform's are the operators' and everybody's; an org
//! may have its own, which then counts for its calls.
//!
//! Invariants: a version is never changed, an edit makes another; what counts was checked against
//! the deployments and models of the moment it was made to count; planning itself is the crate
//! `route`, which gateways use too.

pub mod activate;
pub mod create;
pub mod delete;
pub mod explain;
pub mod get;
mod known;
pub mod list;
mod meaning;
pub mod outcomes;
pub mod places;
pub mod store;
pub mod update;
pub mod versions;
