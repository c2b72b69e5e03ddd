//! People: signing up, proving an address, signing in and out, sessions, recovery.
//!
//! No answer tells whether an address is known. A password is only ever held as argon2id; a mailed
//! token and a session's cookie only as a hash.

pub mod me;
pub mod session;
pub mod store;
