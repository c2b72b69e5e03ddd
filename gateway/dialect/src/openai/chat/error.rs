//! Reads what providers of this dialect say when they refuse: nearly each has a shape of its own,
//! and a proxy in between may answer with a page.

use super::said::Sent;
use crate::convert::{Cause, ProviderError};
use serde_json::Value;

/// Whether a chunk of a stream is an error.
pub(crate) fn is_error(sent: &Sent<'_>) -> bool {
    let said =
        |raw: Option<&serde_json::value::RawValue>| raw.is_some_and(|raw| raw.get() != "null");
    said(sent.error)
        || said(sent.errors)
        || sent.object.as_ref().is_some_and(|object| object.0 == "error")
}

/// Reads the body of a refusal. `status` is 0 within a stream.
pub(crate) fn read(status: u16, body: &[u8]) -> ProviderError {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    // An array of one, from some gateways.
    let value = value.get(0).unwrap_or(&value);
    let told = value.get("error").filter(|error| !error.is_null());
    let first = value.get("errors").and_then(|errors| errors.get(0));
    let error = told.filter(|error| error.is_object()).or(first).unwrap_or(value);
    let message = told
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or_else(|| error.get("message").and_then(text))
        .or_else(|| error.get("detail").and_then(text))
        .or_else(|| value.get("message").and_then(text));
    let word = |name: &str| error.get(name).and_then(text);
    let code = word("code");
    let kind = word("type").filter(|kind| kind != "invalid_request_error" || code.is_none());
    let kind = kind.or_else(|| code.clone()).or_else(|| value.get("error_type").and_then(text));
    let inner = error.get("innererror").and_then(|inner| inner.get("code")).and_then(text);
    let words = [code.as_deref(), kind.as_deref(), inner.as_deref()];
    let cause = cause(status, &words, message.as_deref().unwrap_or_default());
    ProviderError { kind, param: word("param"), cause, message }
}

/// Whether a 500 of this body is about the request, as some servers have it: then no other attempt
/// does better.
#[must_use]
pub fn is_refusal(body: &[u8]) -> bool {
    matches!(read(500, body).cause, Cause::ContextFull | Cause::Refused)
}

/// A string; a number as its digits; of a list of complaints (place and message) the sentences.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(_) => {
            value.get("detail").or_else(|| value.get("message")).and_then(text_once)
        }
        Value::Array(items) => {
            let sentences: Vec<String> = items.iter().filter_map(complaint).collect();
            (!sentences.is_empty()).then(|| sentences.join("; "))
        }
        _ => None,
    }
}

fn text_once(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let sentences: Vec<String> = items.iter().filter_map(complaint).collect();
            (!sentences.is_empty()).then(|| sentences.join("; "))
        }
        _ => None,
    }
}

/// One of the complaints of a server that validates by a schema.
fn complaint(item: &Value) -> Option<String> {
    let sentence = item.get("msg").or_else(|| item.get("message"))?.as_str()?;
    let place = item.get("loc").and_then(Value::as_array).map(|loc| {
        let steps = loc.iter().filter(|step| *step != "body").map(|step| match step {
            Value::String(name) => name.clone(),
            other => other.to_string(),
        });
        steps.collect::<Vec<_>>().join(".")
    });
    Some(match place.filter(|place| !place.is_empty()) {
        Some(place) => format!("{place}: {sentence}"),
        None => sentence.to_owned(),
    })
}

/// What is at fault: by the word where there is one, by the sentence where that is all.
fn cause(status: u16, words: &[Option<&str>], message: &str) -> Cause {
    const FULL: &[&str] = &[
        "context_length_exceeded",
        "exceed_context_size",
        "maximum context length",
        "context window",
        "context length",
        "context size",
        "prompt is too long",
        "input is too long",
        "too many input tokens",
        "reduce the length",
        "inputs tokens + max_new_tokens",
        "`inputs` must have less than",
    ];
    // llama.cpp's server answers these with 500.
    const TOO_LARGE: &[&str] = &["too large to process"];
    const NOT_TAKEN: &[&str] = &["input is not supported"];
    const POLICY: &[&str] = &[
        "content_filter",
        "content_policy",
        "responsibleaipolicyviolation",
        "content management policy",
        "usage policies",
        "safety system",
        "data_inspection_failed",
        "moderation",
    ];
    const QUOTA: &[&str] = &[
        "insufficient_quota",
        "insufficient balance",
        "insufficient credits",
        "billing_hard_limit",
        "token_quota_reached",
        "exceeded your current quota",
        "credit balance",
        "payment required",
    ];
    const RATE: &[&str] = &["rate_limit", "rate limit", "too many requests", "too_many_requests"];
    const BUSY: &[&str] = &[
        "overloaded",
        "over capacity",
        "no capacity",
        "capacity_exceeded",
        "model busy",
        "queue is full",
    ];
    const KEY: &[&str] = &[
        "invalid_api_key",
        "incorrect api key",
        "invalid api key",
        "api key not valid",
        "no api key",
    ];
    let said: String = words
        .iter()
        .flatten()
        .copied()
        .chain([message])
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join(" ");
    let any = |list: &[&str]| list.iter().any(|word| said.contains(word));
    match status {
        401 => Cause::Credentials,
        400 | 403 if any(KEY) => Cause::Credentials,
        402 => Cause::Quota,
        _ if any(QUOTA) => Cause::Quota,
        429 | 0 if any(BUSY) => Cause::Overloaded,
        429 => Cause::RateLimited,
        498 | 503 | 529 => Cause::Overloaded,
        500 if any(TOO_LARGE) => Cause::ContextFull,
        500 if any(NOT_TAKEN) => Cause::Refused,
        _ if status < 500 && any(FULL) => Cause::ContextFull,
        _ if status < 500 && any(POLICY) => Cause::ContentPolicy,
        _ if any(RATE) => Cause::RateLimited,
        _ if any(BUSY) => Cause::Overloaded,
        _ => Cause::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> (Option<String>, Option<String>, Cause) {
        let error = read(status, body.as_bytes());
        (error.message, error.kind, error.cause)
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn each_provider_is_understood_in_its_own_shape() {
        let full = Cause::ContextFull;
        for (who, status, body, message, kind, cause) in [
            (
                "openai",
                400,
                r#"{"error":{"message":"This model's maximum context length is 8","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
                "This model's maximum context length is 8",
                "context_length_exceeded",
                full,
            ),
            (
                "openai",
                429,
                r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
                "You exceeded your current quota",
                "insufficient_quota",
                Cause::Quota,
            ),
            (
                "azure",
                400,
                r#"{"error":{"message":"filtered","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
                "filtered",
                "content_filter",
                Cause::ContentPolicy,
            ),
            (
                "vllm",
                400,
                r#"{"object":"error","message":"maximum context length is 4096 tokens","type":"BadRequestError","param":null,"code":400}"#,
                "maximum context length is 4096 tokens",
                "BadRequestError",
                full,
            ),
            (
                "mistral",
                422,
                r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","user"],"msg":"Extra inputs are not permitted"}]},"type":"invalid_request_error","param":null,"code":null}"#,
                "user: Extra inputs are not permitted",
                "invalid_request_error",
                Cause::Unknown,
            ),
            (
                "fastapi",
                422,
                r#"{"detail":[{"loc":["body","messages",0],"msg":"field required","type":"missing"}]}"#,
                "messages.0: field required",
                "",
                Cause::Unknown,
            ),
            (
                "tgi",
                422,
                r#"{"error":"Input validation error: `inputs` must have less than 1024 tokens","error_type":"validation"}"#,
                "Input validation error: `inputs` must have less than 1024 tokens",
                "validation",
                full,
            ),
            (
                "xai",
                400,
                r#"{"code":"Client specified an invalid argument","error":"This model's maximum prompt length: context window"}"#,
                "This model's maximum prompt length: context window",
                "Client specified an invalid argument",
                full,
            ),
            (
                "llama.cpp",
                400,
                r#"{"error":{"code":400,"message":"request exceeds the available context size","type":"exceed_context_size_error","n_ctx":4096}}"#,
                "request exceeds the available context size",
                "exceed_context_size_error",
                full,
            ),
            (
                "deepseek",
                402,
                r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#,
                "Insufficient Balance",
                "unknown_error",
                Cause::Quota,
            ),
            (
                "openrouter",
                429,
                r#"{"error":{"message":"Rate limited","code":429,"metadata":{"raw":"x"}}}"#,
                "Rate limited",
                "429",
                Cause::RateLimited,
            ),
            (
                "groq",
                498,
                r#"{"error":{"message":"Flex tier capacity exceeded","type":"capacity"}}"#,
                "Flex tier capacity exceeded",
                "capacity",
                Cause::Overloaded,
            ),
            (
                "watsonx",
                403,
                r#"{"errors":[{"code":"token_quota_reached","message":"quota reached","more_info":"x"}],"trace":"t","status_code":403}"#,
                "quota reached",
                "token_quota_reached",
                Cause::Quota,
            ),
            (
                "llama.cpp, embeddings",
                500,
                r#"{"error":{"code":500,"message":"input (3002 tokens) is too large to process. increase the physical batch size (current batch size: 512)","type":"server_error"}}"#,
                "input (3002 tokens) is too large to process. increase the physical batch size (current batch size: 512)",
                "server_error",
                full,
            ),
            (
                "llama.cpp, an image",
                500,
                r#"{"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj","type":"server_error"}}"#,
                "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
                "server_error",
                Cause::Refused,
            ),
            (
                "ollama",
                404,
                r#"{"error":"model 'x' not found"}"#,
                "model 'x' not found",
                "",
                Cause::Unknown,
            ),
        ] {
            let expected = (
                Some(message.to_owned()),
                Some(kind.to_owned()).filter(|kind| !kind.is_empty()),
                cause,
            );
            assert_eq!(told(status, body), expected, "{who}");
        }
        assert_eq!(
            read(400, br#"{"error":{"message":"m","param":"n"}}"#).param.as_deref(),
            Some("n")
        );
    }

    #[test]
    fn what_is_no_error_of_anybody_has_no_message_but_its_status_still_speaks() {
        for body in [
            "",
            "<html>503</html>",
            "null",
            "[]",
            "{}",
            r#"{"error":null}"#,
            r#"{"error":{"message":""}}"#,
        ] {
            assert_eq!(told(503, body), (None, None, Cause::Overloaded), "{body}");
        }
        assert_eq!(read(500, b"\xff\xfe").message, None);
    }
}
