//! Watches a stream that passes as it is.

use super::usage::{Usage, each};
use crate::Reported;
use crate::convert::{Seen, WatchStream};
use crate::json;
use crate::sse;

#[derive(Debug, Default)]
pub(super) struct Watcher {
    usage: Usage,
    stopped: bool,
}

impl WatchStream for Watcher {
    fn see(&mut self, event: &[u8]) -> Seen {
        let Some(data) = sse::data(event) else { return Seen::Silent };
        let data = data.trim_ascii();
        let (mut kind, mut block, mut delta) = (&b""[..], &b""[..], &b""[..]);
        let mut usage = None;
        let walked = json::walk_object(data, |member| {
            let raw = data.get(member.value.clone()).unwrap_or_default();
            match member.name(data).as_deref() {
                Some(b"type") => kind = raw,
                Some(b"content_block") => block = raw,
                Some(b"delta") => delta = raw,
                Some(b"usage") => usage = Some(Usage::read(raw)),
                Some(b"message") => each(raw, |name, value| {
                    if name == b"usage" {
                        usage = Some(Usage::read(value));
                    }
                }),
                _ => {}
            }
        });
        if walked.is_err() {
            return if data == b"[DONE]" { Seen::Done } else { Seen::Malformed };
        }
        if let Some(usage) = usage {
            self.usage = self.usage.and(usage);
        }
        match kind {
            b"\"content_block_delta\"" => Seen::Chunk { content: !is_empty_delta(delta) },
            b"\"content_block_start\"" => Seen::Chunk { content: !is_plain_start(block) },
            b"\"message_delta\"" => {
                each(delta, |name, value| {
                    self.stopped |= name == b"stop_reason" && value != b"null";
                });
                Seen::Chunk { content: true }
            }
            b"\"message_start\"" | b"\"content_block_stop\"" => Seen::Chunk { content: false },
            b"\"message_stop\"" => Seen::Done,
            b"\"ping\"" => Seen::Silent,
            b"\"error\"" => Seen::Error,
            // Newer than this program: the caller's SDK may know it.
            kind if kind.starts_with(b"\"") => Seen::Chunk { content: false },
            _ => Seen::Malformed,
        }
    }

    fn reported(&self) -> Reported {
        self.usage.reported()
    }

    fn may_end(&self) -> bool {
        self.stopped
    }
}

/// A delta whose every text but its type is empty.
fn is_empty_delta(delta: &[u8]) -> bool {
    let mut empty = true;
    each(delta, |name, value| empty &= name == b"type" || matches!(value, b"\"\"" | b"null"));
    empty
}

/// A text or thinking that has only begun.
fn is_plain_start(block: &[u8]) -> bool {
    let mut plain = true;
    each(block, |name, value| {
        plain &= match name {
            b"type" => matches!(value, b"\"text\"" | b"\"thinking\""),
            b"citations" => matches!(value, b"null" | b"[]"),
            _ => matches!(value, b"\"\"" | b"null"),
        }
    });
    plain
}
