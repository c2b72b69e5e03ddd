//! Streams: `read` a provider's, `write` a caller's, `watch` one that passes.

mod close;
mod read;
mod tell;
mod watch;
mod whole;
mod write;

pub(super) use read::Reader;
pub(super) use watch::Watch;
pub(super) use write::Writer;
