//! What a stream has told so far: which events go on to the caller, whether content has begun,
//! what was used, whether it ended as it should.

use super::frames::{Frames, Unframed};
use super::spoken;
use crate::meter::Heard;
use bytes::Bytes;
use dialect::convert::{Framing, Seen as Sight, WatchStream};
use dialect::openai::{self, Event};
use dialect::sse::Verdict;
use std::collections::VecDeque;

/// Why a stream cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    #[error("the provider broke the stream off")]
    BrokenOff,
    #[error(transparent)]
    Unframed(#[from] Unframed),
}

/// An observer of one stream.
#[derive(Debug)]
pub struct Watch {
    events: Frames,
    out: VecDeque<Bytes>,
    seen: Seen,
}

#[derive(Debug)]
struct Seen {
    /// Who watches in another dialect than OpenAI's chat.
    eye: Option<Box<dyn WatchStream>>,
    /// The caller did not ask for the usage chunk, so it does not get it.
    strip_usage: bool,
    begun: bool,
    /// `[DONE]` as it came.
    end_mark: Option<Bytes>,
    broken: bool,
    /// The chunk with usage and no choice, which only a whole stream has.
    closed: bool,
    heard: Heard,
    malformed: u32,
    chunks: u64,
    chunk_bytes: u64,
    /// The shortest chunk.
    chunk_bytes_min: u64,
    /// What each chunk has around its text, as far as short ones show.
    around: u64,
}

impl Watch {
    /// A stream in the dialect that `eye` knows.
    #[must_use]
    pub fn through(eye: Box<dyn WatchStream>, framing: Framing, event_bytes_max: usize) -> Self {
        let mut watch = Self::new(event_bytes_max, false);
        watch.events = Frames::new(framing, event_bytes_max);
        watch.seen.eye = Some(eye);
        watch
    }

    /// A stream of OpenAI's chat.
    #[must_use]
    pub fn new(event_bytes_max: usize, strip_usage: bool) -> Self {
        Self {
            events: Frames::new(Framing::Sse, event_bytes_max),
            out: VecDeque::new(),
            seen: Seen {
                eye: None,
                strip_usage,
                begun: false,
                end_mark: None,
                broken: false,
                closed: false,
                heard: Heard::NOTHING,
                malformed: 0,
                chunks: 0,
                chunk_bytes: 0,
                chunk_bytes_min: u64::MAX,
                around: u64::MAX,
            },
        }
    }

    /// Adds what was read of the stream.
    ///
    /// # Errors
    /// The provider broke it off, or an event is too long. What was whole before goes on.
    pub fn take(&mut self, read: Bytes) -> Result<(), WatchError> {
        let seen = &mut self.seen;
        self.events.pass(read, &mut self.out, |event| seen.judge(event))?;
        if self.seen.broken { Err(WatchError::BrokenOff) } else { Ok(()) }
    }

    /// The next bytes for the caller: whole events.
    pub fn take_out(&mut self) -> Option<Bytes> {
        self.out.pop_front()
    }

    #[must_use]
    pub fn has_next(&self) -> bool {
        !self.out.is_empty()
    }

    /// Whether content has begun, or the stream has come to its end without any.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.seen.begun || self.is_done()
    }

    /// Whether `[DONE]` has been seen; nothing after it counts.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.seen.end_mark.is_some()
    }

    /// `[DONE]` as it came, which is not among the bytes for the caller: it may be sent only once
    /// the call is settled.
    pub fn end_mark(&mut self) -> Option<Bytes> {
        self.seen.end_mark.take()
    }

    /// The provider closed the stream: whether it was whole.
    pub fn close(&mut self) -> bool {
        let seen = &mut self.seen;
        // A last line without its end that is too long, or none, makes nothing whole.
        self.events.pass_last(&mut self.out, |event| seen.judge(event)).is_ok() && self.may_end()
    }

    /// Whether a stream that ends now is whole: some providers send no `[DONE]`, but what was
    /// used comes last.
    fn may_end(&self) -> bool {
        self.is_done()
            || self.seen.closed
            || self.seen.eye.as_ref().is_some_and(|eye| eye.may_end())
    }

    /// What the provider has told was used.
    #[must_use]
    pub const fn heard(&self) -> Heard {
        self.seen.heard
    }

    /// Data that was not JSON, and was left out.
    #[must_use]
    pub fn malformed(&self) -> u32 {
        self.seen.malformed
    }

    /// Output tokens seen, where the provider does not say: one for each chunk, or one for so
    /// many bytes of text, whichever is more.
    #[must_use]
    pub fn output_tokens(&self) -> u64 {
        let Seen { chunks, chunk_bytes, around, .. } = self.seen;
        let text = chunk_bytes.saturating_sub(chunks.saturating_mul(around));
        chunks.max(text.div_ceil(spoken::BYTES_PER_TOKEN))
    }
}

impl Seen {
    fn judge(&mut self, event: &[u8]) -> Verdict {
        if let Some(eye) = &mut self.eye {
            let sight = eye.see(event);
            self.heard = self.heard.and(eye.reported());
            return self.judge_sight(sight, event);
        }
        match openai::read_event(event) {
            Event::Silent => Verdict::Keep,
            Event::Chunk(reported) => {
                self.heard = self.heard.and(reported);
                self.begun = self.begun || openai::has_content(event);
                self.chunk(event);
                Verdict::Keep
            }
            Event::Usage(reported) => {
                self.heard = self.heard.and(reported);
                self.closed = true;
                if self.strip_usage { Verdict::Drop } else { Verdict::Keep }
            }
            Event::Done => {
                self.end_mark = Some(Bytes::copy_from_slice(event));
                Verdict::Stop
            }
            Event::Error => {
                self.broken = true;
                Verdict::Stop
            }
            Event::Malformed => {
                self.malformed += 1;
                Verdict::Drop
            }
        }
    }

    fn judge_sight(&mut self, sight: Sight, event: &[u8]) -> Verdict {
        match sight {
            Sight::Silent | Sight::Usage => Verdict::Keep,
            Sight::Chunk { content } => {
                self.begun |= content;
                if content {
                    self.chunk(event);
                }
                Verdict::Keep
            }
            Sight::Done => {
                self.end_mark = Some(Bytes::copy_from_slice(event));
                Verdict::Stop
            }
            Sight::Error => {
                self.broken = true;
                Verdict::Stop
            }
            Sight::Malformed => {
                self.malformed += 1;
                Verdict::Drop
            }
        }
    }

    /// Counts a chunk once content has begun.
    fn chunk(&mut self, event: &[u8]) {
        if self.begun {
            let len = u64::try_from(event.len()).unwrap_or(u64::MAX);
            self.chunks += 1;
            self.chunk_bytes = self.chunk_bytes.saturating_add(len);
            // Read only where a chunk is shorter than all before it, which few are.
            if len < self.chunk_bytes_min {
                self.chunk_bytes_min = len;
                self.around = self.around.min(len.saturating_sub(spoken::bytes(event)));
            }
        }
    }
}
