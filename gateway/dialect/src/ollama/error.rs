//! Ollama's errors: a sentence, and the status. Written for callers of its own words.

use crate::Problem;
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

/// The body of an error, and the last line of a stream that broke.
#[must_use]
pub fn error_body(problem: &Problem<'_>) -> Vec<u8> {
    let error = format!("{} ({}, {})", problem.message, problem.code, problem.request_id);
    let mut body = serde_json::json!({ "error": error }).to_string().into_bytes();
    body.push(b'\n');
    body
}

/// A sentence, or one within an object, as a server in between may have it.
pub(super) fn sentence(error: &Value) -> Option<String> {
    let text = error.as_str().or_else(|| error.get("message")?.as_str());
    text.map(str::to_owned)
}
