//! Whole answers, both ways.

mod read;
mod write;

pub(crate) use read::answer as read;
pub(super) use write::{answer as write, chances, finish_reason, id, image};

#[cfg(test)]
mod tests;
