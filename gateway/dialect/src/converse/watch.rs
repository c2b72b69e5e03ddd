//! Watches streams that pass as they are: those of ConverseStream, and of InvokeModel in the
//! models' own shapes, whose last piece carries the metrics of the invocation.

use super::events::{self, Told};
use super::usage;
use crate::Reported;
use crate::convert::{Seen, WatchStream};
use contract::usage::Tokens;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Debug, Default)]
pub(super) struct Watch {
    tokens: Option<Tokens>,
    stopped: bool,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow)]
    start: Option<&'a RawValue>,
}

impl WatchStream for Watch {
    fn see(&mut self, event: &[u8]) -> Seen {
        match events::read(event) {
            Told::Event(name, payload) => self.event(&name, &payload),
            Told::Piece(piece) => match usage::of_piece(&piece) {
                Some(tokens) => {
                    self.tokens = Some(tokens);
                    self.stopped = true;
                    Seen::Chunk { content: true }
                }
                None => Seen::Chunk { content: true },
            },
            Told::Error { .. } => Seen::Error,
            Told::Malformed => Seen::Malformed,
        }
    }

    fn reported(&self) -> Reported {
        self.tokens.into()
    }

    fn may_end(&self) -> bool {
        self.stopped
    }
}

impl Watch {
    fn event(&mut self, name: &str, payload: &[u8]) -> Seen {
        match name {
            "contentBlockDelta" => Seen::Chunk { content: true },
            "contentBlockStart" => {
                let start: Option<Start<'_>> = serde_json::from_slice(payload).ok();
                Seen::Chunk { content: start.is_some_and(|told| told.start.is_some()) }
            }
            "messageStop" => {
                self.stopped = true;
                Seen::Chunk { content: true }
            }
            "metadata" => match usage::of_answer(payload) {
                Ok(tokens) => {
                    self.tokens = tokens.or(self.tokens);
                    if self.stopped { Seen::Done } else { Seen::Chunk { content: false } }
                }
                Err(_) => Seen::Malformed,
            },
            // A name that is not known is of a newer service, and passes.
            _ => Seen::Chunk { content: false },
        }
    }
}
