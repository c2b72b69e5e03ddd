//! Streams, both ways.

mod read;
mod watch;
mod write;

pub(crate) use read::Reader;
pub(super) use watch::Watcher;
pub(super) use write::Writer;

#[cfg(test)]
mod tests;
