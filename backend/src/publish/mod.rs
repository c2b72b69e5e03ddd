//! Brings what gateways must know from Postgres to Redis.
//!
//! Invariants: versions are consecutive and never given twice; a record is built from rows that
//! are at least as new as its version; Redis moves from one version to the next whole or not at
//! all. Stopping at any point is harmless: every step can be repeated. When Redis holds no version,
//! an older one than was sent, or one that was never given, everything is published again under a
//! version that no reader could expect next, so that every reader reloads.

pub mod load;
mod run;
mod status;
mod step;
mod target;

pub use run::run;
pub use status::{Status, status};
pub use step::{PublishError, Publisher, Step};
pub use target::{Target, TargetError};
