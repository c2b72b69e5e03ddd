//! Pages of signing up and in.

pub mod check_mail;
pub mod invite;
pub mod recover;
pub mod sign_in;
pub mod sign_up;
pub mod verify;
