//! Organisations and what is in them: members, invitations, teams, apps.
//!
//! An org keeps at least one owner, and nobody grants a role above their own.

pub mod model;
pub mod store;
pub mod teams;
