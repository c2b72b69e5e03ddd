//! One attempt: the request as the provider gets it, and its answer up to where it counts.

use super::failure::Failure;
use super::flow::Flow;
use super::speech::{Speech, Told, tell, tell_count, tell_embeddings, tell_native, tell_ranking};
use super::tape::Taped;
use super::watch::{Watch, WatchError};
use super::{Answered, Stream};
use super::{mapped, media, server, small};
use crate::identify::Principal;
use crate::meter::Meter;
use crate::pool::{self, Replica};
use crate::provider::{AwsKeys, Credential, Lease, Target};
use crate::read::Call;
use crate::snapshot::DeploymentView;
use crate::worker::Worker;
use bytes::{Bytes, BytesMut};
use contract::usage::{Operation, Tokens};
use dialect::convert::{Cause, Framing};
use dialect::openai::{self, StreamOptions};
use dialect::{Reported, Wire, inference, json};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("tollgate/", env!("CARGO_PKG_VERSION")));
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
/// Most of an error's body that is read.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// What an attempt gave: the answer with its headers, and what was not told.
pub(super) type Given = (HeaderMap, Answered, Option<HeaderValue>);

/// Sends the call to one deployment.
pub(super) async fn send(
    meter: &Meter,
    deployment: &DeploymentView,
    deadline: Instant,
) -> Result<Given, Failure> {
    let call = &meter.permit.call;
    let ways = deployment.provider.ways;
    ways.check(call.wire, &call.ask).map_err(|invalid| Failure::never(invalid.into()))?;
    let told = match call.operation {
        _ if call.native.is_some() => {
            tell_native(call, deployment).ok_or_else(Failure::not_served)?
        }
        _ if call.kind.is_of_server() => match server::tell(call, deployment) {
            Some(told) => told,
            None => return mapped::send(meter, deployment, deadline).await,
        },
        Operation::Chat => tell(call, deployment, meter.permit.model.record.output_tokens_max)?,
        Operation::CountTokens => tell_count(call, deployment).ok_or_else(Failure::not_served)?,
        Operation::Embeddings => match tell_embeddings(call, deployment) {
            Some(told) => told,
            None => return small::embeddings(meter, deployment, deadline).await,
        },
        Operation::Rerank => match tell_ranking(call, deployment) {
            Some(told) => told,
            None => return small::ranking(meter, deployment, deadline).await,
        },
        Operation::Images
        | Operation::Speech
        | Operation::Transcription
        | Operation::Moderation => return media::send(meter, deployment, deadline).await,
        Operation::Predict | Operation::Native => return Err(Failure::not_served()),
    };
    let deadline = if call.ask.stream {
        deadline.min(Instant::now() + meter.patience.first_content)
    } else {
        deadline
    };
    let speech = told.speech;
    let (response, lease) = ask(meter, deployment, &told, deadline).await?;
    let answer = async {
        if call.ask.stream {
            Box::pin(stream(meter, speech, response, lease)).await
        } else {
            plain(meter, speech, response, lease).await
        }
    };
    let (headers, answer) =
        timeout_at(deadline, answer).await.map_err(|_| Failure::timeout())??;
    Ok((headers, answer, told.dropped))
}

/// Sends one request of a call and waits for the head of a success.
pub(super) async fn ask(
    meter: &Meter,
    deployment: &DeploymentView,
    told: &Told<'_>,
    deadline: Instant,
) -> Result<(Response<Incoming>, Lease), Failure> {
    let call = &meter.permit.call;
    let (worker, principal) = (meter.worker(), &call.principal);
    let (accepts, replica) = (accepted(call, told.speech), meter.replica());
    let sender = Sender { worker, principal, accepts, replica };
    let (response, lease) = exchange(&sender, deployment, told, deadline).await?;
    meter.overhear_head(response.headers());
    Ok((response, lease))
}

/// For whom a request is sent.
pub(super) struct Sender<'a> {
    pub worker: &'a Worker,
    pub principal: &'a Principal,
    /// The kinds of content that may come.
    pub accepts: HeaderValue,
    /// Which of a pool's.
    pub replica: Option<Arc<Replica>>,
}

impl<'a> Sender<'a> {
    /// Of a small question beside a call, which takes no place in a pool: any replica will do.
    pub fn aside(
        worker: &'a Worker,
        principal: &'a Principal,
        deployment: &DeploymentView,
    ) -> Self {
        let now_ms = worker.gateway.tools.clock.uptime_ms();
        let replica = deployment.provider.pool.as_ref().and_then(|pool| pool.any(now_ms));
        Self { worker, principal, accepts: JSON, replica }
    }
}

/// Sends one request and waits for the head of a success.
pub(super) async fn exchange(
    sender: &Sender<'_>,
    deployment: &DeploymentView,
    told: &Told<'_>,
    deadline: Instant,
) -> Result<(Response<Incoming>, Lease), Failure> {
    let worker = sender.worker;
    let target = worker
        .targets
        .of(&deployment.provider)
        .ok_or_else(|| Failure::malformed("the provider's address cannot be used"))?;
    let uri = target
        .uri(&told.path)
        .ok_or_else(|| Failure::malformed("the provider's name of the model fits no address"))?;
    let auth = authorization(worker, &target, deadline).await?;
    let build = || request(sender, &target, &auth, &uri, told);
    let connect_timeout = worker.gateway.bounds.connect_timeout;
    // Where it is not well, another try is an attempt like any: there are only so many.
    let (pool, pulse) = match &sender.replica {
        None if deployment.provider.pool.is_some() => {
            return Err(Failure::no_place(pool::Full::Nowhere));
        }
        None => (Rc::clone(&target.pool), &deployment.pulse),
        Some(one) => (worker.targets.pool(&target.address_at(one)), &one.pulse),
    };
    let repeats = pulse.is_well();
    let sent = timeout_at(deadline, pool.send(connect_timeout, repeats, build)).await;
    let (response, lease) =
        sent.map_err(|_| Failure::timeout())?.map_err(|error| Failure::unreachable(&error))?;
    if !response.status().is_success() {
        if let (401, Credential::Token(source)) = (response.status().as_u16(), &target.credential) {
            source.refused();
        }
        return Err(Box::pin(refusal(told.speech, response, lease, deadline)).await);
    }
    Ok((response, lease))
}

fn request(
    sender: &Sender<'_>,
    target: &Target,
    auth: &Authorization,
    uri: &Uri,
    told: &Told<'_>,
) -> Request<Full<Bytes>> {
    let Sender { principal, accepts, .. } = sender;
    let speech = told.speech;
    let mut request = Request::new(Full::new(told.body.clone()));
    request.method_mut().clone_from(&told.method);
    request.uri_mut().clone_from(uri);
    let headers = request.headers_mut();
    headers.reserve(8);
    let host = sender.replica.as_ref().map_or(&target.host, |replica| &replica.authority);
    headers.insert(header::HOST, host.clone());
    if !told.body.is_empty() {
        let form = principal.passed_on.form.clone();
        headers.insert(header::CONTENT_TYPE, form.unwrap_or(JSON));
    }
    headers.insert(header::ACCEPT, accepts.clone());
    headers.insert(header::USER_AGENT, AGENT);
    headers.insert(REQUEST_ID, principal.stamp.id_text.clone());
    if speech.wire() == Wire::Messages {
        headers.insert(ANTHROPIC_VERSION, HeaderValue::from_static("2023-06-01"));
    }
    for (name, value) in &told.head {
        headers.insert(name.clone(), value.clone());
    }
    if let Authorization::Header(name, value) = auth {
        headers.insert(name.clone(), value.clone());
    }
    let passed = &principal.passed_on;
    for (name, value) in &passed.headers {
        headers.append(name.clone(), value.clone());
    }
    if speech.is_same() {
        for (name, value) in &passed.within {
            if *name == ANTHROPIC_VERSION {
                headers.insert(name.clone(), value.clone());
            } else {
                headers.append(name.clone(), value.clone());
            }
        }
    }
    if let Authorization::Signed(keys) = auth {
        keys.sign(&mut request, &told.body, principal.stamp.at.timestamp());
    }
    request
}

fn accepted(call: &Call, speech: Speech<'_>) -> HeaderValue {
    match call.media {
        // Some answer a stream asked for with a whole, and what a voice is called varies.
        Some(_) => HeaderValue::from_static("*/*"),
        None if call.ask.stream => speech.accepts(),
        None => JSON,
    }
}

/// How one request says who we are.
enum Authorization {
    None,
    Header(HeaderName, HeaderValue),
    Signed(Arc<AwsKeys>),
}

/// Fetches a token where the provider wants one, and none is at hand.
async fn authorization(
    worker: &Worker,
    target: &Target,
    deadline: Instant,
) -> Result<Authorization, Failure> {
    Ok(match &target.credential {
        Credential::None => Authorization::None,
        Credential::Header(name, value) => Authorization::Header(name.clone(), value.clone()),
        Credential::Aws(keys) => Authorization::Signed(Arc::clone(keys)),
        Credential::Token(source) => {
            let keeper = &worker.gateway.tools.tokens;
            let value = timeout_at(deadline, source.header(keeper))
                .await
                .map_err(|_| Failure::timeout())?
                .map_err(Failure::no_token)?;
            Authorization::Header(header::AUTHORIZATION, value)
        }
    })
}

/// Reads an error, up to its bound, and says what it means.
async fn refusal(
    speech: Speech<'_>,
    response: Response<Incoming>,
    lease: Lease,
    deadline: Instant,
) -> Failure {
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
    match (speech, speech.read_error(parts.status.as_u16(), &text)) {
        (Speech::Server { versioned, mapped: false }, _) => {
            server::refusal(parts.status, &parts.headers, text, versioned)
        }
        // Whoever refuses our credentials speaks to us, also in the caller's own dialect.
        (_, Some(said)) if !speech.is_same() || said.cause == Cause::Credentials => {
            Failure::of_words(parts.status, &parts.headers, said)
        }
        (_, said) => {
            let failure = Failure::of_status(parts.status, &parts.headers, text, speech.wire());
            Failure { cause: said.map(|said| said.cause).unwrap_or_default(), ..failure }
        }
    }
}

async fn plain(
    meter: &Meter,
    speech: Speech<'_>,
    response: Response<Incoming>,
    lease: Lease,
) -> Result<(HeaderMap, Answered), Failure> {
    let (headers, body) = whole(meter.answer_bytes_max(), response, lease).await?;
    meter.overhear(&body);
    let operation = meter.permit.call.operation;
    let native = meter.permit.call.native.is_some();
    let reported = match speech {
        Speech::Server { .. } => return server::answer(meter, headers, body),
        _ if native && !matches!(operation, Operation::Chat | Operation::CountTokens) => {
            dialect::native::read_usage(&body)
        }
        _ if operation == Operation::CountTokens => Reported::from(Tokens::default()),
        Speech::Chat => openai::read_answer(&body).map_err(Failure::malformed)?,
        Speech::Same(_, pass) => pass.read_usage(&body).map_err(Failure::malformed)?,
        Speech::Translated { from, to, .. } => {
            let answer = to.speaker.read_answer(&body).map_err(Failure::malformed)?;
            let written = super::translate::answer(meter, &answer, from)?;
            meter.sharing.record(|| Some(answer));
            return Ok((only_content_type(JSON), written));
        }
        Speech::Small(_) => return Err(Failure::not_served()),
    };
    meter.sharing.record(|| speech.reader()?.read_answer(&body).ok());
    let output = || text_tokens(&body, meter.model());
    let measure = meter.measure(reported.into(), output);
    Ok((headers, Answered::Whole { body, measure }))
}

/// Reads an answer of at most `max` bytes to its end.
pub(super) async fn whole(
    max: usize,
    response: Response<Incoming>,
    lease: Lease,
) -> Result<(HeaderMap, Bytes), Failure> {
    let (parts, mut body) = response.into_parts();
    check_encoding(&parts.headers)?;
    let body = collect(&mut body, max).await.map_err(|error| match error {
        Unread::Cut(error) => Failure::cut(error),
        Unread::TooLong => Failure::malformed(format_args!("longer than {max} bytes")),
    })?;
    lease.give_back();
    Ok((parts.headers, body))
}

/// Tokens that a model said in an answer, which was proved to be JSON, where nobody tells.
fn text_tokens(body: &[u8], model: &str) -> u64 {
    let mut tokens: u64 = 0;
    let walked = json::walk_object(body, |member| {
        let name = member.name(body);
        if let Some(b"choices" | b"content" | b"candidates" | b"output") = name.as_deref() {
            tokens = tokens.saturating_add(dialect::count::of_json(member.raw(body), model));
        }
    });
    walked.map_or(0, |_| tokens)
}

fn only_content_type(kind: HeaderValue) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, kind)])
}

/// Reads a stream until its content begins.
async fn stream(
    meter: &Meter,
    speech: Speech<'_>,
    response: Response<Incoming>,
    lease: Lease,
) -> Result<(HeaderMap, Answered), Failure> {
    let (parts, mut body) = response.into_parts();
    check_encoding(&parts.headers)?;
    let kind = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(speech.accepts().as_bytes())) {
        return Err(Failure::malformed("a stream was asked for, and something else came"));
    }
    let mut flow = flow(meter, speech)?;
    until_content(meter, &mut flow, &mut body).await?;
    let headers = if speech.is_same() { parts.headers } else { only_content_type(EVENTS) };
    Ok((headers, Answered::Stream(Box::new(Stream { flow, body, lease }))))
}

/// Reads on until the caller has something to see: nothing can be tried again after that.
pub(super) async fn until_content(
    meter: &Meter,
    flow: &mut Flow,
    body: &mut Incoming,
) -> Result<(), Failure> {
    while !flow.has_begun() {
        match body.frame().await {
            None if flow.close() => break,
            None => return Err(Failure::cut("the stream ended before its content")),
            Some(Err(error)) => return Err(Failure::cut(error)),
            Some(Ok(frame)) => {
                let Ok(bytes) = frame.into_data() else { continue };
                meter.overhear(&bytes);
                let taken = flow.take(bytes);
                meter.hear(flow.heard());
                taken.map_err(|error| match error {
                    WatchError::BrokenOff => Failure::broken_off(),
                    WatchError::Unframed(error) => Failure::malformed(error),
                })?;
            }
        }
    }
    Ok(())
}

fn flow(meter: &Meter, speech: Speech<'_>) -> Result<Flow, Failure> {
    let max = meter.worker().gateway.bounds.event_bytes_max;
    let ask = &meter.permit.call.ask;
    let flow = match speech {
        Speech::Chat => Flow::Pass(Watch::new(max, ask.stream_options != StreamOptions::Asked)),
        Speech::Same(tongue, pass) => {
            Flow::Pass(Watch::through(pass.watch(), tongue.speaker.framing(), max))
        }
        Speech::Translated { from, to, .. } => {
            Flow::Translated(Box::new(super::translate::stream(meter, from, &*to.speaker, max)?))
        }
        Speech::Server { .. } => {
            Flow::Pass(Watch::through(inference::text_watch(), Framing::Sse, max))
        }
        Speech::Small(_) => return Err(Failure::not_served()),
    };
    Ok(match speech.reader().filter(|_| meter.sharing.is_leading()) {
        Some(reader) => Flow::Taped(Box::new(Taped::new(flow, reader, max))),
        None => flow,
    })
}

/// What is compressed cannot be metered; it was not asked for.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), Failure> {
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
