//! Answers that the gateway gives itself, and the headers that every answer carries.

pub mod cost;
pub mod leaving;
pub mod limits;

use crate::admit::{Shape, Stamp};
use crate::answer::Answer;
use crate::fault::{Fault, Origin, Retry};
use crate::text;
use bytes::Bytes;
use contract::error::ErrorCode;
use dialect::{Problem, Wire, converse, inference, ollama, openai};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const OUR_REQUEST_ID: HeaderName = HeaderName::from_static("x-tollgate-request-id");
/// As Anthropic's SDKs read it.
const ANTHROPIC_ID: HeaderName = HeaderName::from_static("request-id");
const CONFIG_VERSION: HeaderName = HeaderName::from_static("x-tollgate-config-version");
/// The vendor's SDKs heed it over their own rules.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Puts on what every answer carries: the call's id, the configuration that decided it, and what is
/// to be said of the end of its model.
pub fn stamp(headers: &mut HeaderMap, stamp: &Stamp) {
    headers.insert(REQUEST_ID, stamp.id_text.clone());
    headers.insert(OUR_REQUEST_ID, stamp.id_text.clone());
    headers.insert(CONFIG_VERSION, text::number(stamp.snapshot.version()));
    if stamp.shape == Shape::Of(Wire::Messages) {
        headers.insert(ANTHROPIC_ID, stamp.id_text.clone());
    }
    if let Some(leaving) = stamp.leaving.get() {
        leaving.tell(headers);
    }
}

/// A body of JSON.
#[must_use]
pub fn json(status: StatusCode, body: impl Into<Bytes>, with: &Stamp) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    stamp(response.headers_mut(), with);
    response
}

/// A fault, in the shape of the caller's dialect.
#[must_use]
pub fn fault(fault: Fault, with: &Stamp) -> Response<Answer> {
    log(&fault, with);
    let status = fault.status();
    let id = with.id_text.to_str().unwrap_or_default();
    let passed = fault.more.as_ref().and_then(|more| more.answer.as_ref());
    let body = passed.map_or_else(
        || Bytes::from(error_body(with.shape, &fault.problem(id))),
        |(_, body)| match with.shape {
            Shape::GeminiList => Bytes::from(listed(body)),
            _ => body.clone(),
        },
    );
    let mut response = json(status, body, with);
    let headers = response.headers_mut();
    headers.insert(
        HeaderName::from_static("x-tollgate-error-code"),
        HeaderValue::from_static(fault.code.as_str()),
    );
    if let Some(wait) = fault.retry_after {
        // Rounded up: a caller that waits as long as it is told must not come too early.
        headers.insert(header::RETRY_AFTER, HeaderValue::from(limits::seconds_up(wait)));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let program_would_retry = matches!(status.as_u16(), 408 | 409 | 429 | 500..);
    if program_would_retry && fault.retry == Retry::Useless {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    if let Some(more) = fault.more {
        if let Some(allow) = more.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        limits::tell(headers, &more.standings, more.binding.as_ref(), with.at);
    }
    response
}

/// An error in its shape.
fn error_body(shape: Shape, problem: &Problem<'_>) -> Vec<u8> {
    match shape {
        Shape::Of(Wire::Converse) => converse::error_body(problem),
        Shape::Of(Wire::Ollama) => ollama::error_body(problem),
        Shape::Of(wire) => wire
            .inbound()
            .map_or_else(|| openai::error_body(problem), |dialect| dialect.error_body(problem)),
        Shape::GeminiList => listed(&error_body(Shape::Of(Wire::Gemini), problem)),
        Shape::Inference => inference::problem_body(problem),
    }
}

/// An error as Google tells it where a list was asked for.
fn listed(error: &[u8]) -> Vec<u8> {
    [b"[".as_slice(), error, b"]"].concat()
}

/// The last event of a stream that broke, in its shape.
#[must_use]
pub fn error_event(shape: Shape, problem: &Problem<'_>) -> Vec<u8> {
    let dialect = match shape {
        Shape::Of(Wire::Converse) => return converse::error_event(problem),
        Shape::Of(Wire::Ollama) => return ollama::error_body(problem),
        Shape::Inference => return inference::problem_event(problem),
        shape => shape.wire().inbound(),
    };
    dialect.map_or_else(|| openai::error_event(problem), |dialect| dialect.error_event(problem))
}

fn log(fault: &Fault, with: &Stamp) {
    let cause = fault.more.as_ref().and_then(|more| more.cause.as_deref());
    let (code, request_id) = (fault.code.as_str(), with.request_id);
    match fault.origin {
        Origin::Us if fault.code == ErrorCode::Internal => {
            tracing::error!(%request_id, code, cause, "refused");
        }
        Origin::Us | Origin::Upstream => tracing::info!(%request_id, code, cause, "refused"),
        Origin::Client => tracing::debug!(%request_id, code, cause, "refused"),
    }
}
