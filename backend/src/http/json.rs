//! JSON bodies, with a JSON pointer to whatever is wrong.

use super::ApiError;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use contract::error::{ErrorCode, FieldError};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use std::time::Duration;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// A request body that is JSON of a `T`.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        parse(&read(request, state).await?).map(Self)
    }
}

/// Reads the whole body of a JSON request.
///
/// # Errors
/// Another content type; too large; it did not arrive in time.
pub(super) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    let is_json = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"));
    if !is_json {
        return Err(ApiError::new(
            ErrorCode::RequestMediaType,
            "Send the body as JSON, with content-type: application/json.",
        ));
    }
    match tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(too_large())
        }
        Ok(Err(_)) => Err(ApiError::new(
            ErrorCode::RequestNotJson,
            "The body ended before it was complete. Send it again.",
        )),
        Err(_) => Err(ApiError::new(
            ErrorCode::RequestTimeout,
            "The body took too long to arrive. Send it again.",
        )),
    }
}

fn too_large() -> ApiError {
    let most = super::stack::BODY_BYTES_MAX / 1024;
    ApiError::new(ErrorCode::RequestTooLarge, format!("A body here has at most {most} KiB."))
}

/// # Errors
/// `request.not_json`, or `request.invalid` with a pointer to the member that does not fit.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let inner = error.inner();
        if inner.is_data() {
            ApiError::invalid(vec![field(error.path(), &inner.to_string())])
        } else {
            not_json(inner)
        }
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::new(ErrorCode::RequestNotJson, format!("The body is not valid JSON: {error}."))
}

fn field(path: &Path, message: &str) -> FieldError {
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    // serde blames a missing member's parent; say which member is missing.
    if let Some(name) = message.strip_prefix("missing field `").and_then(|m| m.split('`').next()) {
        push(&mut pointer, name);
    }
    // The position is for people who wrote the JSON by hand; the pointer says it better.
    let what = message.split(" at line ").next().unwrap_or(message);
    FieldError::new(pointer, format!("{what}."))
}

fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only its parsing is tested")]
        list: Vec<Inner>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only its parsing is tested")]
        count: u8,
    }

    fn refused(body: &str) -> (ErrorCode, String) {
        match parse::<Outer>(body.as_bytes()) {
            Err(ApiError::Refused(r)) => {
                (r.code, r.errors.first().map(|e| e.pointer.clone()).unwrap_or_default())
            }
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn what_does_not_fit_is_named_by_a_pointer() {
        assert_eq!(
            refused(r#"{"list":[{"count":1},{"count":"x"}]}"#),
            (ErrorCode::RequestInvalid, "/list/1/count".into())
        );
        assert_eq!(
            refused(r#"{"list":[{}]}"#),
            (ErrorCode::RequestInvalid, "/list/0/count".into())
        );
        assert_eq!(refused("{}"), (ErrorCode::RequestInvalid, "/list".into()));
        assert_eq!(refused("[]").0, ErrorCode::RequestInvalid);
    }

    #[test]
    fn what_is_no_json_is_said_to_be_none() {
        let deep = "[".repeat(10_000);
        for body in ["", "{", r#"{"list":[]} x"#, "\u{feff}{}", deep.as_str()] {
            assert_eq!(
                refused(body).0,
                if body == deep { ErrorCode::RequestInvalid } else { ErrorCode::RequestNotJson },
                "{body:.20}"
            );
        }
    }
}
