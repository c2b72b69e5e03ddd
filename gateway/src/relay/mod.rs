//! The last room but one: hands the answer to the caller, whole or as it comes, and ends the
//! metering before the caller has the last byte.

mod attended;
mod list;
mod pump;
mod replay;
mod stream;

pub use attended::Attended;
pub use pump::Piped;
pub use replay::Replay;
pub use stream::Relay;

use crate::admit::{INFERENCE_LENGTH, Shape, Stamp};
use crate::answer::Answer;
use crate::attempt::{Answered, Upstream};
use crate::fault::Fault;
use crate::meter::End;
use crate::recall::{Told, is_deterministic};
use crate::render::{self, limits};
use crate::text;
use contract::usage::Outcome;
use dialect::gemini::Array;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

/// Headers of a provider that a caller gets. Its limits, cookies and account are ours.
const PASSED_BACK: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    INFERENCE_LENGTH,
    HeaderName::from_static("openai-processing-ms"),
    HeaderName::from_static("openai-version"),
];
/// Fields of the request that the provider could not be told.
const DROPPED: HeaderName = HeaderName::from_static("x-tollgate-dropped");
/// By which route, rule and part of a split the call came to which deployment.
const ROUTE: HeaderName = HeaderName::from_static("x-tollgate-route");
/// The model that answers in place of the one that was asked for, because that one did not.
const FALLBACK: HeaderName = HeaderName::from_static("x-tollgate-fallback");
/// The same, because of a budget.
const DOWNGRADED: HeaderName = HeaderName::from_static("x-tollgate-downgraded");

/// How the answer came about, where the plan has a cache; and how many seconds ago.
const CACHE: HeaderName = HeaderName::from_static("x-tollgate-cache");
/// How alike the question is to the one that was answered.
const SIMILARITY: HeaderName = HeaderName::from_static("x-tollgate-cache-similarity");

/// Answers the caller. A stream's cost is not known when its head goes out: it is told at its end.
///
/// # Errors
/// What another call was answered with cannot be told to this one.
pub fn relay(upstream: Upstream) -> Result<Response<Answer>, Fault> {
    let Upstream { mut meter, headers, answer, dropped } = upstream;
    let principal = &meter.permit.call.principal;
    let stamp = std::rc::Rc::clone(&principal.stamp);
    let tell_cost = principal.passed_on.include_cost;
    let mut response = Response::new(Answer::Whole(bytes::Bytes::new()));
    pass_back(&headers, response.headers_mut());
    if let Some(reservation) = meter.reservation() {
        let standings: Vec<_> = reservation.standings().collect();
        limits::tell(response.headers_mut(), &standings, None, stamp.at);
    }
    let permit = &meter.permit;
    for (is_so, header) in
        [(permit.is_downgraded, DOWNGRADED), (permit.fell_back.is_some(), FALLBACK)]
    {
        if is_so {
            let name = text::header(&[permit.model.record.name.as_bytes()]);
            response.headers_mut().insert(header, name);
        }
    }
    if let Some(way) = meter.told_way() {
        response.headers_mut().insert(ROUTE, way);
    }
    if let Some(told) = meter.sharing.told.as_str() {
        response.headers_mut().insert(CACHE, HeaderValue::from_static(told));
    }
    if let Told::Hit { age_s } | Told::Alike { age_s, .. } = meter.sharing.told {
        response.headers_mut().insert(header::AGE, age_s.into());
    }
    if let Told::Alike { alike, .. } = meter.sharing.told {
        let told = format!("{}.{:03}", alike / 1_000, alike % 1_000);
        response.headers_mut().insert(SIMILARITY, text::header(&[told.as_bytes()]));
    }
    if let Some(dropped) = dropped {
        response.headers_mut().insert(DROPPED, dropped);
    }
    match answer {
        Answered::Whole { body, measure } => {
            if is_deterministic(meter.permit.call.operation) {
                meter.sharing.record_body(&body);
            }
            let cost = meter.end(End { outcome: Outcome::Ok, status: 200, code: None, measure });
            if tell_cost {
                render::cost::tell(response.headers_mut(), cost, &measure.used.tokens);
            }
            *response.body_mut() = Answer::Whole(body);
        }
        Answered::Stream(stream) => {
            streams(response.headers_mut(), &stamp);
            if meter.permit.call.ask.stream {
                meter.content_begins();
            }
            let is_led = meter.sharing.is_leading();
            let relay = Relay::new(meter, *stream);
            *response.body_mut() = match is_led {
                true => Answer::Piped(Piped::start(relay)),
                false => Answer::Stream(Attended::new(relay)),
            };
        }
        Answered::Shared(source) => {
            streams(response.headers_mut(), &stamp);
            meter.content_begins();
            *response.body_mut() = Answer::Replay(Box::new(Replay::new(meter, *source)?));
        }
    }
    render::stamp(response.headers_mut(), &stamp);
    Ok(response)
}

/// What the head of a stream says.
fn streams(headers: &mut HeaderMap, stamp: &Stamp) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if stamp.shape == Shape::GeminiList {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Array::CONTENT_TYPE));
    }
}

fn pass_back(from: &HeaderMap, to: &mut HeaderMap) {
    // With those that tell of limits and of the call: a map that grows is filled anew.
    to.reserve(16);
    for name in &PASSED_BACK {
        if let Some(value) = from.get(name) {
            to.insert(name.clone(), value.clone());
        }
    }
}
