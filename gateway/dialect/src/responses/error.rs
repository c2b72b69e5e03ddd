//! Errors: the body is chat's, the event is this dialect's own.

use crate::convert::{Cause, ProviderError};
use crate::{Problem, openai};
use serde_json::{Value, json};

/// The last event of a stream that broke, after which nothing may come. Its number is not known
/// here, so it is 0. Told twice: beside the type, as the vendor documents it, and in `error`, as it
/// sends it; either way some SDKs need it to raise.
pub(super) fn error_event(problem: &Problem<'_>) -> Vec<u8> {
    let body: Value =
        serde_json::from_slice(&openai::error_body(problem)).unwrap_or_else(|_| json!({}));
    let error = body.get("error").cloned().unwrap_or_default();
    event(0, &error).into_bytes()
}

/// An `error` event.
pub(super) fn event(number: u64, error: &Value) -> String {
    let data = json!({
        "type": "error", "sequence_number": number, "code": error.get("code"),
        "message": error.get("message"), "param": error.get("param"), "error": error,
    });
    format!("event: error\ndata: {data}\n\n")
}

/// Reads what came with a status that is not a success: this vendor's shape, those of servers
/// that speak its dialect, or anything at all.
pub(super) fn read_error(status: u16, body: &[u8]) -> ProviderError {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return ProviderError { cause: cause(status, "", ""), ..ProviderError::default() };
    };
    // Some answer with a list of one.
    let body = body.get(0).unwrap_or(&body);
    let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
    read_error_object(status, error)
}

/// Reads the object, or the sentence, that tells of an error.
pub(super) fn read_error_object(status: u16, error: &Value) -> ProviderError {
    let text = |name: &str| {
        error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let sentence = error.as_str().map(str::to_owned);
    let message = sentence.or_else(|| text("message")).or_else(|| text("detail"));
    // The code is the finer word of the two.
    let kind = text("code").or_else(|| text("type").filter(|kind| kind != "error"));
    let words = [text("code"), text("type")].map(Option::unwrap_or_default).join(" ");
    let cause = cause(status, &words, message.as_deref().unwrap_or_default());
    ProviderError { message, kind, param: text("param"), cause }
}

/// What is at fault, by the vendor's words, else by its sentence, else by the status.
fn cause(status: u16, words: &str, message: &str) -> Cause {
    const WORDS: [(&str, Cause); 9] = [
        ("context_length_exceeded", Cause::ContextFull),
        ("context_window_exceeded", Cause::ContextFull),
        ("content_policy_violation", Cause::ContentPolicy),
        ("content_filter", Cause::ContentPolicy),
        ("_policy", Cause::ContentPolicy),
        ("insufficient_quota", Cause::Quota),
        ("billing_", Cause::Quota),
        ("rate_limit", Cause::RateLimited),
        ("overloaded", Cause::Overloaded),
    ];
    const SENTENCES: [(&str, Cause); 7] = [
        ("maximum context length", Cause::ContextFull),
        ("context window", Cause::ContextFull),
        ("content management policy", Cause::ContentPolicy),
        ("safety system", Cause::ContentPolicy),
        ("exceeded your current quota", Cause::Quota),
        ("rate limit", Cause::RateLimited),
        ("overloaded", Cause::Overloaded),
    ];
    let find = |known: &[(&str, Cause)], text: &str| {
        known.iter().find_map(|(word, cause)| text.contains(word).then_some(*cause))
    };
    find(&WORDS, words).or_else(|| find(&SENTENCES, &message.to_lowercase())).unwrap_or(
        match status {
            402 => Cause::Quota,
            429 => Cause::RateLimited,
            503 | 529 => Cause::Overloaded,
            _ => Cause::Unknown,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_shape_of_an_error_tells_its_sentence_and_its_cause() {
        for (status, body, message, kind, cause) in [
            (
                429,
                r#"{"error":{"message":"Rate limit reached","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
                Some("Rate limit reached"),
                Some("rate_limit_exceeded"),
                Cause::RateLimited,
            ),
            (
                429,
                r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
                Some("You exceeded your current quota"),
                Some("insufficient_quota"),
                Cause::Quota,
            ),
            (
                400,
                r#"{"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","code":"context_length_exceeded","param":"input"}}"#,
                Some("Your input exceeds the context window of this model."),
                Some("context_length_exceeded"),
                Cause::ContextFull,
            ),
            (
                400,
                r#"{"object":"error","message":"This model's maximum context length is 10 tokens.","type":"BadRequestError","param":null,"code":400}"#,
                Some("This model's maximum context length is 10 tokens."),
                Some("BadRequestError"),
                Cause::ContextFull,
            ),
            (404, r#"{"error":"model not found"}"#, Some("model not found"), None, Cause::Unknown),
            (422, r#"{"detail":"no"}"#, Some("no"), None, Cause::Unknown),
            (500, r#"[{"error":{"message":"x"}}]"#, Some("x"), None, Cause::Unknown),
            (503, "<html>busy</html>", None, None, Cause::Overloaded),
            (502, "", None, None, Cause::Unknown),
        ] {
            let error = read_error(status, body.as_bytes());
            assert_eq!(error.message.as_deref(), message, "{body}");
            assert_eq!(error.kind.as_deref(), kind, "{body}");
            assert_eq!(error.cause, cause, "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(status: u16, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            read_error(status, &body);
        }
    }
}
