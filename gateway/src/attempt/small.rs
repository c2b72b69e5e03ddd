//! Calls that are no conversations, told to a provider of another shape: embeddings and rankings.
//! Their answers are whole, and small.

use super::send::{Given, Sender, ask, exchange, whole};
use super::speech::{Speech, Told, openai_path};
use super::{Answered, failure::Failure};
use crate::admit::Kind;
use crate::fault::Fault;
use crate::identify::Principal;
use crate::meter::Meter;
use crate::snapshot::{DeploymentView, Tongue};
use crate::worker::Worker;
use bytes::Bytes;
use contract::usage::{Tokens, Units};
use dialect::embed::{self, Target};
use dialect::loss::Losses;
use dialect::messages::Host;
use dialect::{Invalid, Reported, Wire, rerank};
use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::borrow::Cow;
use std::cell::RefCell;
use tokio::time::Instant;

/// Batches of one call that are under way at once.
const BATCHES_AT_ONCE: usize = 4;
/// Tokens of input, where Bedrock tells them.
const INPUT_TOKENS: HeaderName = HeaderName::from_static("x-amzn-bedrock-input-token-count");

/// The shape that a provider embeds in, with the dialect that it belongs to.
pub fn embed_form(deployment: &DeploymentView) -> Option<(&Tongue, embed::Form)> {
    let vertex = deployment.provider.ways.host == Host::Vertex;
    deployment.provider.speech.iter().find_map(|tongue| {
        let form = embed::Form::of(tongue.wire)?;
        Some((
            tongue,
            if form == embed::Form::Gemini && vertex { embed::Form::Vertex } else { form },
        ))
    })
}

/// The shape that a provider ranks in, with the dialect that it belongs to.
pub fn rerank_form(deployment: &DeploymentView) -> Option<(&Tongue, rerank::Form)> {
    let vertex = deployment.provider.ways.host == Host::Vertex;
    deployment.provider.speech.iter().find_map(|tongue| {
        let form = rerank::Form::of(tongue.wire)?;
        (form != rerank::Form::Vertex || vertex).then_some((tongue, form))
    })
}

/// Embeds, in as many requests as the provider needs for so many inputs.
pub async fn embeddings(
    meter: &Meter,
    deployment: &DeploymentView,
    deadline: Instant,
) -> Result<Given, Failure> {
    let call = &meter.permit.call;
    let (tongue, form) = embed_form(deployment).ok_or_else(Failure::not_served)?;
    let surface = match (call.wire, &call.kind) {
        (Wire::Gemini, Kind::Batch) => embed::Surface::GeminiBatch,
        (Wire::Gemini, _) => embed::Surface::Gemini,
        (Wire::Cohere, Kind::First) => embed::Surface::CohereFirst,
        (Wire::Cohere, _) => embed::Surface::Cohere,
        _ => embed::Surface::Openai,
    };
    let asked = surface.read_request(&call.body, Some(&call.ask.model)).map_err(invalid)?;
    let to = target(deployment);
    let path = embed_path(deployment, form);
    let mut losses = Losses::new(tongue.wire);
    let mut told = Vec::new();
    for batch in asked.clone().batches(form.batch_max(to.model)) {
        let body = form.write_request(&batch, &to, &mut losses).map_err(invalid)?;
        told.push((batch.inputs.len(), small(tongue, path.clone(), body)));
    }
    every_batch(meter, deployment, form, &told, deadline).await?;
    let joined = embed::Answer::join(meter.batches.borrow_mut().take());
    let id = call.principal.stamp.id_text.to_str().unwrap_or_default();
    let body = surface.write_answer(&joined, &asked, id);
    Ok(given(meter, body, joined.tokens.into(), &losses))
}

/// What a text means to an embedding model, to be compared with what others mean; and what that used,
/// where its provider tells.
///
/// # Errors
/// As an attempt's.
pub async fn embed_text(
    worker: &Worker,
    principal: &Principal,
    deployment: &DeploymentView,
    text: &str,
    deadline: Instant,
) -> Result<(Vec<f64>, Option<Tokens>), Failure> {
    let (tongue, form) = embed_form(deployment).ok_or_else(Failure::not_served)?;
    let asked = embed::Request {
        inputs: vec![embed::Input::Text(text.to_owned())],
        task: Some(embed::Task::Similarity),
        ..embed::Request::default()
    };
    let mut losses = Losses::new(tongue.wire);
    let body = form.write_request(&asked, &target(deployment), &mut losses).map_err(invalid)?;
    let told = small(tongue, embed_path(deployment, form), body);
    let sender = Sender::aside(worker, principal, deployment);
    let (response, lease) = exchange(&sender, deployment, &told, deadline).await?;
    let max = worker.gateway.bounds.answer_bytes_max;
    let read = tokio::time::timeout_at(deadline, whole(max, response, lease)).await;
    let (headers, body) = read.map_err(|_| Failure::timeout())??;
    let answer = form.read_answer(&body, 1).map_err(Failure::malformed)?;
    let numbers = answer.numbers(0).unwrap_or_default().to_vec();
    Ok((numbers, answer.tokens.or_else(|| counted(&headers))))
}

fn embed_path<'a>(deployment: &'a DeploymentView, form: embed::Form) -> Cow<'a, str> {
    match form {
        embed::Form::Openai => openai_path(deployment, "/embeddings"),
        form => form.path(&deployment.record.upstream_model),
    }
}

/// Asks for each batch that this deployment has not answered yet. Once one fails, no other is begun.
async fn every_batch(
    meter: &Meter,
    deployment: &DeploymentView,
    form: embed::Form,
    told: &[(usize, Told<'_>)],
    deadline: Instant,
) -> Result<(), Failure> {
    let failed = RefCell::new(None);
    futures::stream::iter(told.iter().enumerate())
        .for_each_concurrent(BATCHES_AT_ONCE, |(nth, (inputs, told))| {
            let failed = &failed;
            async move {
                if failed.borrow().is_some() || meter.batches.borrow().has(nth) {
                    return;
                }
                match batch(meter, deployment, (form, *inputs, told), deadline).await {
                    Ok(answer) => meter.batches.borrow_mut().finish(nth, answer),
                    Err(failure) => {
                        failed.borrow_mut().get_or_insert(failure);
                    }
                }
            }
        })
        .await;
    failed.into_inner().map_or(Ok(()), Err)
}

async fn batch(
    meter: &Meter,
    deployment: &DeploymentView,
    (form, inputs, told): (embed::Form, usize, &Told<'_>),
    deadline: Instant,
) -> Result<embed::Answer, Failure> {
    let (headers, body) = answer(meter, deployment, told, deadline).await?;
    let mut answer = form.read_answer(&body, inputs).map_err(Failure::malformed)?;
    answer.tokens = answer.tokens.or_else(|| counted(&headers));
    Ok(answer)
}

/// Bedrock tells what some models used beside their answer only.
fn counted(headers: &HeaderMap) -> Option<Tokens> {
    let input = headers.get(INPUT_TOKENS)?.to_str().ok()?.parse().ok()?;
    Some(Tokens { input, ..Tokens::default() })
}

/// Ranks documents.
pub async fn ranking(
    meter: &Meter,
    deployment: &DeploymentView,
    deadline: Instant,
) -> Result<Given, Failure> {
    let call = &meter.permit.call;
    let (tongue, form) = rerank_form(deployment).ok_or_else(Failure::not_served)?;
    let surface = if call.wire == Wire::Cohere { rerank::Surface::V2 } else { rerank::Surface::V1 };
    let asked = surface.read_request(&call.body).map_err(invalid)?;
    let to = target(deployment);
    let mut losses = Losses::new(tongue.wire);
    let body = form.write_request(&asked, &to, &mut losses).map_err(invalid)?;
    let told = small(tongue, form.path(to.model), body);
    let (_, body) = answer(meter, deployment, &told, deadline).await?;
    let ranked = form.read_answer(&body, &asked).map_err(Failure::malformed)?;
    let id = call.principal.stamp.id_text.to_str().unwrap_or_default();
    let body = surface.write_answer(&ranked, &asked, id);
    Ok(given(meter, body, reported(&ranked, &asked), &losses))
}

/// What a ranking used. Where searches are told and tokens are not, searches are what it costs.
fn reported(ranked: &rerank::Answer, asked: &rerank::Request) -> Reported {
    let searches = ranked.search_units.unwrap_or_else(|| rerank::searches(asked));
    let none = ranked.search_units.map(|_| Tokens::default());
    Reported { tokens: ranked.tokens.or(none), units: Units { searches, ..Units::default() } }
}

fn target(deployment: &DeploymentView) -> Target<'_> {
    Target {
        model: &deployment.record.upstream_model,
        project: deployment.provider.record.settings.project.as_deref(),
    }
}

fn small<'a>(to: &'a Tongue, path: Cow<'a, str>, body: Vec<u8>) -> Told<'a> {
    Told::new(Speech::Small(to), path, body.into())
}

async fn answer(
    meter: &Meter,
    deployment: &DeploymentView,
    told: &Told<'_>,
    deadline: Instant,
) -> Result<(HeaderMap, Bytes), Failure> {
    let (response, lease) = ask(meter, deployment, told, deadline).await?;
    let read = whole(meter.answer_bytes_max(), response, lease);
    tokio::time::timeout_at(deadline, read).await.map_err(|_| Failure::timeout())?
}

fn given(meter: &Meter, body: Vec<u8>, reported: Reported, losses: &Losses) -> Given {
    let kind = HeaderValue::from_static("application/json");
    let answered =
        Answered::Whole { body: body.into(), measure: meter.measure(reported.into(), || 0) };
    (HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]), answered, super::speech::header(losses))
}

fn invalid(invalid: Invalid) -> Failure {
    Failure::never(Fault::from(invalid))
}
