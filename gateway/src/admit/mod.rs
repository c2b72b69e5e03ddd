//! The first room: what is asked for, whether we have room for it, and whether our configuration
//! may be trusted. Reads only the request line and headers.

mod inference;
mod surface;

pub use inference::{About, What};
pub(crate) use surface::decode;
#[cfg(test)]
use surface::surface;
pub use surface::{Entrance, Kind, Native, Shape, Surface};

use crate::fault::Fault;
use crate::render::leaving::Leaving;
use crate::snapshot::Snapshot;
use crate::text;
use crate::worker::{InFlight, Worker};
use contract::Timestamp;
use contract::error::ErrorCode;
use contract::id::RequestId;
use dialect::Wire;
use dialect::inference::Form;
use dialect::media::Takes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};
use hyper::body::Incoming;
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FORM: &str = "multipart/form-data";
/// Where the JSON of a body with raw tensors ends.
pub const INFERENCE_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// What every answer is stamped with, also a refusal.
#[derive(Debug)]
pub struct Stamp {
    pub request_id: RequestId,
    /// The id as a header.
    pub id_text: HeaderValue,
    pub at: Timestamp,
    pub started: Instant,
    pub snapshot: Arc<Snapshot>,
    /// How errors are told, by the address.
    pub shape: Shape,
    /// What its answer says of the end of the model that it named.
    pub leaving: OnceCell<Leaving>,
}

impl Stamp {
    #[must_use]
    pub fn new(worker: &Worker, uri: &Uri, headers: &HeaderMap) -> Self {
        let shape = surface::shape_of(uri.path(), uri.query(), headers);
        Self::now(worker, worker.snapshot(), shape)
    }

    /// Of a copy of a call: one of its own, by what the gateway knew when it took the call in.
    #[must_use]
    pub fn of_copy(&self, worker: &Worker) -> Self {
        Self::now(worker, Arc::clone(&self.snapshot), self.shape)
    }

    fn now(worker: &Worker, snapshot: Arc<Snapshot>, shape: Shape) -> Self {
        let at = worker.gateway.tools.clock.now();
        let request_id = RequestId::new(at, &worker.chance.id_entropy());
        Self {
            request_id,
            id_text: id_text(request_id),
            at,
            started: Instant::now(),
            snapshot,
            shape,
            leaving: OnceCell::new(),
        }
    }
}

fn id_text(request_id: RequestId) -> HeaderValue {
    let mut id = Vec::with_capacity(32);
    request_id.write_to(&mut id);
    text::header(&[&id])
}

/// A request that may come further.
#[derive(Debug)]
pub struct Admitted {
    pub stamp: Rc<Stamp>,
    pub surface: Surface,
    pub headers: HeaderMap,
    /// The key, where it came in the query, as Gemini's callers may send it.
    pub query_key: Option<String>,
    pub body: Incoming,
    pub in_flight: InFlight,
}

/// Finds the surface, counts the call in, and refuses what could not be served.
///
/// # Errors
/// `route.unknown`, `request.method`, `request.media_type`, `request.header_invalid`, `service.overloaded`,
/// `service.stale_config`, `service.spool_full`.
pub fn admit(
    worker: &Rc<Worker>,
    stamp: Rc<Stamp>,
    request: Request<Incoming>,
) -> Result<Admitted, Fault> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query();
    let mut surface = surface::surface(&parts.method, parts.uri.path(), query)?;
    let query_key =
        if stamp.shape.wire() == Wire::Gemini { surface::parameter(query, "key") } else { None };
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
    if let Surface::Call(Entrance { kind: Kind::Tensors { form, .. }, .. }) = &mut surface {
        let length = parts.headers.get(&INFERENCE_LENGTH);
        *form = Form::of_header(length.map(HeaderValue::as_bytes))?;
    }
    let takes = match &surface {
        Surface::Call(Entrance { kind: Kind::Media(task), .. }) => Some(Some(task.takes())),
        // Raw tensors stand behind JSON, under whatever kind.
        Surface::Call(Entrance { kind: Kind::Tensors { form: Form::Binary(_), .. }, .. }) => {
            Some(None)
        }
        Surface::Call(_) | Surface::Native(_) => Some(Some(Takes::Json)),
        _ => None,
    };
    if let Some(takes) = takes {
        check_content(&parts.headers, takes)?;
        if !tools.settle.writable() {
            return Err(Fault::us(ErrorCode::SpoolFull, ErrorCode::SpoolFull.title())
                .after(Duration::from_secs(5)));
        }
    }
    Ok(Admitted { stamp, surface, headers: parts.headers, query_key, body, in_flight })
}

/// A call's body is JSON, or a form where one is taken, sent as it is. `None`: whatever it says it
/// is.
fn check_content(headers: &HeaderMap, takes: Option<Takes>) -> Result<(), Fault> {
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| {
        let text = kind.to_str().unwrap_or_default();
        text.split(';').next().unwrap_or_default().trim()
    });
    let is = |wanted: &str| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(wanted));
    let json = is("application/json") || (kind.is_none() && takes == Some(Takes::Json));
    let good = match takes {
        None => true,
        Some(Takes::Json) => json,
        Some(Takes::Form) => is(FORM),
        Some(Takes::Either) => json || is(FORM),
    };
    if !good {
        let wanted = match takes {
            None | Some(Takes::Json) => {
                "Send the body as JSON, with `Content-Type: application/json`."
            }
            Some(Takes::Form | Takes::Either) => {
                "Send the body as a form, with `Content-Type: multipart/form-data; boundary=…`, \
                 which your HTTP library sets when it is given a form."
            }
        };
        return Err(Fault::client(ErrorCode::RequestMediaType, wanted));
    }
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        Some(_) => Err(Fault::client(
            ErrorCode::RequestMediaType,
            "Send the body without Content-Encoding; compressed requests are not supported.",
        )),
    }
}
