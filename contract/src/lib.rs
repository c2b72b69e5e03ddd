//! What the programs agree on: identifiers, money, roles, errors, API shapes, the gateway's
//! snapshot, usage events and the names of every Redis key.
//!
//! The one rule: nothing here does I/O. Clock and randomness are arguments, and the crate builds
//! for the browser. Read in this order: [`id`], [`money`], [`role`], [`error`], [`api`],
//! [`snapshot`], [`usage`], [`channel`].

pub mod api;
pub mod channel;
pub mod error;
pub mod host;
pub mod id;
pub mod key;
pub mod money;
pub mod page;
pub mod rating;
pub mod role;
pub mod seal;
pub mod snapshot;
pub mod usage;
pub mod vendor;

/// An instant, always UTC, RFC 3339 in JSON.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
