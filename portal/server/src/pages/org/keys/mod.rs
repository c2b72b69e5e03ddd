//! Keys of an organisation.

pub mod created;
pub mod key;
pub mod list;
pub mod new;
pub mod revoke;
pub(super) mod table;
