//! A provider's stream, cut into events however its dialect frames them.

use bytes::Bytes;
use dialect::convert::Framing;
use dialect::sse::{TooLong, Verdict};
use dialect::{eventstream, lines, sse};
use std::collections::VecDeque;

/// What has arrived and is not yet a whole event.
#[derive(Debug)]
pub enum Frames {
    Sse(sse::Events),
    EventStream(eventstream::Events),
    Lines(lines::Lines),
}

/// Why a stream can be cut no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unframed {
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error(transparent)]
    Broken(#[from] eventstream::Broken),
}

impl Frames {
    pub fn new(framing: Framing, event_bytes_max: usize) -> Self {
        match framing {
            Framing::Sse => Self::Sse(sse::Events::new(event_bytes_max)),
            Framing::EventStream => Self::EventStream(eventstream::Events::new(event_bytes_max)),
            Framing::Lines => Self::Lines(lines::Lines::new(event_bytes_max)),
        }
    }

    /// Shows each event that is whole with what was read, until `show` has enough.
    pub fn push(
        &mut self,
        read: Bytes,
        mut show: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), Unframed> {
        // Nothing passes as it is, so nothing is put here.
        let mut passed = VecDeque::new();
        let mut judge = |event: &[u8]| if show(event) { Verdict::Drop } else { Verdict::Stop };
        match self {
            Self::Sse(events) => events.push(read, &mut passed, judge)?,
            Self::EventStream(events) => events.push(read, &mut passed, judge)?,
            Self::Lines(lines) => lines.push(read, |line| judge(line) != Verdict::Stop)?,
        }
        Ok(())
    }

    /// The stream is over: a last line may lack its end. Nothing else can be told to be whole.
    pub fn finish(&mut self, show: impl FnMut(&[u8]) -> bool) -> Result<(), Unframed> {
        match self {
            Self::Sse(_) | Self::EventStream(_) => Ok(()),
            Self::Lines(lines) => Ok(lines.finish(show)?),
        }
    }
}
