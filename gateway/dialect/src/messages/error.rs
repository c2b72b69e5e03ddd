//! Errors: in the vendor's shape, so that its SDKs raise their typed exceptions, and read from
//! whoever serves the dialect — the vendor, Google, AWS, or a proxy in between.

use crate::Problem;
use crate::convert::{Cause, ProviderError};
use contract::error::ErrorCode;
use serde_json::{Value, json};

/// The body of a refusal.
pub(super) fn body(problem: &Problem<'_>) -> Vec<u8> {
    let mut details = json!({"error_code": problem.code.as_str()});
    if let (Some(param), Some(details)) = (problem.param, details.as_object_mut()) {
        details.insert("param".into(), param.into());
    }
    let error = json!({
        "type": kind(problem.status, problem.code), "message": problem.message, "details": details,
    });
    let body = json!({"type": "error", "error": error, "request_id": problem.request_id});
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The last event of a stream that broke.
pub(super) fn event(problem: &Problem<'_>) -> Vec<u8> {
    [b"event: error\ndata: ".as_slice(), &body(problem), b"\n\n"].concat()
}

/// The same, of an error that the provider told within its stream.
pub(super) fn stream_error(kind: &str, message: &str) -> Vec<u8> {
    let kind = if KINDS.contains(&kind) { kind } else { "api_error" };
    let body = json!({"type": "error", "error": {"type": kind, "message": message}});
    format!("event: error\ndata: {body}\n\n").into_bytes()
}

/// The vendor's words.
const KINDS: [&str; 10] = [
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "timeout_error",
    "api_error",
    "overloaded_error",
];

const fn kind(status: u16, code: ErrorCode) -> &'static str {
    match (status, code) {
        (_, ErrorCode::Overloaded) | (529, _) => "overloaded_error",
        (401, _) => "authentication_error",
        (402, _) => "billing_error",
        (403, _) => "permission_error",
        (404, _) => "not_found_error",
        (408 | 504, _) => "timeout_error",
        (413, _) => "request_too_large",
        (429, _) => "rate_limit_error",
        (500.., _) => "api_error",
        _ => "invalid_request_error",
    }
}

/// Reads what came with a status that is not a success.
pub(super) fn read(status: u16, body: &[u8]) -> ProviderError {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    // Google puts it into an array where it streams.
    let value = value.get(0).unwrap_or(&value);
    let error = value.get("error").unwrap_or(value);
    let text = |names: [&str; 2]| {
        let mut found = names.iter().filter_map(|name| error.get(name).and_then(Value::as_str));
        found.next().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let message = text(["message", "Message"])
        .or_else(|| error.as_str().filter(|text| !text.is_empty()).map(str::to_owned));
    let kind = text(["type", "status"])
        .or_else(|| value.get("__type").and_then(Value::as_str).map(str::to_owned));
    let param = message.as_deref().and_then(param);
    let cause = cause(status, kind.as_deref(), message.as_deref());
    ProviderError { message, kind, param, cause }
}

/// The vendor begins such a message with the field: `messages.1.content.0.text: Field required`.
fn param(message: &str) -> Option<String> {
    let (field, _) = message.split_once(": ")?;
    let path = field.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    (path && field.starts_with(|c: char| c.is_ascii_lowercase())).then(|| field.to_owned())
}

fn cause(status: u16, kind: Option<&str>, message: Option<&str>) -> Cause {
    const FULL: [&str; 5] = [
        "prompt is too long",
        "input is too long",
        "exceed context limit",
        "exceeds the maximum context",
        "context window",
    ];
    const POLICY: [&str; 3] = ["content filtering policy", "content policy", "usage policy"];
    const QUOTA: [&str; 4] = ["credit balance", "spend limit", "spending limit", "usage limits"];
    let message = message.unwrap_or_default().to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let kind = kind.unwrap_or_default();
    if kind == "billing_error" || status == 402 || says(&QUOTA) {
        Cause::Quota
    } else if says(&FULL) {
        Cause::ContextFull
    } else if says(&POLICY) {
        Cause::ContentPolicy
    } else if status == 529 || kind == "overloaded_error" || message == "overloaded" {
        Cause::Overloaded
    } else if status == 429
        || matches!(kind, "rate_limit_error" | "RESOURCE_EXHAUSTED")
        || kind.contains("Throttling")
    {
        Cause::RateLimited
    } else {
        Cause::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hosts_error_is_read() {
        for (status, body, message, cause) in [
            (
                529,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                Some("Overloaded"),
                Cause::Overloaded,
            ),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
                Some("prompt is too long: 210000 tokens > 200000 maximum"),
                Cause::ContextFull,
            ),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#,
                Some("Your credit balance is too low to access the API."),
                Cause::Quota,
            ),
            (
                429,
                r#"[{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}]"#,
                Some("Quota exceeded"),
                Cause::RateLimited,
            ),
            (
                400,
                r#"{"message":"Input is too long for requested model."}"#,
                Some("Input is too long for requested model."),
                Cause::ContextFull,
            ),
            (
                400,
                r#"{"error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}"#,
                Some("Output blocked by content filtering policy"),
                Cause::ContentPolicy,
            ),
            (502, "<html><body>Bad Gateway</body></html>", None, Cause::Unknown),
            (500, "", None, Cause::Unknown),
            (503, "\"\"", None, Cause::Unknown),
        ] {
            let read = read(status, body.as_bytes());
            assert_eq!((read.message.as_deref(), read.cause), (message, cause), "{body}");
        }
        assert_eq!(
            read_param("messages.1.content.0.text: Field required"),
            Some("messages.1.content.0.text")
        );
        assert_eq!(read_param("prompt is too long: 5"), None);
    }

    fn read_param(message: &str) -> Option<&str> {
        param(message).map(|found| &message[..found.len()])
    }

    #[test]
    fn each_status_has_the_vendors_word() {
        for (code, word) in [
            (ErrorCode::KeyUnknown, "authentication_error"),
            (ErrorCode::LimitMoney, "billing_error"),
            (ErrorCode::SubscriptionMissing, "permission_error"),
            (ErrorCode::ModelUnknown, "not_found_error"),
            (ErrorCode::RequestTooLarge, "request_too_large"),
            (ErrorCode::LimitRequests, "rate_limit_error"),
            (ErrorCode::UpstreamTimeout, "timeout_error"),
            (ErrorCode::UpstreamFailed, "api_error"),
            (ErrorCode::Overloaded, "overloaded_error"),
            (ErrorCode::RequestMalformed, "invalid_request_error"),
        ] {
            let problem = Problem {
                code,
                status: code.status(),
                message: "m",
                param: Some("tools[0]"),
                request_id: "r",
            };
            let told: Value = serde_json::from_slice(&body(&problem)).unwrap();
            assert_eq!(told["type"], "error");
            assert_eq!(told["error"]["type"], word);
            assert_eq!(told["error"]["details"]["param"], "tools[0]");
            assert_eq!(told["request_id"], "r");
            assert!(event(&problem).starts_with(b"event: error\ndata: {"));
        }
    }
}
