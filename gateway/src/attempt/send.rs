//! One attempt: the request as the provider gets it, and its answer up to where it counts.

use super::Answered;
use super::failure::Failure;
use super::watch::{Watch, WatchError};
use crate::meter::Meter;
use crate::provider::{Lease, Target};
use crate::snapshot::DeploymentView;
use bytes::{Bytes, BytesMut};
use dialect::openai::{self, Reported, TEXT_BYTES_PER_TOKEN};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("tollgate/", env!("CARGO_PKG_VERSION")));
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Most of an error's body that is read.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// Sends the call to one deployment.
pub(super) async fn send(
    meter: &Meter,
    deployment: &DeploymentView,
    deadline: Instant,
) -> Result<(HeaderMap, Answered), Failure> {
    let worker = meter.worker();
    let bounds = &worker.gateway.bounds;
    let call = &meter.permit.call;
    let target = worker
        .targets
        .of(&deployment.provider)
        .ok_or_else(|| Failure::malformed("the provider's address cannot be used"))?;
    let body = openai::write_request(&call.body, &call.ask, &deployment.record.upstream_model);
    let deadline = if call.ask.stream {
        deadline.min(Instant::now() + bounds.first_content_timeout)
    } else {
        deadline
    };
    let build = || request(meter, &target, body.clone());
    let sent = timeout_at(deadline, target.pool.send(bounds.connect_timeout, build)).await;
    let (response, lease) =
        sent.map_err(|_| Failure::timeout())?.map_err(|error| Failure::unreachable(&error))?;
    if !response.status().is_success() {
        return Err(refusal(response, lease, deadline).await);
    }
    let answer = async {
        if call.ask.stream {
            stream(meter, response, lease).await
        } else {
            plain(meter, response, lease, bounds.answer_bytes_max).await
        }
    };
    timeout_at(deadline, answer).await.map_err(|_| Failure::timeout())?
}

fn request(meter: &Meter, target: &Target, body: Bytes) -> Request<Full<Bytes>> {
    let call = &meter.permit.call;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    request.uri_mut().clone_from(target.path(call.operation));
    let headers = request.headers_mut();
    headers.reserve(8);
    headers.insert(header::HOST, target.host.clone());
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::ACCEPT, if call.ask.stream { EVENTS } else { JSON });
    headers.insert(header::USER_AGENT, AGENT);
    headers.insert(REQUEST_ID, call.principal.stamp.id_text.clone());
    if let Some((name, value)) = &target.auth {
        headers.insert(name.clone(), value.clone());
    }
    for (name, value) in &call.principal.passed_on.headers {
        headers.append(name.clone(), value.clone());
    }
    request
}

/// Reads an error, up to its bound, and says what it means.
async fn refusal(response: Response<Incoming>, lease: Lease, deadline: Instant) -> Failure {
    let (parts, mut body) = response.into_parts();
    let soon = deadline.min(Instant::now() + Duration::from_secs(5));
    let read = timeout_at(soon, collect(&mut body, ERROR_BYTES_MAX)).await;
    let text = match read {
        Ok(Ok(text)) => {
            lease.give_back();
            text
        }
        // The status says enough.
        Ok(Err(_)) | Err(_) => Bytes::new(),
    };
    Failure::of_status(parts.status, &parts.headers, text)
}

async fn plain(
    meter: &Meter,
    response: Response<Incoming>,
    lease: Lease,
    max: usize,
) -> Result<(HeaderMap, Answered), Failure> {
    let (parts, mut body) = response.into_parts();
    check_encoding(&parts.headers)?;
    let body = collect(&mut body, max).await.map_err(|error| match error {
        Unread::Cut(error) => Failure::cut(error),
        Unread::TooLong => Failure::malformed(format_args!("longer than {max} bytes")),
    })?;
    lease.give_back();
    let reported = openai::read_answer(&body).map_err(Failure::malformed)?;
    let (tokens, estimated) = match reported {
        Reported::Tokens(tokens) => (tokens, false),
        Reported::Nothing { text_bytes } => {
            (meter.estimate(text_bytes.div_ceil(TEXT_BYTES_PER_TOKEN)), true)
        }
    };
    Ok((parts.headers, Answered::Whole { body, tokens, estimated }))
}

/// Reads a stream until its content begins.
async fn stream(
    meter: &Meter,
    response: Response<Incoming>,
    lease: Lease,
) -> Result<(HeaderMap, Answered), Failure> {
    let (parts, mut body) = response.into_parts();
    check_encoding(&parts.headers)?;
    let kind = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(b"text/event-stream")) {
        return Err(Failure::malformed("a stream was asked for, and something else came"));
    }
    let ask = &meter.permit.call.ask;
    let strip_usage = ask.stream_options != openai::StreamOptions::Asked;
    let mut watch = Watch::new(meter.worker().gateway.bounds.event_bytes_max, strip_usage);
    while !watch.has_begun() {
        match body.frame().await {
            None => return Err(Failure::cut("the stream ended before its content")),
            Some(Err(error)) => return Err(Failure::cut(error)),
            Some(Ok(frame)) => {
                let Ok(bytes) = frame.into_data() else { continue };
                watch.take(bytes).map_err(|error| match error {
                    WatchError::BrokenOff => Failure::broken_off(),
                    WatchError::TooLong(error) => Failure::malformed(error),
                })?;
            }
        }
    }
    Ok((parts.headers, Answered::Stream { watch, body, lease }))
}

/// What is compressed cannot be metered; it was not asked for.
fn check_encoding(headers: &HeaderMap) -> Result<(), Failure> {
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        Some(_) => Err(Failure::malformed("the answer is compressed, which was not asked for")),
    }
}

/// Why a body was not read whole.
enum Unread {
    Cut(hyper::Error),
    TooLong,
}

async fn collect(body: &mut Incoming, max: usize) -> Result<Bytes, Unread> {
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    // A body of known length is complete with its last byte: no need to ask for its end.
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else { break };
        let Ok(bytes) = frame.map_err(Unread::Cut)?.into_data() else { continue };
        if first.len() + more.len() + bytes.len() > max {
            return Err(Unread::TooLong);
        }
        if first.is_empty() {
            first = bytes;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&bytes);
        }
    }
    Ok(if more.is_empty() { first } else { more.freeze() })
}
