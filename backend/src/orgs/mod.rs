//! Organisations and what is in them: members, invitations, teams, apps.
//!
//! An org keeps at least one owner, and nobody grants a role above their own.

pub mod apps;
pub mod create;
pub mod get;
pub mod invitations;
pub mod list;
pub mod members;
pub mod model;
pub mod store;
pub mod teams;
pub mod update;

pub use model::is_name_of_org;
