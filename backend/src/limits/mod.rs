//! Limits that an org sets on itself, its teams, apps and keys. A plan's limits come with the plan
//! (`catalog/`); every limit that applies to a call must have room for it.
//!
//! A new org starts with one: 100 dollars a month ([`defaults::org_default`]). There is no
//! prepayment and no credit floor yet, so this limit is what bounds an org's debt.

pub mod create;
pub mod defaults;
pub mod delete;
pub mod effective;
pub mod get;
pub mod list;
pub mod model;
pub mod overrides;
pub mod plans;
pub mod recount;
pub mod store;
pub mod update;
pub mod used;
