//! What operators and their machines ask of a gateway: is it alive, is it ready, what does it
//! count. Nothing here needs Redis to answer.

use crate::background::Tools;
use crate::health;
use crate::pool;
use crate::snapshot::Source;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use std::convert::Infallible;
use std::net::TcpListener;
use std::time::Duration;
use tokio::time::sleep;

/// Why a gateway takes no calls, or what it says of itself when it does.
#[derive(Debug, Serialize)]
pub struct Readiness {
    pub ready: bool,
    /// What keeps it from being ready, each with what to do.
    pub reasons: Vec<String>,
    pub config_version: u64,
    /// Seconds since Redis last confirmed the configuration; absent: never.
    pub config_age_s: Option<f64>,
    pub config_source: Source,
    pub spool_events: u64,
    pub spool_bytes: u64,
    pub intents_open: u64,
}

/// Whether calls should be sent here.
#[must_use]
pub fn readiness(tools: &Tools) -> Readiness {
    let now = tools.clock.now();
    let mut reasons = Vec::new();
    if tools.is_draining() {
        reasons.push("this instance is shutting down".to_owned());
    }
    if let Err(stale) = tools.snapshot.check(now) {
        reasons.push(format!("{stale}; see whether Redis and the publisher run"));
    }
    if !tools.settle.writable() {
        reasons
            .push("usage cannot be recorded; free disk space or see why it is not shipped".into());
    }
    let depth = tools.settle.depth();
    Readiness {
        ready: reasons.is_empty(),
        reasons,
        config_version: tools.snapshot.load().version(),
        config_age_s: tools.snapshot.age(now).map(|age| age.as_secs_f64()),
        config_source: tools.snapshot.source(),
        spool_events: depth.events,
        spool_bytes: depth.bytes,
        intents_open: depth.intents,
    }
}

/// Everything that is counted, in Prometheus' text format.
#[must_use]
pub fn metrics(tools: &Tools) -> String {
    let state = readiness(tools);
    let flag = |on: bool| if on { 1.0 } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
    let number = |n: u64| n as f64;
    let (now, reserved) = (tools.clock.now(), tools.reserve.reserved());
    let mut text = tools.telemetry.render(&[
        ("tollgate_ready", "Whether this gateway takes calls.", flag(state.ready)),
        (
            "tollgate_config_version",
            "Version of the configuration served.",
            number(state.config_version),
        ),
        (
            "tollgate_config_age_seconds",
            "Time since Redis last confirmed the configuration; -1: never.",
            state.config_age_s.unwrap_or(-1.0),
        ),
        (
            "tollgate_config_current",
            "Whether the configuration is being followed.",
            flag(state.config_source == Source::Current),
        ),
        (
            "tollgate_spool_events",
            "Usage events that Redis does not have yet.",
            number(state.spool_events),
        ),
        (
            "tollgate_calls_unsettled",
            "Calls under way, written down as begun and not as ended.",
            number(state.intents_open),
        ),
        ("tollgate_spool_bytes", "Size of the usage spool on disk.", number(state.spool_bytes)),
        ("tollgate_reservations", "Calls that hold something now.", number(reserved.reservations)),
        (
            "tollgate_reservation_oldest_seconds",
            "How long the oldest of them has held it.",
            number(reserved.oldest_ms(now)) / 1_000.0,
        ),
        (
            "tollgate_reserved_nanodollars",
            "The money that calls hold now.",
            number(u64::try_from(reserved.held.0).unwrap_or(0)),
        ),
    ]);
    let (snapshot, now_ms) = (tools.snapshot.load(), tools.clock.uptime_ms());
    health::show(&mut text, &snapshot, now_ms);
    pool::show(&mut text, &snapshot, now_ms);
    text
}

/// The answer to `/livez` and `/readyz`, for any port, and to what the Open Inference Protocol asks
/// instead; `None` for other paths.
#[must_use]
pub fn probe(tools: &Tools, path: &str) -> Option<Response<Full<Bytes>>> {
    match path {
        "/livez" => Some(answer(StatusCode::OK, "text/plain; charset=utf-8", "alive\n".into())),
        "/readyz" => {
            let state = readiness(tools);
            let status = if state.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            let body = serde_json::to_string(&state).unwrap_or_default();
            Some(answer(status, "application/json", body))
        }
        "/v2/health/live" => {
            Some(answer(StatusCode::OK, "application/json", r#"{"live":true}"#.into()))
        }
        "/v2/health/ready" => {
            let ready = readiness(tools).ready;
            let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            Some(answer(status, "application/json", format!(r#"{{"ready":{ready}}}"#)))
        }
        _ => None,
    }
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

fn respond(tools: &Tools, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "only GET is answered\n".into(),
        );
    }
    if request.uri().path() == "/metrics" {
        return answer(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics(tools));
    }
    probe(tools, request.uri().path()).unwrap_or_else(|| {
        answer(StatusCode::NOT_FOUND, "text/plain", "try /livez, /readyz or /metrics\n".into())
    })
}

/// Answers on `listener` for ever.
pub async fn serve(listener: TcpListener, tools: Tools) {
    let ready = listener.set_nonblocking(true);
    let listener = match ready.and_then(|()| tokio::net::TcpListener::from_std(listener)) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the admin port cannot be served");
            return std::future::pending().await;
        }
    };
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the admin port does not accept");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let tools = tools.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = respond(&tools, &request);
                async { Ok::<_, Infallible>(response) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an admin connection broke");
            }
        });
    }
}
