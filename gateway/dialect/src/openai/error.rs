//! Errors in the OpenAI shape, so that the vendor's SDKs raise their typed exceptions.

use crate::Problem;
use serde::Serialize;

#[derive(Serialize)]
struct Body<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: &'static str,
    request_id: &'a str,
}

/// The body of a refusal.
#[must_use]
pub fn error_body(problem: &Problem<'_>) -> Vec<u8> {
    let error = Error {
        message: problem.message,
        kind: kind(problem.status),
        param: problem.param,
        code: problem.code.as_str(),
        request_id: problem.request_id,
    };
    // A struct of strings always serialises.
    serde_json::to_vec(&Body { error }).unwrap_or_default()
}

/// The last event of a stream that broke.
#[must_use]
pub fn error_event(problem: &Problem<'_>) -> Vec<u8> {
    [b"data: ".as_slice(), &error_body(problem), b"\n\n"].concat()
}

/// The vendor's own word for a class of errors.
const fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "insufficient_quota",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}
