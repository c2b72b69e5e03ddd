//! Pictures, voices and judgements: OpenAI's kin get the caller's body, but for the model's value.
//! What comes back is what its head says: events, bytes of a voice, or a whole.

use super::flow::Flow;
use super::raw::Raw;
use super::send::{Given, ask, check_encoding, until_content, whole};
use super::speech::{Speech, Told, openai_path};
use super::watch::Watch;
use super::{Answered, Stream, failure::Failure};
use crate::admit::Kind;
use crate::meter::Meter;
use crate::provider::Lease;
use crate::snapshot::DeploymentView;
use dialect::convert::Framing;
use dialect::media::{self, Asked, Task, TellsAs, Watcher};
use dialect::openai::TEXT_BYTES_PER_TOKEN;
use dialect::{Reported, Wire};
use http::{HeaderMap, Response, header};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

/// Sends the call to one deployment.
pub(super) async fn send(
    meter: &Meter,
    deployment: &DeploymentView,
    deadline: Instant,
) -> Result<Given, Failure> {
    let call = &meter.permit.call;
    let (Kind::Media(task), Some(asked)) = (&call.kind, &call.media) else {
        return Err(Failure::not_served());
    };
    if !deployment.serves(call.operation) {
        return Err(Failure::not_served());
    }
    let comes_in_parts = call.ask.stream || asked.tells == TellsAs::Audio;
    let deadline = if comes_in_parts {
        deadline.min(Instant::now() + meter.patience.first_content)
    } else {
        deadline
    };
    let told = tell(meter, *task, asked, deployment);
    let (response, lease) = ask(meter, deployment, &told, deadline).await?;
    let answer = timeout_at(deadline, answer(meter, *task, asked, response, lease));
    let (headers, answer) = answer.await.map_err(|_| Failure::timeout())??;
    Ok((headers, answer, None))
}

fn tell<'a>(meter: &Meter, task: Task, asked: &Asked, deployment: &'a DeploymentView) -> Told<'a> {
    let call = &meter.permit.call;
    let model = &deployment.record.upstream_model;
    let body = if asked.is_form {
        Asked::write_form(&call.body, &call.ask, model)
    } else {
        deployment.provider.ways.pass_request(Wire::Chat, &call.body, &call.ask, model)
    };
    Told::new(Speech::Chat, openai_path(deployment, task.path()), body)
}

async fn answer(
    meter: &Meter,
    task: Task,
    asked: &Asked,
    response: Response<Incoming>,
    lease: Lease,
) -> Result<(HeaderMap, Answered), Failure> {
    check_encoding(response.headers())?;
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.map(|kind| kind.as_bytes().to_ascii_lowercase()).unwrap_or_default();
    let is = |start: &str| kind.starts_with(start.as_bytes());
    if is("text/html") {
        return Err(Failure::malformed("a page came, of a server in between"));
    }
    if is("text/event-stream") {
        let max = meter.worker().gateway.bounds.event_bytes_max;
        let watcher = Watcher::new(task, asked.sizes.images);
        let flow = Flow::Pass(Watch::through(Box::new(watcher), Framing::Sse, max));
        return begun(meter, flow, response, lease).await;
    }
    if asked.tells == TellsAs::Audio {
        if is("text/") || is("application/json") {
            return Err(Failure::malformed("a voice was asked for, and text came"));
        }
        return begun(meter, Flow::Raw(Raw::default()), response, lease).await;
    }
    let (headers, body) = whole(meter.answer_bytes_max(), response, lease).await?;
    let (reported, text_bytes) = match asked.tells {
        TellsAs::Text => (Reported::NOTHING, u64::try_from(body.len()).unwrap_or(u64::MAX)),
        _ => media::read_answer(task, &body).map_err(Failure::malformed)?,
    };
    let output = || text_bytes.div_ceil(TEXT_BYTES_PER_TOKEN);
    let measure = meter.measure(reported.into(), output);
    Ok((headers, Answered::Whole { body, measure }))
}

/// An answer that passes as it comes, once its content has begun.
async fn begun(
    meter: &Meter,
    mut flow: Flow,
    response: Response<Incoming>,
    lease: Lease,
) -> Result<(HeaderMap, Answered), Failure> {
    let (parts, mut body) = response.into_parts();
    until_content(meter, &mut flow, &mut body).await?;
    Ok((parts.headers, Answered::Stream(Box::new(Stream { flow, body, lease }))))
}
