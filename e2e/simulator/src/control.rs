//! `/_sim/…`: setting the default switches, and reading what was served.

use crate::play::{Body, json, whole};
use crate::server::Shared;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use serde_json::{Map, Value};

pub(crate) fn answer(
    shared: &Shared,
    method: &Method,
    path: &str,
    query: &str,
    body: &Bytes,
) -> Response<Body> {
    match (method, path) {
        (&Method::POST, "/_sim/control") => control(shared, query, body),
        (&Method::POST, "/_sim/reset") => {
            shared.log.reset();
            whole(StatusCode::NO_CONTENT, "text/plain", String::new())
        }
        (&Method::GET, "/_sim/requests") => match query.strip_prefix("id=") {
            Some(id) => match shared.log.find(id) {
                Some(served) => json(StatusCode::OK, &served),
                None => refused(StatusCode::NOT_FOUND, "no call with this request id is known"),
            },
            None => json(StatusCode::OK, &shared.log.served()),
        },
        (&Method::GET, "/_sim/stats") => json(StatusCode::OK, &shared.log.stats()),
        (&Method::GET, "/_sim/last") => last(shared),
        _ => refused(
            StatusCode::NOT_FOUND,
            "POST /_sim/control or /_sim/reset; GET /_sim/requests, /_sim/stats or /_sim/last",
        ),
    }
}

/// Changes the default switches: `key=value` pairs in the query or body, or a JSON object. One
/// that is not right changes none.
fn control(shared: &Shared, query: &str, body: &Bytes) -> Response<Body> {
    let mut switches = shared.log.defaults();
    let text = String::from_utf8_lossy(body);
    let applied = switches.apply_text(query).and_then(|()| match serde_json::from_str(&text) {
        Ok(object) => apply_object(&mut switches, &object),
        Err(_) => switches.apply_text(&text),
    });
    match applied {
        Ok(()) => {
            shared.log.set_defaults(switches);
            whole(StatusCode::NO_CONTENT, "text/plain", String::new())
        }
        Err(why) => refused(StatusCode::BAD_REQUEST, &why),
    }
}

fn apply_object(switches: &mut crate::Switches, object: &Map<String, Value>) -> Result<(), String> {
    for (key, value) in object {
        match value {
            Value::String(text) => switches.set(key, text)?,
            other => switches.set(key, &other.to_string())?,
        }
    }
    Ok(())
}

/// The last model call as it arrived; of a credential, only its end.
fn last(shared: &Shared) -> Response<Body> {
    let seen = shared.log.last();
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    let value = serde_json::json!({
        "path": seen.path, "headers": headers(&seen.headers), "body": body,
    });
    json(StatusCode::OK, &value)
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let shown = headers.iter().map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let secret = matches!(
            name.as_str(),
            "authorization" | "api-key" | "x-api-key" | "x-goog-api-key" | "x-sim-key" | "cookie"
        );
        let text = if secret {
            let tail: String = text.chars().skip(text.chars().count().saturating_sub(4)).collect();
            format!("…{tail}")
        } else {
            text
        };
        (name.to_string(), Value::String(text))
    });
    shown.collect()
}

fn refused(status: StatusCode, why: &str) -> Response<Body> {
    json(status, &serde_json::json!({ "error": why }))
}
