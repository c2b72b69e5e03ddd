//! Apps: the programs that call the gateway. An app belongs to a team and holds keys and
//! subscriptions.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod store;
pub mod update;
