//! Reads Cohere's errors: a message, and the status.

use crate::convert::{Cause, ProviderError};
use serde_json::Value;

pub(super) fn read_error(status: u16, body: &[u8]) -> ProviderError {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let message = text("message").or_else(|| text("error"));
    let lower = message.as_deref().unwrap_or_default().to_ascii_lowercase();
    let says = |word: &str| lower.contains(word);
    let cause = match status {
        401 => Cause::Credentials,
        402 => Cause::Quota,
        429 if says("/ month") || says("per month") || says("billing") => Cause::Quota,
        429 => Cause::RateLimited,
        // A word of a deny-list, in the question or in the answer.
        498 => Cause::ContentPolicy,
        503 | 529 => Cause::Overloaded,
        400 | 413 | 422 if says("too many tokens") && !says("max tokens must be") => {
            Cause::ContextFull
        }
        400 | 422 if says("blocked") && says("content") => Cause::ContentPolicy,
        _ => Cause::Unknown,
    };
    ProviderError { message, kind: text("type"), param: None, cause }
}
