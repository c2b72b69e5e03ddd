//! The OpenAI dialect: the switches and faults that come before an answer, and the error shape.

mod chat;
mod embeddings;

use crate::record::{Call, Outcome, Seen};
use crate::reply::{Body, Dropped, NEVER, Step, json, play, response, whole};
use crate::server::Shared;
use crate::switches::{Hang, Switches};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The `created` of every answer: answers do not depend on the time of day.
const CREATED: i64 = 1_760_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Chat,
    Embeddings,
}

/// A request that cannot be answered: `message` and the parameter at fault.
#[derive(Debug)]
struct Invalid {
    message: String,
    param: Option<&'static str>,
}

impl Invalid {
    fn new(param: &'static str, message: impl Into<String>) -> Self {
        Self { message: message.into(), param: Some(param) }
    }
}

pub(crate) async fn answer(
    shared: &Shared,
    reset: &AtomicBool,
    operation: Operation,
    seen: Seen,
) -> Result<Response<Body>, Dropped> {
    let name = match operation {
        Operation::Chat => "chat",
        Operation::Embeddings => "embeddings",
    };
    let (headers, body) = (seen.headers.clone(), seen.body.clone());
    let mut call = shared.log.begin(seen, name);
    if !authorised(shared, &headers) {
        call.finish(Outcome::Failed);
        let why = "Incorrect API key provided to the simulator.";
        return Ok(refuse(StatusCode::UNAUTHORIZED, "invalid_api_key", why));
    }
    let switches = match switches(shared, &call, &headers, &body) {
        Ok(switches) => switches,
        Err(why) => {
            call.finish(Outcome::Failed);
            return Ok(refuse(StatusCode::BAD_REQUEST, "simulator_switch", &why));
        }
    };
    if switches.latency_ms > 0 {
        tokio::time::sleep(switches.latency()).await;
    }
    if switches.hang == Some(Hang::Headers) {
        tokio::time::sleep(NEVER).await;
    }
    if switches.reset {
        call.finish(Outcome::Cut);
        reset.store(true, Ordering::Relaxed);
        return Err(Dropped);
    }
    if switches.status != 0 {
        call.finish(Outcome::Failed);
        return Ok(fault(&switches));
    }
    if switches.not_json {
        call.finish(Outcome::Failed);
        let page = "<!doctype html><title>Simulator</title><p>Not an answer.</p>".to_owned();
        return Ok(whole(StatusCode::OK, "text/html; charset=utf-8", page));
    }
    let answered = match operation {
        Operation::Chat => chat::answer(call, &switches, &body),
        Operation::Embeddings => embeddings::answer(call, &switches, &body),
    };
    Ok(answered.unwrap_or_else(|(mut call, invalid)| {
        call.finish(Outcome::Failed);
        error(StatusCode::BAD_REQUEST, "invalid_request", &invalid.message, invalid.param)
    }))
}

fn authorised(shared: &Shared, headers: &HeaderMap) -> bool {
    let Some(key) = shared.required_key.as_deref() else { return true };
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
    bearer == Some(key) || text("api-key") == Some(key) || text("x-sim-key") == Some(key)
}

fn switches(
    shared: &Shared,
    call: &Call,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Switches, String> {
    let mut switches = shared.log.defaults();
    switches.apply_directive(body)?;
    switches.apply_headers(headers)?;
    let spared_by_every = switches.fail_every > 1 && !call.nth.is_multiple_of(switches.fail_every);
    let spared_by_first = switches.fail_first > 0 && call.nth_of_id > switches.fail_first;
    if spared_by_every || spared_by_first {
        return Ok(switches.without_faults());
    }
    Ok(switches)
}

/// The error a provider would answer with `status`.
fn fault(switches: &Switches) -> Response<Body> {
    let status = StatusCode::from_u16(switches.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let code = switches.error_code.as_deref().unwrap_or(match switches.status {
        400 => "invalid_value",
        401 => "invalid_api_key",
        403 => "unsupported_country_region_territory",
        404 => "model_not_found",
        429 => "rate_limit_exceeded",
        _ => "server_error",
    });
    let message = format!("The simulator fails this call with {status}, as a switch asks.");
    let mut response = refuse(status, code, &message);
    if let Some(seconds) = switches.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

pub(crate) fn refuse(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    error(status, code, message, None)
}

fn error(
    status: StatusCode,
    code: &str,
    message: &str,
    param: Option<&'static str>,
) -> Response<Body> {
    json(status, &error_value(status.as_u16(), code, message, param))
}

fn error_value(
    status: u16,
    code: &str,
    message: &str,
    param: Option<&'static str>,
) -> serde_json::Value {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    };
    serde_json::json!({
        "error": {"message": message, "type": kind, "param": param, "code": code},
    })
}

/// `GET /v1/models`.
pub(crate) fn models() -> Response<Body> {
    let data: Vec<_> = crate::MODELS
        .iter()
        .map(|id| {
            serde_json::json!({
                "id": id, "object": "model", "created": CREATED, "owned_by": crate::FINGERPRINT,
            })
        })
        .collect();
    json(StatusCode::OK, &serde_json::json!({"object": "list", "data": data}))
}

/// A whole JSON answer that carries `tokens` of output, cut half-way or hung where a switch asks.
fn plain(call: Call, switches: &Switches, text: String, tokens: u64) -> Response<Body> {
    let length = HeaderValue::from(text.len());
    let bytes = Bytes::from(text);
    let half = bytes.slice(..bytes.len() / 2);
    let steps = if switches.cut_after.is_some() {
        vec![Step::Send { bytes: half, tokens: 0 }, Step::Cut]
    } else if switches.hang.is_some() {
        vec![Step::Send { bytes: half, tokens: 0 }, Step::Hang]
    } else {
        vec![Step::Last { bytes, tokens }]
    };
    let body = play(call, switches, steps.into_iter());
    let mut response = response(StatusCode::OK, "application/json", body);
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Invalid> {
    serde_json::from_slice(body).map_err(|error| {
        let is_json = serde_json::from_slice::<&RawValue>(body).is_ok();
        let what = if is_json { "does not have the expected form" } else { "is not JSON" };
        Invalid { message: format!("The body {what}: {error}."), param: None }
    })
}

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
