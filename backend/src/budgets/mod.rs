//! Budgets: what an org means to spend in a calendar period on itself, a team, an app or a key,
//! on one model or tag if it likes; who hears of it, and what happens then.
//!
//! Gateways enforce a budget as a limit of money ([`model::Row::record`]); what it tells people
//! comes from what was booked ([`watch`]), once for each threshold and period.

pub mod alerts;
pub mod create;
pub mod delete;
pub mod end_raise;
mod fit;
mod forecast;
pub mod get;
pub mod list;
pub mod model;
pub mod raise;
mod shown;
mod spend;
pub mod store;
pub mod tell;
pub mod update;
mod warnings;
pub mod watch;
