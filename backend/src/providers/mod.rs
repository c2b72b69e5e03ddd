//! Who runs models: address, kind of auth, sealed credential, replicas. For operators only.
//!
//! A credential is written and never read back: it leaves the database only to be sent to its
//! provider, here by [`test`], else by gateways, which open it themselves.

pub mod create;
pub mod delete;
pub mod drain;
pub mod get;
pub mod list;
pub mod model;
pub mod pool;
pub mod replicas;
pub mod store;
pub mod test;
pub mod update;
pub mod upstream;
