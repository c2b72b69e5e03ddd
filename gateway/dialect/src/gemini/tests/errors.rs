use super::*;
use crate::Problem;
use crate::convert::Cause;
use contract::error::ErrorCode;
use serde_json::json;

#[test]
fn a_refusal_has_the_status_words_of_google() {
    for (code, status, word) in [
        (ErrorCode::RequestMalformed, 400, "INVALID_ARGUMENT"),
        (ErrorCode::KeyUnknown, 401, "UNAUTHENTICATED"),
        (ErrorCode::LimitMoney, 402, "RESOURCE_EXHAUSTED"),
        (ErrorCode::SubscriptionMissing, 403, "PERMISSION_DENIED"),
        (ErrorCode::ModelUnknown, 404, "NOT_FOUND"),
        (ErrorCode::RequestTooLarge, 413, "INVALID_ARGUMENT"),
        (ErrorCode::LimitRequests, 429, "RESOURCE_EXHAUSTED"),
        (ErrorCode::Internal, 500, "INTERNAL"),
        (ErrorCode::UpstreamFailed, 502, "UNAVAILABLE"),
        (ErrorCode::Overloaded, 503, "UNAVAILABLE"),
        (ErrorCode::UpstreamTimeout, 504, "DEADLINE_EXCEEDED"),
    ] {
        let problem =
            Problem { code, status, message: "why", param: Some("contents"), request_id: "req_1" };
        let body: Value = serde_json::from_slice(&Gemini.error_body(&problem)).unwrap();
        let error = &body["error"];
        assert_eq!(error["status"], word);
        assert_eq!(error["code"], status);
        assert_eq!(error["details"][0]["reason"], code.as_str());
        assert_eq!(error["details"][2]["fieldViolations"][0]["field"], "contents");
        let event = String::from_utf8(Gemini.error_event(&problem)).unwrap();
        // The SDK knows an error in a stream by its first key.
        assert!(event.starts_with("data: {\"error\":") && event.ends_with("\n\n"));
        assert_eq!(
            Gemini.read_error(status, &Gemini.error_body(&problem)).param.as_deref(),
            Some("contents")
        );
    }
}

#[test]
fn the_cause_is_read_from_status_reason_and_words() {
    let with = |status: u16, word: &str, message: &str, details: Value| {
        let body = json!({"error": {"code": status, "message": message, "status": word,
            "details": details}});
        Gemini.read_error(status, body.to_string().as_bytes()).cause
    };
    let info = |reason: &str| json!([{"@type": "…ErrorInfo", "reason": reason}]);
    let daily = json!([{"violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}]);
    for (status, word, message, details, cause) in [
        (429, "RESOURCE_EXHAUSTED", "slow down", json!([]), Cause::RateLimited),
        (429, "RESOURCE_EXHAUSTED", "quota", daily, Cause::Quota),
        (503, "UNAVAILABLE", "The model is overloaded.", json!([]), Cause::Overloaded),
        (
            400,
            "INVALID_ARGUMENT",
            "API key not valid.",
            info("API_KEY_INVALID"),
            Cause::Credentials,
        ),
        (403, "PERMISSION_DENIED", "", info("BILLING_DISABLED"), Cause::Quota),
        (
            400,
            "INVALID_ARGUMENT",
            "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
            json!([]),
            Cause::ContextFull,
        ),
        (400, "INVALID_ARGUMENT", "Unknown name \"x\"", json!([]), Cause::Unknown),
    ] {
        assert_eq!(with(status, word, message, details), cause, "{message}");
    }
}

#[test]
fn errors_in_other_shapes_are_read_as_far_as_they_go() {
    let fixture: Value = serde_json::from_slice(&golden("error.answer.json")).unwrap();
    let body = fixture["body"].to_string();
    let listed = format!("[{body}]");
    let plain = Gemini.read_error(429, body.as_bytes());
    assert_eq!(plain, Gemini.read_error(429, listed.as_bytes()));
    assert_eq!(plain.kind.as_deref(), Some("RESOURCE_EXHAUSTED"));
    let oauth = br#"{"error":"invalid_grant","error_description":"expired"}"#;
    let oauth = Gemini.read_error(400, oauth);
    assert_eq!(
        (oauth.kind.as_deref(), oauth.message.as_deref()),
        (Some("invalid_grant"), Some("expired"))
    );
    for body in [b"".as_slice(), b"<html>502</html>", b"\xff\xfe", b"[]", b"{\"error\":5}", b"null"]
    {
        let read = Gemini.read_error(502, body);
        assert_eq!((read.message, read.kind, read.cause), (None, None, Cause::Unknown));
    }
}
