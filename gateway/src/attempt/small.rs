//! Calls that are no conversations, told to a provider of another shape: embeddings and rankings.
//! Their answers are whole, and small.

use super::send::{Given, ask, whole};
use super::speech::{Speech, Told, openai_path};
use super::{Answered, failure::Failure};
use crate::admit::Kind;
use crate::fault::Fault;
use crate::meter::Meter;
use crate::snapshot::{DeploymentView, Tongue};
use bytes::Bytes;
use contract::usage::{Tokens, Units};
use dialect::embed::{self, Target};
use dialect::loss::Losses;
use dialect::messages::Host;
use dialect::{Invalid, Reported, Wire, rerank};
use futures::{StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, HeaderValue, header};
use std::borrow::Cow;
use tokio::time::Instant;

/// Batches of one call that are under way at once.
const BATCHES_AT_ONCE: usize = 4;

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
    let path = match form {
        embed::Form::Openai => openai_path(deployment, "/embeddings"),
        form => form.path(to.model),
    };
    let mut losses = Losses::new(tongue.wire);
    let mut told = Vec::new();
    for batch in asked.clone().batches(form.batch_max(to.model)) {
        let body = form.write_request(&batch, &to, &mut losses).map_err(invalid)?;
        told.push((batch.inputs.len(), small(tongue, path.clone(), body)));
    }
    let answers = futures::stream::iter(&told).map(|(inputs, told)| async move {
        let body = answer(meter, deployment, told, deadline).await?;
        form.read_answer(&body, *inputs).map_err(Failure::malformed)
    });
    let answers = answers.buffered(BATCHES_AT_ONCE).try_collect().await?;
    let joined = embed::Answer::join(answers);
    let id = call.principal.stamp.id_text.to_str().unwrap_or_default();
    let body = surface.write_answer(&joined, &asked, id);
    Ok(given(meter, body, joined.tokens.into(), &losses))
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
    let body = answer(meter, deployment, &told, deadline).await?;
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
    Told { speech: Speech::Small(to), path, body: body.into(), dropped: None }
}

async fn answer(
    meter: &Meter,
    deployment: &DeploymentView,
    told: &Told<'_>,
    deadline: Instant,
) -> Result<Bytes, Failure> {
    let (response, lease) = ask(meter, deployment, told, deadline).await?;
    let read = whole(meter, response, lease);
    let (_, body) =
        tokio::time::timeout_at(deadline, read).await.map_err(|_| Failure::timeout())??;
    Ok(body)
}

fn given(meter: &Meter, body: Vec<u8>, reported: Reported, losses: &Losses) -> Given {
    let kind = HeaderValue::from_static("application/json");
    let (used, estimated) = meter.used(reported, || 0);
    let answered = Answered::Whole { body: body.into(), used, estimated };
    (HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]), answered, super::speech::header(losses))
}

fn invalid(invalid: Invalid) -> Failure {
    Failure::never(Fault::from(invalid))
}
