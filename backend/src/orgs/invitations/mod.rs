//! Invitations: a mailed link that makes the person of that address a member. Works once, for
//! seven days.

pub mod accept;
pub mod create;
pub mod list;
pub mod revoke;
pub mod store;
