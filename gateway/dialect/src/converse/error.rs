//! Reads the service's errors. Their type is in a header, which we are not shown, or in `__type`;
//! the causes that matter are told by the sentences. Writes them for callers of its own words.

use crate::convert::{Cause, ProviderError};
use crate::{Problem, eventstream};
use serde::Deserialize;

#[derive(Deserialize)]
struct Body {
    #[serde(alias = "Message", alias = "errorMessage")]
    message: Option<String>,
    #[serde(rename = "__type", alias = "code")]
    kind: Option<String>,
    #[serde(rename = "originalMessage")]
    original: Option<String>,
}

pub(super) fn read(status: u16, body: &[u8]) -> ProviderError {
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
        return ProviderError { cause: cause(status, "", ""), ..ProviderError::default() };
    };
    // `com.amazon.coral.service#ThrottlingException`
    let kind = body.kind.map(|kind| match kind.rsplit_once('#') {
        Some((_, name)) => name.to_owned(),
        None => kind,
    });
    let message = body.message.filter(|text| !text.is_empty()).or(body.original);
    let cause = cause(
        status,
        kind.as_deref().unwrap_or_default(),
        &message.as_deref().unwrap_or_default().to_lowercase(),
    );
    let param = message.as_deref().and_then(param);
    ProviderError { message, kind, param, cause }
}

fn cause(status: u16, kind: &str, said: &str) -> Cause {
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(&[
        "input is too long",
        "prompt is too long",
        "exceed context limit",
        "too many input tokens",
        "maximum context length",
        "context window",
        "exceeds the model's maximum",
    ]) {
        return Cause::ContextFull;
    }
    if says(&["content filter", "content policy", "blocked by", "responsible ai"]) {
        return Cause::ContentPolicy;
    }
    if kind == "ServiceQuotaExceededException"
        || says(&["tokens per day", "per day", "quota", "payment_instrument", "free tier"])
    {
        return Cause::Quota;
    }
    match (status, kind) {
        (429, _) | (_, "ThrottlingException" | "TooManyRequestsException") => Cause::RateLimited,
        (503 | 529, _) | (_, "ServiceUnavailableException" | "ModelNotReadyException") => {
            Cause::Overloaded
        }
        _ => Cause::Unknown,
    }
}

/// `…Value at 'inferenceConfig.maxTokens' failed to satisfy constraint…`
fn param(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("at '")?;
    let (field, rest) = rest.split_once('\'')?;
    rest.contains("failed to satisfy").then(|| field.to_owned())
}

/// The body of an error. Its type is told by the status: SDKs read it from a header that proxies
/// lose, or from here.
#[must_use]
pub fn error_body(problem: &Problem<'_>) -> Vec<u8> {
    let message = format!("{} ({}, {})", problem.message, problem.code, problem.request_id);
    serde_json::json!({ "__type": exception(problem.status), "message": message })
        .to_string()
        .into_bytes()
}

/// The last message of a stream that broke: an exception, which no reader takes for an end.
#[must_use]
pub fn error_event(problem: &Problem<'_>) -> Vec<u8> {
    let message = format!("{} ({}, {})", problem.message, problem.code, problem.request_id);
    let kind = match problem.status {
        429 => "throttlingException",
        500..=502 => "internalServerException",
        503 => "serviceUnavailableException",
        _ => "modelStreamErrorException",
    };
    let headers = [
        (":exception-type", kind),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    eventstream::write(&headers, serde_json::json!({ "message": message }).to_string().as_bytes())
}

const fn exception(status: u16) -> &'static str {
    match status {
        400 | 413 | 415 | 422 => "ValidationException",
        401..=403 => "AccessDeniedException",
        404 | 405 => "ResourceNotFoundException",
        408 | 504 => "ModelTimeoutException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        _ => "InternalServerException",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_read_from_what_the_service_says() {
        for (status, body, cause) in [
            (
                429,
                r#"{"message":"Too many requests, please wait before trying again."}"#,
                Cause::RateLimited,
            ),
            (
                400,
                r#"{"__type":"com.amazon.x#ThrottlingException","Message":"slow"}"#,
                Cause::RateLimited,
            ),
            (429, r#"{"message":"Too many tokens per day, please wait"}"#, Cause::Quota),
            (400, r#"{"message":"Input is too long for requested model."}"#, Cause::ContextFull),
            (
                400,
                r#"{"message":"The model returned the following errors: input length and `max_tokens` exceed context limit: 1 + 2 > 3"}"#,
                Cause::ContextFull,
            ),
            (
                400,
                r#"{"message":"Output blocked by content filtering policy"}"#,
                Cause::ContentPolicy,
            ),
            (503, r#"{"message":"Bedrock is unable to process your request."}"#, Cause::Overloaded),
            (403, r#"{"message":"You don't have access to the model."}"#, Cause::Unknown),
            (502, "<html><h1>Bad gateway</h1>", Cause::Unknown),
            (503, "\u{0}", Cause::Overloaded),
            (500, "", Cause::Unknown),
            (500, "[]", Cause::Unknown),
        ] {
            assert_eq!(read(status, body.as_bytes()).cause, cause, "{body}");
        }
        assert_eq!(read(500, b"\xff\xfe").message, None);
    }

    #[test]
    fn kind_and_field_are_told_where_the_service_tells_them() {
        let error = read(
            400,
            br#"{"__type":"ValidationException","message":"1 validation error detected: Value at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1"}"#,
        );
        assert_eq!(error.kind.as_deref(), Some("ValidationException"));
        assert_eq!(error.param.as_deref(), Some("inferenceConfig.temperature"));
    }
}
