//! Usage events: written to a local spool before the caller has its last byte, shipped to Redis
//! in the background, and forgotten only when the backend has taken them.

mod segment;
mod ship;
mod spool;

pub use ship::{Shipped, Shipper};
pub use spool::{Depth, Settle, SpoolError, SpoolFull};
