//! A stream on its way through: as it came, or translated, or bytes that are no events.

use super::raw::Raw;
use super::tape::Taped;
use super::translate::Translation;
use super::watch::{Watch, WatchError};
use crate::meter::Heard;
use bytes::Bytes;
use dialect::neutral::Event;

/// A stream whose bytes go in as they are read, and come out as the caller gets them.
#[expect(clippy::large_enum_variant, reason = "one a stream; a box would cost what passes most")]
#[derive(Debug)]
pub enum Flow {
    Pass(Watch),
    Translated(Box<Translation>),
    Raw(Raw),
    /// Any of these, read for others too.
    Taped(Box<Taped>),
}

/// Calls the same on whichever it is.
macro_rules! either {
    ($self:expr, $flow:ident => $call:expr) => {
        match $self {
            Flow::Pass($flow) => $call,
            Flow::Translated($flow) => $call,
            Flow::Raw($flow) => $call,
            Flow::Taped($flow) => $call,
        }
    };
}

impl Flow {
    /// Adds what was read of the stream.
    ///
    /// # Errors
    /// The provider broke it off, or an event is too long. What was whole before goes on.
    pub fn take(&mut self, read: Bytes) -> Result<(), WatchError> {
        either!(self, flow => flow.take(read))
    }

    /// The next bytes for the caller: whole events.
    pub fn take_out(&mut self) -> Option<Bytes> {
        either!(self, flow => flow.take_out())
    }

    #[must_use]
    pub fn has_next(&self) -> bool {
        either!(self, flow => flow.has_next())
    }

    /// Whether content has begun, or the stream has come to its end without any.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        either!(self, flow => flow.has_begun())
    }

    /// Whether the stream has said that it is complete; nothing after that counts.
    #[must_use]
    pub fn is_done(&self) -> bool {
        either!(self, flow => flow.is_done())
    }

    /// What tells the caller that the stream is complete. It may be sent only once the call is
    /// settled.
    pub fn end_mark(&mut self) -> Option<Bytes> {
        either!(self, flow => flow.end_mark())
    }

    /// The provider closed the stream: whether it was whole. Some send no end mark, but what
    /// comes last can be told.
    pub fn close(&mut self) -> bool {
        match self {
            Self::Pass(watch) => watch.close(),
            Self::Translated(translation) => translation.close(),
            Self::Raw(raw) => raw.has_begun(),
            Self::Taped(taped) => taped.close(),
        }
    }

    /// What was read of it for others since this was last asked.
    pub fn take_events(&mut self) -> Vec<Event> {
        match self {
            Self::Taped(taped) => taped.take_events(),
            _ => Vec::new(),
        }
    }

    /// Whether an error can be told in it; where it cannot, breaking the connection tells.
    #[must_use]
    pub const fn can_tell_errors(&self) -> bool {
        !matches!(self, Self::Raw(_))
    }

    /// What the provider has told was used.
    #[must_use]
    pub fn heard(&self) -> Heard {
        either!(self, flow => flow.heard())
    }

    /// Output tokens seen, where the provider does not say.
    #[must_use]
    pub fn output_tokens(&self) -> u64 {
        either!(self, flow => flow.output_tokens())
    }

    /// Events that were none of their dialect, and were left out.
    #[must_use]
    pub fn malformed(&self) -> u32 {
        either!(self, flow => flow.malformed())
    }
}
