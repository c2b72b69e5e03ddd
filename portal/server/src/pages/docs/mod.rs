//! Documentation, public.

pub mod errors;
pub mod quickstart;
