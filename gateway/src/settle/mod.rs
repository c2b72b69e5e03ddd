//! What calls use: an intent is written to a local spool before the first byte goes upstream, an
//! event before the caller has its last byte. Both are shipped to Redis in the background, and
//! forgotten only when the backend has taken them.

mod intent;
mod leftover;
mod segment;
mod ship;
mod spool;
mod sweep;

pub use intent::Intent;
pub use ship::{Shipped, Shipper};
pub use spool::{Depth, Settle, SpoolError, SpoolFull};
