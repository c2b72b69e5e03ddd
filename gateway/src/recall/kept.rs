//! An answer that is kept: in the neutral form, so that whoever asks for the same is told it in its
//! own dialect, whole or as a stream; and what it used. What is no conversation is kept as it was told.

use crate::meter::Measure;
use bytes::Bytes;
use contract::usage::{Tokens, Units, Used};
use dialect::neutral::{Answer, Content, Stop};
use serde::{Deserialize, Serialize};

/// The form of what is written down. What has another one is not there.
const FORM: u8 = 1;

/// How far ahead the clock of whoever made an answer may be.
const AHEAD_MAX_MS: i64 = 5_000;

/// An answer to one call, which others may be given.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub answer: Answer,
    /// The whole body, of what is no conversation: JSON, for who asks in the same words.
    pub as_told: Option<Bytes>,
    pub measure: Measure,
    /// When it was made, in epoch milliseconds.
    pub at_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct Written<A> {
    form: u8,
    at_ms: i64,
    tokens: Tokens,
    units: Units,
    estimated: bool,
    odd: bool,
    answer: A,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_told: Option<String>,
}

impl Kept {
    /// Whether it may be given to later calls: only what is complete and calls for nothing to be
    /// done. What was cut at a bound, filtered, refused or paused was no answer to the question.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        if self.as_told.is_some() {
            return true;
        }
        let candidates = &self.answer.candidates;
        self.answer.blocked.is_none()
            && !candidates.is_empty()
            && candidates.iter().all(|candidate| {
                matches!(candidate.stop, Stop::End | Stop::Sequence(_))
                    && candidate.parts.iter().all(|part| {
                        !matches!(
                            part.content,
                            Content::ToolCall(_) | Content::ToolResult(_) | Content::Refusal(_)
                        )
                    })
            })
    }

    /// Whether it is at most `ttl_ms` old. Another gateway's clock may be a little ahead; one that is
    /// far ahead, or was put back, makes an answer that is not to be trusted.
    #[must_use]
    pub fn is_fresh(&self, now_ms: i64, ttl_ms: i64) -> bool {
        (-AHEAD_MAX_MS..=ttl_ms).contains(&now_ms.saturating_sub(self.at_ms))
    }

    /// Seconds since it was made.
    #[must_use]
    pub fn age_s(&self, now_ms: i64) -> u64 {
        u64::try_from(now_ms.saturating_sub(self.at_ms) / 1_000).unwrap_or(0)
    }

    /// In bytes; `None` where it cannot be written.
    #[must_use]
    pub fn write(&self) -> Option<Vec<u8>> {
        let Measure { used: Used { tokens, units }, estimated, odd } = self.measure;
        let (answer, at_ms) = (&self.answer, self.at_ms);
        let as_told = match &self.as_told {
            None => None,
            Some(body) => Some(std::str::from_utf8(body).ok()?.to_owned()),
        };
        let written = Written { form: FORM, at_ms, tokens, units, estimated, odd, answer, as_told };
        serde_json::to_vec(&written).ok()
    }

    /// What was written; `None` where that is nothing we know.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let written: Written<Answer> = serde_json::from_slice(bytes).ok()?;
        let Written { form, at_ms, tokens, units, estimated, odd, answer, as_told } = written;
        let as_told = as_told.map(Bytes::from);
        let measure = Measure { used: Used { tokens, units }, estimated, odd };
        (form == FORM).then_some(Self { answer, as_told, measure, at_ms })
    }
}
