//! Watches a stream that passes as it is.

use super::usage::Usage;
use crate::convert::{Seen, WatchStream};
use crate::{Reported, json, sse};
use serde::Deserialize;

#[derive(Debug, Default)]
pub(super) struct Watcher {
    reported: Reported,
}

/// `delta` of the last event.
#[derive(Debug, Deserialize)]
struct End {
    finish_reason: Option<String>,
    error: Option<String>,
    usage: Option<Usage>,
}

impl WatchStream for Watcher {
    fn see(&mut self, event: &[u8]) -> Seen {
        let Some(data) = sse::data(event) else { return Seen::Silent };
        let data = data.trim_ascii();
        if data.is_empty() {
            return Seen::Silent;
        }
        let (mut kind, mut delta, mut message) = (&b""[..], &b""[..], false);
        let walked = json::walk_object(data, |member| match member.name(data).as_deref() {
            Some(b"type") => kind = member.raw(data),
            Some(b"delta") => delta = member.raw(data),
            Some(b"message") => message = true,
            _ => {}
        });
        if walked.is_err() {
            return if data == b"[DONE]" { Seen::Done } else { Seen::Malformed };
        }
        match kind {
            b"\"message-end\"" => self.end(delta),
            b"\"content-delta\""
            | b"\"tool-plan-delta\""
            | b"\"tool-call-start\""
            | b"\"tool-call-delta\""
            | b"\"citation-start\"" => Seen::Chunk { content: true },
            // An error is a message without a kind.
            b"" if message => Seen::Error,
            // `message-start`, ends of blocks, and what is newer than this program.
            kind if kind.starts_with(b"\"") => Seen::Chunk { content: false },
            _ => Seen::Malformed,
        }
    }

    fn reported(&self) -> Reported {
        self.reported
    }

    /// Every whole stream says that it ends.
    fn may_end(&self) -> bool {
        false
    }
}

impl Watcher {
    fn end(&mut self, delta: &[u8]) -> Seen {
        // An end that tells nothing is one all the same.
        let Ok(end) = serde_json::from_slice::<End>(delta) else { return Seen::Done };
        if let Some(usage) = &end.usage {
            self.reported = self.reported.and(usage.reported());
        }
        if end.error.is_some() || end.finish_reason.as_deref() == Some("ERROR") {
            return Seen::Error;
        }
        Seen::Done
    }
}
