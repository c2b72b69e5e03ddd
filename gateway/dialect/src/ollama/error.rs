//! Reads Ollama's errors: a sentence, and the status.

use crate::convert::{Cause, ProviderError};
use serde_json::Value;

pub(super) fn read_error(status: u16, body: &[u8]) -> ProviderError {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = value.get("error").and_then(sentence);
    let lower = message.as_deref().unwrap_or_default().to_ascii_lowercase();
    let says = |word: &str| lower.contains(word);
    let cause = match status {
        401 => Cause::Credentials,
        402 => Cause::Quota,
        429 if says("usage limit") || says("upgrade") => Cause::Quota,
        429 => Cause::RateLimited,
        503 => Cause::Overloaded,
        400 | 413 | 500 if says("context") && (says("exceed") || says("longer than")) => {
            Cause::ContextFull
        }
        _ => Cause::Unknown,
    };
    ProviderError { message, kind: None, param: None, cause }
}

/// A sentence, or one within an object, as a server in between may have it.
pub(super) fn sentence(error: &Value) -> Option<String> {
    let text = error.as_str().or_else(|| error.get("message")?.as_str());
    text.map(str::to_owned)
}
