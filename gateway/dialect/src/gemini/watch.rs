//! Watches a stream that passes as it is: content, usage, errors, whether it may end.

use super::ground::Searches;
use super::usage;
use crate::Reported;
use crate::convert::{Malformed, Seen, WatchStream};
use crate::json::{self, Kind};
use crate::sse;
use contract::usage::Tokens;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

#[derive(Debug, Default)]
pub(super) struct Watcher {
    tokens: Option<Tokens>,
    searches: Searches,
    /// A bit for each candidate, up to the number a stream may have.
    begun: u64,
    ended: u64,
    blocked: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Option<Content<'a>>,
    finish_reason: Option<IgnoredAny>,
    #[serde(borrow)]
    grounding_metadata: Option<&'a RawValue>,
    index: Option<u32>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Option<Vec<Part<'a>>>,
}

/// A part is content unless it is an empty text.
#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

impl WatchStream for Watcher {
    fn see(&mut self, event: &[u8]) -> Seen {
        let Some(data) = sse::data(event) else { return Seen::Silent };
        let data = data.trim_ascii();
        if data.is_empty() {
            return Seen::Silent;
        }
        let (mut error, mut content, mut malformed) = (false, false, false);
        let walked = json::walk_object(data, |member| match member.name(data).as_deref() {
            Some(b"candidates") if member.kind != Kind::Null => match self.look(member.raw(data)) {
                Ok(seen) => content = seen,
                Err(_) => malformed = true,
            },
            Some(b"usageMetadata") => {
                self.tokens = usage::read(member.raw(data)).or(self.tokens);
            }
            Some(b"modelVersion") => self.searches.model(member.raw(data)),
            Some(b"promptFeedback") => {
                let raw = member.raw(data);
                self.blocked |= memchr::memmem::find(raw, b"\"blockReason\"").is_some();
            }
            Some(b"error") => error = member.kind != Kind::Null,
            _ => {}
        });
        match (walked, malformed, error) {
            (Err(_), ..) | (_, true, _) => Seen::Malformed,
            (_, _, true) => Seen::Error,
            _ => Seen::Chunk { content: content || self.blocked },
        }
    }

    fn reported(&self) -> Reported {
        Reported { tokens: self.tokens, units: self.searches.units() }
    }

    fn may_end(&self) -> bool {
        self.begun == self.ended && (self.begun != 0 || self.blocked)
    }
}

impl Watcher {
    /// Notes what a chunk says of its candidates; whether a caller has seen something with it.
    fn look(&mut self, raw: &[u8]) -> Result<bool, serde_json::Error> {
        let candidates: Vec<Candidate<'_>> = serde_json::from_slice(raw)?;
        let mut content = false;
        for candidate in candidates {
            let bit = 1_u64.checked_shl(candidate.index.unwrap_or(0)).unwrap_or(0);
            self.begun |= bit;
            if candidate.finish_reason.is_some() {
                self.ended |= bit;
                content = true;
            }
            if let Some(told) = candidate.grounding_metadata {
                self.searches.note(told);
            }
            let parts = candidate.content.and_then(|content| content.parts).unwrap_or_default();
            content |= parts.iter().any(|part| part.text.is_none_or(|text| text.get() != "\"\""));
        }
        Ok(content)
    }
}

/// What a whole answer used.
pub(super) fn read_usage(body: &[u8]) -> Result<Reported, Malformed> {
    let (mut tokens, mut searches) = (None, Searches::default());
    json::walk_object(body, |member| match member.name(body).as_deref() {
        Some(b"usageMetadata") => tokens = usage::read(member.raw(body)),
        Some(b"modelVersion") => searches.model(member.raw(body)),
        Some(b"candidates") => searches.candidates(member.raw(body)),
        _ => {}
    })
    .map_err(|error| Malformed(error.to_string().into()))?;
    Ok(Reported { tokens, units: searches.units() })
}
