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
        let judge = |event: &[u8]| if show(event) { Verdict::Drop } else { Verdict::Stop };
        self.pass(read, &mut passed, judge)
    }

    /// Puts the events that are to pass into `out`, as they came.
    pub fn pass(
        &mut self,
        read: Bytes,
        out: &mut VecDeque<Bytes>,
        mut judge: impl FnMut(&[u8]) -> Verdict,
    ) -> Result<(), Unframed> {
        match self {
            Self::Sse(events) => events.push(read, out, judge)?,
            Self::EventStream(events) => events.push(read, out, judge)?,
            Self::Lines(lines) => lines.push(read, |line| keep(line, out, &mut judge))?,
        }
        Ok(())
    }

    /// The stream is over, as [`Frames::finish`]: what passes goes into `out`.
    pub fn pass_last(
        &mut self,
        out: &mut VecDeque<Bytes>,
        mut judge: impl FnMut(&[u8]) -> Verdict,
    ) -> Result<(), Unframed> {
        self.finish(|line| keep(line, out, &mut judge))
    }

    /// The stream is over: a last line may lack its end. Nothing else can be told to be whole.
    pub fn finish(&mut self, show: impl FnMut(&[u8]) -> bool) -> Result<(), Unframed> {
        match self {
            Self::Sse(_) | Self::EventStream(_) => Ok(()),
            Self::Lines(lines) => Ok(lines.finish(show)?),
        }
    }
}

/// Puts a line that is to pass into `out`, and says whether there is to be another.
fn keep(line: &[u8], out: &mut VecDeque<Bytes>, judge: &mut impl FnMut(&[u8]) -> Verdict) -> bool {
    // Judged with its end: what ends a stream is kept as it was judged.
    let line = [line, b"\n"].concat();
    let verdict = judge(&line);
    if verdict == Verdict::Keep {
        out.push_back(line.into());
    }
    verdict != Verdict::Stop
}
