//! A provider's stream, cut into events however its dialect frames them.

use bytes::Bytes;
use dialect::convert::Framing;
use dialect::sse::{TooLong, Verdict};
use dialect::{eventstream, sse};
use std::collections::VecDeque;

/// What has arrived and is not yet a whole event.
#[derive(Debug)]
pub enum Frames {
    Sse(sse::Events),
    EventStream(eventstream::Events),
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
    /// `None`: nobody here reads such a framing.
    pub fn new(framing: Framing, event_bytes_max: usize) -> Option<Self> {
        Some(match framing {
            Framing::Sse => Self::Sse(sse::Events::new(event_bytes_max)),
            Framing::EventStream => Self::EventStream(eventstream::Events::new(event_bytes_max)),
            Framing::Lines => return None,
        })
    }

    /// Shows each event that is whole with what was read, until `show` has enough.
    pub fn push(
        &mut self,
        read: Bytes,
        mut show: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), Unframed> {
        // Nothing passes as it is, so nothing is put here.
        let mut passed = VecDeque::new();
        let judge = |event: &[u8]| if show(event) { Verdict::Drop } else { Verdict::Stop };
        match self {
            Self::Sse(events) => events.push(read, &mut passed, judge)?,
            Self::EventStream(events) => events.push(read, &mut passed, judge)?,
        }
        Ok(())
    }
}
