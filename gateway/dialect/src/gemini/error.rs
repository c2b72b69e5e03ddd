//! Errors in the shape of google.rpc.Status, from which Google's SDKs raise their typed exceptions.

use crate::Problem;
use crate::convert::{Cause, ProviderError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The word and its HTTP status, as google.rpc.Code has them; the first is the one that is written.
const STATUSES: [(u16, &str); 14] = [
    (400, "INVALID_ARGUMENT"),
    (401, "UNAUTHENTICATED"),
    (403, "PERMISSION_DENIED"),
    (404, "NOT_FOUND"),
    (409, "ABORTED"),
    (412, "FAILED_PRECONDITION"),
    (429, "RESOURCE_EXHAUSTED"),
    (499, "CANCELLED"),
    (500, "INTERNAL"),
    (501, "UNIMPLEMENTED"),
    (503, "UNAVAILABLE"),
    (504, "DEADLINE_EXCEEDED"),
    (400, "FAILED_PRECONDITION"),
    (400, "OUT_OF_RANGE"),
];

fn word(status: u16) -> &'static str {
    let near = match status {
        402 => 429,
        405 => 501,
        408 => 504,
        502 => 503,
        status => status,
    };
    let found = STATUSES.iter().find(|(known, _)| *known == near);
    found.map_or(if near < 500 { "INVALID_ARGUMENT" } else { "INTERNAL" }, |(_, word)| word)
}

/// The body of a refusal.
pub(super) fn error_body(problem: &Problem<'_>) -> Vec<u8> {
    let mut details = vec![
        json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": problem.code.as_str(),
            "domain": "tollgate",
            "metadata": {"requestId": problem.request_id},
        }),
        json!({
            "@type": "type.googleapis.com/google.rpc.RequestInfo",
            "requestId": problem.request_id,
        }),
    ];
    if let Some(field) = problem.param {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": field, "description": problem.message}],
        }));
    }
    let error = json!({
        "code": problem.status,
        "message": problem.message,
        "status": word(problem.status),
        "details": details,
    });
    body(error)
}

/// A provider's own break of a stream, in its own words.
pub(super) fn told(kind: &str, message: &str) -> Vec<u8> {
    let known = STATUSES.iter().find(|(_, word)| *word == kind);
    let (code, status) = known.copied().unwrap_or((500, "INTERNAL"));
    body(json!({"code": code, "message": message, "status": status}))
}

fn body(error: Value) -> Vec<u8> {
    Value::Object(Map::from_iter([("error".to_owned(), error)])).to_string().into_bytes()
}

/// The last event of a stream that broke.
pub(super) fn error_event(problem: &Problem<'_>) -> Vec<u8> {
    [b"data: ".as_slice(), &error_body(problem), b"\n\n"].concat()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    message: Option<String>,
    status: Option<String>,
    details: Value,
}

/// Reads a refusal: an object, or, of a stream that was not asked for as events, a list of one.
pub(super) fn read_error(status: u16, body: &[u8]) -> ProviderError {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = value.get(0).unwrap_or(&value).get("error").cloned().unwrap_or_default();
    let Status { message, status: kind, details } = match error {
        // OAuth servers name the error and describe it beside.
        Value::String(kind) => Status {
            message: value.get("error_description").and_then(Value::as_str).map(str::to_owned),
            status: Some(kind),
            details: Value::Null,
        },
        error => serde_json::from_value(error).unwrap_or_default(),
    };
    let empty = Vec::new();
    let details = details.as_array().unwrap_or(&empty);
    let cause = cause(status, kind.as_deref(), message.as_deref().unwrap_or_default(), details);
    ProviderError { message, kind, param: field(details), cause }
}

fn field(details: &[Value]) -> Option<String> {
    details.iter().find_map(|detail| {
        let field = detail.pointer("/fieldViolations/0/field")?.as_str()?;
        (!field.is_empty()).then(|| field.to_owned())
    })
}

fn cause(status: u16, kind: Option<&str>, message: &str, details: &[Value]) -> Cause {
    let lower = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let reason =
        details.iter().find_map(|detail| detail.get("reason")?.as_str()).unwrap_or_default();
    let quota = |detail: &Value| detail.get("violations").and_then(Value::as_array).cloned();
    let daily = details.iter().filter_map(quota).flatten().any(|violation| {
        violation.get("quotaId").and_then(Value::as_str).is_some_and(|id| id.contains("PerDay"))
    });
    match (status, kind.unwrap_or_default(), reason) {
        (_, _, "API_KEY_INVALID" | "API_KEY_SERVICE_BLOCKED" | "ACCESS_TOKEN_EXPIRED") => {
            Cause::Credentials
        }
        (_, _, "BILLING_DISABLED" | "BILLING_NOT_ACTIVE") => Cause::Quota,
        (429, ..) | (_, "RESOURCE_EXHAUSTED", _) if daily || says(&["billing hard limit"]) => {
            Cause::Quota
        }
        (429, ..) | (_, "RESOURCE_EXHAUSTED", _) => Cause::RateLimited,
        (503 | 529, ..) | (_, "UNAVAILABLE", _) => Cause::Overloaded,
        (401, ..) | (_, "UNAUTHENTICATED", _) => Cause::Credentials,
        (400 | 403, ..) if says(&["api key not valid", "api key expired", "api key not found"]) => {
            Cause::Credentials
        }
        (400 | 413, ..)
            if says(&["exceeds the maximum number of tokens", "input context is too long"])
                || (says(&["token count"]) && says(&["exceed"])) =>
        {
            Cause::ContextFull
        }
        (400 | 403, ..)
            if says(&["safety", "prohibited content", "responsible ai", "blocked by"]) =>
        {
            Cause::ContentPolicy
        }
        _ => Cause::Unknown,
    }
}
