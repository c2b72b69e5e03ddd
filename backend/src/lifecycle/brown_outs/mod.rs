//! Whiles in which a share of a deprecated model's calls is refused.

pub mod create;
pub mod delete;
