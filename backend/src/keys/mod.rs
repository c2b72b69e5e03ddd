//! API keys. A secret leaves in exactly one answer and is stored only as a keyed hash; the answer
//! itself is kept for a day, sealed, so that a request sent twice shows the same key.

pub mod create;
pub mod get;
pub mod list;
pub mod model;
pub mod revoke;
pub mod store;
