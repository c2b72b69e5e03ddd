//! Answers that the gateway gives itself, and the headers that every answer carries.

use crate::admit::{Shape, Stamp};
use crate::answer::Answer;
use crate::fault::{Fault, Origin, Retry};
use crate::reserve::Standing;
use crate::text;
use bytes::Bytes;
use contract::Timestamp;
use contract::error::ErrorCode;
use contract::snapshot::{Metric, Window};
use dialect::{Problem, Wire, converse, inference, ollama, openai};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use std::time::Duration;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const OUR_REQUEST_ID: HeaderName = HeaderName::from_static("x-tollgate-request-id");
/// As Anthropic's SDKs read it.
const ANTHROPIC_ID: HeaderName = HeaderName::from_static("request-id");
const CONFIG_VERSION: HeaderName = HeaderName::from_static("x-tollgate-config-version");
/// The vendor's SDKs heed it over their own rules.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Puts on what every answer carries: the call's id and the configuration that decided it.
pub fn stamp(headers: &mut HeaderMap, stamp: &Stamp) {
    headers.insert(REQUEST_ID, stamp.id_text.clone());
    headers.insert(OUR_REQUEST_ID, stamp.id_text.clone());
    headers.insert(CONFIG_VERSION, text::number(stamp.snapshot.version()));
    if stamp.shape == Shape::Of(Wire::Messages) {
        headers.insert(ANTHROPIC_ID, stamp.id_text.clone());
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
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds_up(wait)));
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
        if let Some(standing) = more.standing {
            policy(headers, &standing, with.at);
            standings(headers, std::iter::once(standing), with.at);
        }
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

fn seconds_up(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// The binding limit, as the IETF's RateLimit fields say it.
fn policy(headers: &mut HeaderMap, standing: &Standing, now: Timestamp) {
    let limit = &standing.limit;
    let (metric, window) = (limit.metric.as_str(), limit.window.as_str());
    let name = format!("{metric}-per-{window}");
    let length = window_seconds(limit.window);
    let window = length.map_or(String::new(), |seconds| format!(";w={seconds}"));
    let reset =
        standing.retry_after(now).map_or(String::new(), |wait| format!(";t={}", seconds_up(wait)));
    let max = limit.max;
    insert(headers, RATE_LIMIT_POLICY, &format!("\"{name}\";q={max}{window}"));
    insert(headers, RATE_LIMIT, &format!("\"{name}\";r={}{reset}", standing.remaining));
}

/// How the request and token limits stand, in the vendor's form; of several, the one that leaves
/// least.
pub fn standings(
    headers: &mut HeaderMap,
    standings: impl Iterator<Item = Standing>,
    now: Timestamp,
) {
    let (mut requests, mut tokens): (Option<Standing>, Option<Standing>) = (None, None);
    for standing in standings {
        let least = match standing.limit.metric {
            Metric::Requests => &mut requests,
            Metric::Tokens => &mut tokens,
            Metric::Money => continue,
        };
        if least.as_ref().is_none_or(|least| standing.remaining < least.remaining) {
            *least = Some(standing);
        }
    }
    if let Some(standing) = requests {
        let [limit, remaining, reset] = REQUEST_STANDING;
        tell(headers, &standing, [limit, remaining, reset], now);
    }
    if let Some(standing) = tokens {
        let [limit, remaining, reset] = TOKEN_STANDING;
        tell(headers, &standing, [limit, remaining, reset], now);
    }
}

const REQUEST_STANDING: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const TOKEN_STANDING: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

fn tell(headers: &mut HeaderMap, standing: &Standing, names: [HeaderName; 3], now: Timestamp) {
    let [limit, remaining, reset] = names;
    headers.insert(limit, text::number(standing.limit.max));
    headers.insert(remaining, text::number(standing.remaining));
    if let Some(wait) = standing.retry_after(now) {
        let mut seconds = itoa::Buffer::new();
        headers.insert(reset, text::header(&[seconds.format(seconds_up(wait)).as_bytes(), b"s"]));
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    // Digits, words and quotes always fit into a header.
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// Nominal lengths; a month is told as thirty days.
const fn window_seconds(window: Window) -> Option<u32> {
    match window {
        Window::Second => Some(1),
        Window::Minute => Some(60),
        Window::Hour => Some(3_600),
        Window::Day => Some(86_400),
        Window::Month => Some(2_592_000),
        Window::Lifetime => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_too_short() {
        assert_eq!(seconds_up(Duration::from_millis(1)), 1);
        assert_eq!(seconds_up(Duration::from_secs(2)), 2);
        assert_eq!(seconds_up(Duration::from_millis(2_001)), 3);
    }
}
