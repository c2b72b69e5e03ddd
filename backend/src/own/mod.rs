//! What a key's holder may ask with the key itself: its own use, the limits it meets, and single
//! requests of its own app.

pub mod limits;
pub mod request;
pub mod usage;
