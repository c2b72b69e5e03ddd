//! People: signing up, proving an address, signing in and out, sessions, recovery.
//!
//! No answer tells whether an address is known. A password is only ever held as argon2id; a mailed
//! token and a session's cookie only as a hash.

pub mod accounts;
pub mod jobs;
pub mod me;
pub mod password;
pub mod recover;
pub mod resend_verification;
pub mod reset_password;
pub mod session;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod store;
pub mod throttle;
pub mod token;
pub mod verify_email;
