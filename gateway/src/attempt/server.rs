//! Calls in a model server's own words, which pass: tensors, and text to go on with.

use super::Answered;
use super::failure::Failure;
use super::send::{Sender, exchange, whole};
use super::speech::{Speech, Told};
use crate::admit::{About, INFERENCE_LENGTH, Kind, What};
use crate::fault::Fault;
use crate::identify::Principal;
use crate::meter::{Heard, Meter};
use crate::read::Call;
use crate::snapshot::DeploymentView;
use crate::worker::Worker;
use bytes::Bytes;
use contract::error::ErrorCode;
use contract::snapshot::Dialect;
use dialect::Wire;
use dialect::inference::{self, Form};
use dialect::openai::TEXT_BYTES_PER_TOKEN;
use dialect::sigv4::segment;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::time::Instant;

/// Where servers, and proxies before them, say how long they worked, in milliseconds: Hugging
/// Face's, and Envoy, which KServe stands behind. Triton and MLServer only count for all calls
/// together.
const WORKED_MS: [HeaderName; 2] = [
    HeaderName::from_static("x-inference-time"),
    HeaderName::from_static("x-envoy-upstream-service-time"),
];
const RAW: HeaderValue = HeaderValue::from_static("application/octet-stream");
const JSON_OR_RAW: HeaderValue =
    HeaderValue::from_static("application/json, application/octet-stream");

/// A call as its server gets it: as it came. `None`: it is of another kind, or the server speaks
/// otherwise.
pub(super) fn tell<'a>(call: &Call, deployment: &DeploymentView) -> Option<Told<'a>> {
    if !deployment.provider.speaks(Dialect::Oip) {
        return None;
    }
    let (version, what) = match &call.kind {
        Kind::Tensors { version, .. } => (version, "infer"),
        Kind::Text { version } if call.ask.stream => (version, "generate_stream"),
        Kind::Text { version } => (version, "generate"),
        _ => return None,
    };
    let path = format!("{}/{what}", path(deployment, version.as_deref()));
    let speech = Speech::Server { versioned: version.is_some(), mapped: false };
    let mut told = Told::new(speech, path, call.body.clone());
    if let Kind::Tensors { form, .. } = call.kind {
        told.head.push((header::ACCEPT, JSON_OR_RAW));
        if let Form::Binary(length) = form {
            told.head.push((INFERENCE_LENGTH, length.into()));
            told.head.push((header::CONTENT_TYPE, RAW));
        }
    }
    Some(told)
}

/// `/v2/models/{model}[/versions/{version}]`.
fn path(deployment: &DeploymentView, version: Option<&str>) -> String {
    let model = segment(&deployment.record.upstream_model);
    match version {
        Some(version) => format!("/v2/models/{model}/versions/{}", segment(version)),
        None => format!("/v2/models/{model}"),
    }
}

/// Proves that a body is an answer, and says what it used.
pub(super) fn answer(
    meter: &Meter,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(HeaderMap, Answered), Failure> {
    let call = &meter.permit.call;
    let text = matches!(call.kind, Kind::Text { .. });
    let output_tokens = if text {
        inference::check_text(&body).map_err(Failure::malformed)?.div_ceil(TEXT_BYTES_PER_TOKEN)
    } else {
        let length = headers.get(&INFERENCE_LENGTH).map(HeaderValue::as_bytes);
        let form = Form::of_header(length).map_err(Failure::malformed)?;
        inference::check_answer(&body, form).map_err(Failure::malformed)?;
        0
    };
    let mut measure = meter.measure(Heard::NOTHING, || output_tokens);
    measure.used.units.compute_ms = worked_ms(&headers, meter.working_ms());
    Ok((headers, Answered::Whole { body, measure }))
}

/// As the server says, but never more than was waited for it; else what was waited.
pub(super) fn worked_ms(headers: &HeaderMap, waited: u64) -> u64 {
    let said = WORKED_MS.iter().find_map(|name| headers.get(name)?.to_str().ok()?.parse().ok());
    said.map_or(waited, |said: u64| said.clamp(1, waited.max(1)))
}

/// A status that is not a success. What is wrong with a version is the caller's to know, for it
/// named it.
pub(super) fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    body: Bytes,
    versioned: bool,
) -> Failure {
    let said = inference::read_error(&body).message;
    if versioned && status == StatusCode::NOT_FOUND {
        let detail = said.unwrap_or_else(|| "The model has no such version.".to_owned());
        return Failure::never(Fault::client(ErrorCode::ModelUnknown, detail).at("version"));
    }
    let mut failure = Failure::of_status(status, headers, body, Wire::Chat);
    let passes = failure.fault.more.as_ref().is_some_and(|more| more.answer.is_some());
    if failure.fault.code == ErrorCode::UpstreamRefused
        && !passes
        && let Some(said) = said
    {
        failure.fault.detail = said.into();
    }
    failure
}

/// Asks a model server about a model. It costs nothing.
///
/// # Errors
/// `upstream.*`; `model.unknown` where there is no such version.
pub async fn about(
    worker: &Worker,
    principal: &Principal,
    about: &About,
    deployment: &DeploymentView,
) -> Result<Bytes, Fault> {
    let mut path = path(deployment, about.version.as_deref());
    if about.what == What::Ready {
        path.push_str("/ready");
    }
    let speech = Speech::Server { versioned: about.version.is_some(), mapped: false };
    let mut told = Told::new(speech, path, Bytes::new());
    told.method = Method::GET;
    let sender = Sender::aside(worker, principal, deployment);
    let deadline = Instant::now() + worker.gateway.bounds.first_content_timeout;
    let answer = async {
        let (response, lease) = exchange(&sender, deployment, &told, deadline).await?;
        whole(worker.gateway.bounds.answer_bytes_max, response, lease).await
    };
    let answer = tokio::time::timeout_at(deadline, answer).await;
    let (_, body) =
        answer.map_err(|_| Failure::timeout().fault)?.map_err(|failure| failure.fault)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_how_long_it_worked_is_believed_up_to_what_was_waited() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let pair = |(name, value): &(&'static str, &'static str)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            };
            HeaderMap::from_iter(pairs.iter().map(pair))
        };
        assert_eq!(worked_ms(&headers(&[]), 9), 9);
        assert_eq!(worked_ms(&headers(&[("x-inference-time", "4")]), 9), 4);
        assert_eq!(worked_ms(&headers(&[("x-envoy-upstream-service-time", "5")]), 9), 5);
        assert_eq!(worked_ms(&headers(&[("x-inference-time", "4000")]), 9), 9);
        assert_eq!(worked_ms(&headers(&[("x-inference-time", "0")]), 9), 1);
        assert_eq!(worked_ms(&headers(&[("x-inference-time", "soon")]), 9), 9);
    }

    #[test]
    fn what_a_server_refuses_reaches_the_caller_in_a_sentence() {
        let refuse = |status, body: &'static str, versioned| {
            let status = StatusCode::from_u16(status).unwrap();
            refusal(status, &HeaderMap::new(), Bytes::from_static(body.as_bytes()), versioned)
        };
        let own = refuse(400, r#"{"error":"unexpected shape"}"#, false).fault;
        assert_eq!(own.more.unwrap().answer.unwrap().0, StatusCode::BAD_REQUEST);
        let detail = r#"{"detail":[{"loc":["body","inputs"],"msg":"Field required"}]}"#;
        let framework = refuse(422, detail, false).fault;
        assert_eq!(
            (framework.code, &*framework.detail),
            (ErrorCode::UpstreamRefused, "body.inputs: Field required")
        );
        let version = refuse(404, r#"{"error":"no version 9"}"#, true).fault;
        assert_eq!((version.code, &*version.detail), (ErrorCode::ModelUnknown, "no version 9"));
        assert_eq!(refuse(404, "{}", false).fault.code, ErrorCode::UpstreamFailed);
    }
}
