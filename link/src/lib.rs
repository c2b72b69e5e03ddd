//! How the programs reach Redis: one server, a set under Sentinel, or a Cluster. The address alone
//! says which ([`Address`]); whoever uses a [`Connection`] need not know. What must stay true: all
//! keys of one script, transaction or pipeline share a hash tag, so that they lie on one node.
//!
//! What a deployment owes to the rule that no limit is passed and no usage is lost:
//! - it persists (`appendonly yes`) and never evicts (`maxmemory-policy noeviction`);
//! - a master that can be failed over has two replicas and refuses to write without one of them
//!   (`min-replicas-to-write 1`, `min-replicas-max-lag 10`), so that an old master behind a
//!   partition stops granting.
//!
//! What must not be forgotten by a failover is written with [`Call::invoke_kept`], which waits for a
//! replica.

mod address;
mod connection;
mod lasting;
mod script;
mod sentinel;
#[cfg(feature = "servers")]
pub mod servers;

pub use address::{Address, BadAddress, Kind};
pub use connection::Connection;
pub use lasting::Lasting;
pub use script::{Call, Script};
