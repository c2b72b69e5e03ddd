//! A model call, whatever its dialect: who may call, the switches, the faults that come before an
//! answer, then the answer, whole or as a stream.

use crate::dialect::{CREATED, Operation, Refusal, Target, Wire, flat};
use crate::media;
use crate::node::{Invalid, Node};
use crate::play::{Body, Dropped, NEVER, Step, json, play, response, whole};
use crate::record::{Call, Outcome, Seen};
use crate::reply::plan;
use crate::server::Shared;
use crate::stream::Stream;
use crate::switches::{Hang, Switches};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use std::sync::atomic::{AtomicBool, Ordering};

/// Tokens of an answer where no switch says how many.
const TOKENS_USUAL: u64 = 24;
const JSON: &str = "application/json";

pub(crate) async fn answer(
    shared: &Shared,
    reset: &AtomicBool,
    target: Target,
    query: &str,
    seen: Seen,
) -> Result<Response<Body>, Dropped> {
    let (wire, headers, body) = (target.wire, seen.headers.clone(), seen.body.clone());
    let mut call = shared.log.begin(seen, target.operation.as_str(), wire.as_str());
    if !authorised(shared, &headers, query) {
        call.finish(Outcome::Failed);
        let why = "Incorrect API key provided to the simulator.";
        return Ok(refuse(wire, StatusCode::UNAUTHORIZED, None, why, None));
    }
    let switches = match switches(shared, &call, &headers, &body) {
        Ok(switches) => switches,
        Err(why) => {
            call.finish(Outcome::Failed);
            return Ok(refuse(wire, StatusCode::BAD_REQUEST, Some("simulator_switch"), &why, None));
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
        return Ok(fault(wire, &switches));
    }
    if switches.not_json {
        call.finish(Outcome::Failed);
        let page = "<!doctype html><title>Simulator</title><p>Not an answer.</p>".to_owned();
        return Ok(whole(StatusCode::OK, "text/html; charset=utf-8", page));
    }
    if let (Some(replica), Operation::Chat) = (&shared.replica, target.operation) {
        call.serving = replica.serve(&body).await.map(Box::new);
        let streams = target.stream || body.windows(13).any(|part| part == b"\"stream\":true");
        if let Some(serving) = call.serving.as_ref().filter(|_| !streams) {
            let took = serving.decode(switches.tokens.unwrap_or(TOKENS_USUAL));
            tokio::time::sleep(took).await;
        }
    }
    let answered = match target.operation {
        Operation::Chat => chat(call, &switches, &target, &headers, query, &body),
        Operation::Media(task) => {
            let model = target.model.as_deref();
            media::answer(call, &switches, task, model, &headers, &body)
        }
        _ => flattened(call, &switches, &target, &headers, &body),
    };
    Ok(answered.unwrap_or_else(|(mut call, invalid)| {
        call.finish(Outcome::Failed);
        let (message, param) = (&invalid.message, invalid.param.as_deref());
        // OpenAI's word for it; the others have one for the status.
        let code = (wire == Wire::Chat).then_some("invalid_request");
        refuse(wire, StatusCode::BAD_REQUEST, code, message, param.filter(|at| !at.is_empty()))
    }))
}

pub(crate) type Answered = Result<Response<Body>, (Call, Invalid)>;

fn chat(
    call: Call,
    switches: &Switches,
    target: &Target,
    headers: &HeaderMap,
    query: &str,
    body: &Bytes,
) -> Answered {
    let (wire, dialect) = (target.wire, target.wire.dialect());
    let asked = parse(body).and_then(|body| {
        check_query(target, query)?;
        let ask = dialect.ask(target, headers, &Node::root(&body))?;
        ask.check(wire)?;
        Ok(ask)
    });
    let ask = match asked {
        Ok(ask) => ask,
        Err(invalid) => return Err((call, invalid)),
    };
    let tells = dialect.tells();
    let switches = Switches {
        cached_tokens: if tells.cached { switches.cached_tokens } else { 0 },
        cache_write_tokens: if tells.cache_write { switches.cache_write_tokens } else { 0 },
        ..switches.clone()
    };
    let ask =
        crate::ask::Ask { shows_thoughts: ask.shows_thoughts || switches.show_reasoning, ..ask };
    let reply = plan(call.id(), wire, &switches, &ask);
    call.note(|served| {
        served.model.clone_from(&reply.model);
        served.stream = ask.stream;
        served.input = reply.uncached();
        (served.cached_input, served.cache_write) = (reply.cached, reply.cache_write);
        if tells.reasoning {
            served.reasoning = reply.reasoning;
        } else {
            served.output = reply.reasoning;
        }
        served.usage_reported = reply.usage;
        (served.media, served.signatures) = (ask.media(), ask.signatures());
        served.tools = u64::try_from(ask.tools.len()).unwrap_or(u64::MAX);
    });
    Ok(if ask.stream {
        let writer = dialect.writer(&reply);
        let steps = Stream::new(reply, switches.clone(), writer);
        let body = play(call, &switches, steps.flatten());
        response(StatusCode::OK, dialect.stream_type(), body)
    } else {
        let text = dialect.whole(&reply).to_string();
        plain(call, &switches, JSON, text.into(), reply.visible)
    })
}

/// What some vendors want in the query.
fn check_query(target: &Target, query: &str) -> Result<(), Invalid> {
    let has = |wanted: &str| query.split('&').any(|pair| pair.starts_with(wanted));
    match target.wire {
        Wire::Watsonx if !has("version=") => {
            Err(Invalid::at("version", "The query parameter version is required."))
        }
        Wire::Gemini if target.stream && !has("alt=sse") => {
            Err(Invalid::at("alt", "The simulator streams Gemini's form with alt=sse only."))
        }
        _ => Ok(()),
    }
}

fn flattened(
    call: Call,
    switches: &Switches,
    target: &Target,
    headers: &HeaderMap,
    body: &Bytes,
) -> Answered {
    let flat = match parse(body)
        .and_then(|body| flat(target, headers, &Node::root(&body), !switches.no_usage))
    {
        Ok(flat) => flat,
        Err(invalid) => return Err((call, invalid)),
    };
    call.note(|served| {
        served.model.clone_from(&flat.model);
        served.input = flat.input;
        served.usage_reported = flat.reported;
    });
    Ok(plain(call, switches, JSON, flat.body.to_string().into(), 0))
}

fn authorised(shared: &Shared, headers: &HeaderMap, query: &str) -> bool {
    let Some(key) = shared.required_key.as_deref() else { return true };
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let named = ["api-key", "x-sim-key", "x-api-key", "x-goog-api-key"];
    bearer == Some(key)
        || named.iter().any(|name| text(name) == Some(key))
        || query.split('&').any(|pair| pair.strip_prefix("key=") == Some(key))
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

/// The error a provider would answer with the switches' status.
fn fault(wire: Wire, switches: &Switches) -> Response<Body> {
    let status = StatusCode::from_u16(switches.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let message = format!("The simulator fails this call with {status}, as a switch asks.");
    let mut response = refuse(wire, status, switches.error_code.as_deref(), &message, None);
    if let Some(seconds) = switches.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// An error in the form of `wire`.
pub(crate) fn refuse(
    wire: Wire,
    status: StatusCode,
    code: Option<&str>,
    message: &str,
    param: Option<&str>,
) -> Response<Body> {
    let refusal = Refusal { status: status.as_u16(), code, message, param };
    let (body, header) = wire.dialect().refusal(&refusal);
    let mut response = json(status, &body);
    if let Some((name, value)) = header
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        response.headers_mut().insert(name, value);
    }
    response
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

/// A whole answer that carries `tokens` of output, cut half-way or hung where a switch asks.
pub(crate) fn plain(
    call: Call,
    switches: &Switches,
    kind: &'static str,
    bytes: Bytes,
    tokens: u64,
) -> Response<Body> {
    let length = HeaderValue::from(bytes.len());
    let half = bytes.slice(..bytes.len() / 2);
    let steps = if switches.cut_after.is_some() {
        vec![Step::Send { bytes: half, tokens: 0 }, Step::Cut]
    } else if switches.hang.is_some() {
        vec![Step::Send { bytes: half, tokens: 0 }, Step::Hang]
    } else {
        vec![Step::Last { bytes, tokens }]
    };
    let body = play(call, switches, steps.into_iter());
    let mut response = response(StatusCode::OK, kind, body);
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

fn parse(body: &[u8]) -> Result<serde_json::Value, Invalid> {
    serde_json::from_slice(body).map_err(|error| Invalid {
        message: format!("The body is not JSON: {error}."),
        param: None,
    })
}
