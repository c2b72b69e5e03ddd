//! Watches a stream that passes: what each event is, and what was used.

use super::super::usage;
use crate::Reported;
use crate::convert::{Seen, WatchStream};
use crate::json::{self, Kind};
use crate::sse;
use contract::usage::{Tokens, Units};

/// Watches a stream.
#[derive(Debug, Default)]
pub(in super::super) struct Watch {
    tokens: Option<Tokens>,
    units: Units,
    done: bool,
}

impl WatchStream for Watch {
    fn see(&mut self, event: &[u8]) -> Seen {
        let Some(data) = sse::data(event) else { return Seen::Silent };
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            return if self.done { Seen::Done } else { Seen::Silent };
        }
        let (mut kind, mut item, mut response) = (None, None, None);
        let walked = json::walk_object(data, |member| match member.name(data).as_deref() {
            Some(b"type") if member.kind == Kind::String => kind = Some(member.value),
            Some(b"item") => item = Some(member.value),
            Some(b"response") => response = Some(member.value),
            _ => {}
        });
        let (Ok(_), Some(kind)) = (walked, kind.and_then(|at| data.get(at))) else {
            return Seen::Malformed;
        };
        match kind.trim_ascii() {
            br#""response.created""# | br#""response.queued""# | br#""response.in_progress""# => {
                Seen::Chunk { content: false }
            }
            br#""response.content_part.added""# | br#""response.reasoning_summary_part.added""# => {
                Seen::Chunk { content: false }
            }
            // An item says nothing yet, but for a call, which names its tool.
            br#""response.output_item.added""# => {
                let item = item.and_then(|at| data.get(at)).unwrap_or_default();
                let empty = has_type(item, b"message") || has_type(item, b"reasoning");
                Seen::Chunk { content: !empty }
            }
            br#""response.completed""# | br#""response.incomplete""# => {
                let response = response.and_then(|at| data.get(at)).unwrap_or_default();
                self.total(response);
                self.done = true;
                Seen::Done
            }
            br#""response.failed""# => {
                let response = response.and_then(|at| data.get(at)).unwrap_or_default();
                self.total(response);
                Seen::Error
            }
            br#""response.output_item.done""# => {
                let item = item.and_then(|at| data.get(at)).unwrap_or_default();
                usage::note_item(item, &mut self.units);
                Seen::Chunk { content: true }
            }
            br#""error""# => Seen::Error,
            _ => Seen::Chunk { content: true },
        }
    }

    fn reported(&self) -> Reported {
        Reported { tokens: self.tokens, units: self.units }
    }

    fn may_end(&self) -> bool {
        self.done
    }
}

fn has_type(item: &[u8], kind: &[u8]) -> bool {
    let mut found = false;
    let walked = json::walk_object(item, |member| {
        if member.name(item).as_deref() == Some(b"type") {
            found = member.raw(item).get(1..kind.len() + 1) == Some(kind);
        }
    });
    walked.is_ok() && found
}

impl Watch {
    /// What the whole response used replaces what was counted on the way.
    fn total(&mut self, response: &[u8]) {
        let told = usage::read_body(response).unwrap_or_default();
        let Reported { tokens, units } = self.reported().and(told);
        (self.tokens, self.units) = (tokens, units);
    }
}
