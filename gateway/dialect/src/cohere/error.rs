//! Errors: in the vendor's shape, a message and an id, so that its SDKs raise their typed
//! exceptions by the status; and read from the vendor. A stream that breaks ends with a
//! `message-end` that says so: the SDKs raise nothing for it, and show it as the reason of the end.

use crate::Problem;
use crate::convert::{Cause, ProviderError};
use serde_json::{Map, Value, json};

/// The body of a refusal.
pub(super) fn body(problem: &Problem<'_>) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("id".to_owned(), problem.request_id.into());
    body.insert("message".to_owned(), problem.message.into());
    body.insert("code".to_owned(), problem.code.as_str().into());
    if let Some(param) = problem.param {
        body.insert("param".to_owned(), param.into());
    }
    Value::Object(body).to_string().into_bytes()
}

/// The last event of a stream that broke.
pub(super) fn event(problem: &Problem<'_>) -> Vec<u8> {
    let delta = json!({
        "finish_reason": "ERROR", "error": problem.message, "code": problem.code.as_str(),
    });
    let id = problem.request_id;
    let data = json!({"type": "message-end", "id": id, "delta": delta});
    format!("event: message-end\ndata: {data}\n\n").into_bytes()
}

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
