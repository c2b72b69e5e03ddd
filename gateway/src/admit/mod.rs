//! The first room: what is asked for, whether we have room for it, and whether our configuration
//! may be trusted. Reads only the request line and headers.

use crate::fault::Fault;
use crate::snapshot::Snapshot;
use crate::worker::{InFlight, Worker};
use contract::Timestamp;
use contract::error::ErrorCode;
use contract::id::RequestId;
use contract::usage::Operation;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use hyper::body::Incoming;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What every answer is stamped with, also a refusal.
#[derive(Debug)]
pub struct Stamp {
    pub request_id: RequestId,
    /// The id as a header.
    pub id_text: HeaderValue,
    pub at: Timestamp,
    pub started: Instant,
    pub snapshot: Arc<Snapshot>,
}

impl Stamp {
    #[must_use]
    pub fn new(worker: &Worker) -> Self {
        let at = worker.gateway.tools.clock.now();
        let request_id = RequestId::new(at, &worker.chance.id_entropy());
        // An id is ASCII.
        let id_text = HeaderValue::from_maybe_shared(bytes::Bytes::from(request_id.to_string()))
            .unwrap_or(HeaderValue::from_static(""));
        Self { request_id, id_text, at, started: Instant::now(), snapshot: worker.snapshot() }
    }
}

/// What an address serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surface {
    /// A call of a model, in the OpenAI dialect.
    Call(Operation),
    ListModels,
    ShowModel(String),
}

/// A request that may come further.
#[derive(Debug)]
pub struct Admitted {
    pub stamp: Rc<Stamp>,
    pub surface: Surface,
    pub headers: HeaderMap,
    pub body: Incoming,
    pub in_flight: InFlight,
}

/// Finds the surface, counts the call in, and refuses what could not be served.
///
/// # Errors
/// `route.unknown`, `request.method`, `request.media_type`, `service.overloaded`,
/// `service.stale_config`, `service.spool_full`.
pub fn admit(
    worker: &Rc<Worker>,
    stamp: Rc<Stamp>,
    request: Request<Incoming>,
) -> Result<Admitted, Fault> {
    let (parts, body) = request.into_parts();
    let surface = surface(&parts.method, parts.uri.path())?;
    let tools = &worker.gateway.tools;
    let in_flight = worker.enter().ok_or_else(|| {
        Fault::us(ErrorCode::Overloaded, "This instance is at its limit of calls at once.")
            .after(Duration::from_secs(1))
    })?;
    tools.snapshot.check(stamp.at).map_err(|stale| {
        Fault::us(ErrorCode::StaleConfig, ErrorCode::StaleConfig.title())
            .because(stale)
            .after(Duration::from_secs(5))
    })?;
    if let Surface::Call(_) = surface {
        check_content(&parts.headers)?;
        if !tools.settle.writable() {
            return Err(Fault::us(ErrorCode::SpoolFull, ErrorCode::SpoolFull.title())
                .after(Duration::from_secs(5)));
        }
    }
    Ok(Admitted { stamp, surface, headers: parts.headers, body, in_flight })
}

fn surface(method: &Method, path: &str) -> Result<Surface, Fault> {
    let (surface, allowed) = match path {
        "/v1/chat/completions" => (Surface::Call(Operation::Chat), "POST"),
        "/v1/embeddings" => (Surface::Call(Operation::Embeddings), "POST"),
        "/v1/models" => (Surface::ListModels, "GET"),
        _ => match path.strip_prefix("/v1/models/").filter(|name| !name.is_empty()) {
            Some(name) => (Surface::ShowModel(decode(name)), "GET"),
            None => {
                return Err(Fault::client(
                    ErrorCode::RouteUnknown,
                    "There is nothing at this address. The gateway serves /v1/chat/completions, \
                     /v1/embeddings and /v1/models.",
                ));
            }
        },
    };
    if method.as_str() == allowed {
        return Ok(surface);
    }
    let mut fault = Fault::client(
        ErrorCode::RequestMethod,
        if allowed == "GET" { "Use GET at this address." } else { "Use POST at this address." },
    );
    fault.more_mut().allow = Some(allowed);
    Err(fault)
}

/// A path segment with `%xx` resolved; what is not well formed stays as it is.
fn decode(segment: &str) -> String {
    let mut out = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let byte = (*first == b'%')
            .then(|| tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A call's body is JSON, sent as it is.
fn check_content(headers: &HeaderMap) -> Result<(), Fault> {
    if let Some(kind) = headers.get(header::CONTENT_TYPE) {
        let text = kind.to_str().unwrap_or_default();
        let kind = text.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Fault::client(
                ErrorCode::RequestMediaType,
                "Send the body as JSON, with `Content-Type: application/json`.",
            ));
        }
    }
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        Some(_) => Err(Fault::client(
            ErrorCode::RequestMediaType,
            "Send the body without Content-Encoding; compressed requests are not supported.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_name_in_a_path_may_hold_slashes_and_escapes() {
        assert_eq!(
            surface(&Method::GET, "/v1/models/meta/llama%2D3%zz%C3%A9").unwrap(),
            Surface::ShowModel("meta/llama-3%zzé".to_owned())
        );
    }

    #[test]
    fn a_wrong_method_names_the_right_one() {
        let fault = surface(&Method::GET, "/v1/chat/completions").unwrap_err();
        assert_eq!(fault.code, ErrorCode::RequestMethod);
        assert_eq!(fault.more.and_then(|more| more.allow), Some("POST"));
    }

    #[test]
    fn an_address_that_serves_nothing_is_unknown() {
        for path in ["/", "/v1", "/v1/models/", "/v1/chat/completions/", "/V1/models"] {
            assert_eq!(surface(&Method::GET, path).unwrap_err().code, ErrorCode::RouteUnknown);
        }
    }
}
