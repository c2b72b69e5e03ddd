//! How one call is told to one provider: in the caller's own dialect where the provider speaks it,
//! so that every byte passes, else translated.

use super::failure::Failure;
use crate::admit::Kind;
use crate::fault::Fault;
use crate::provider::CHAT;
use crate::read::Call;
use crate::snapshot::{DeploymentView, ProviderView, Tongue};
use bytes::Bytes;
use dialect::convert::{Framing, Inbound, Outbound, Pass, Provider, ProviderError};
use dialect::loss::Losses;
use dialect::neutral::Signature;
use dialect::sigv4::segment;
use dialect::{Invalid, Wire, inference, watsonx};
use http::{HeaderName, HeaderValue, Method};
use std::borrow::Cow;

/// Who speaks what.
#[derive(Clone, Copy)]
pub enum Speech<'a> {
    /// Both speak OpenAI's.
    Chat,
    /// Both speak another.
    Same(&'a Tongue, &'static dyn Pass),
    /// They speak two, or the provider frames its streams in a way of its own.
    Translated { from: &'static dyn Inbound, to: &'a Tongue },
    /// No conversation: told in a shape that belongs to the dialect.
    Small(&'a Tongue),
    /// A model server's own words, about a version of the model where the caller names one; or in
    /// a layout that is mapped to them.
    Server { versioned: bool, mapped: bool },
}

/// A call in the words of its provider.
#[derive(Debug)]
pub struct Told<'a> {
    pub speech: Speech<'a>,
    pub method: Method,
    /// Under the provider's address.
    pub path: Cow<'a, str>,
    pub body: Bytes,
    /// Headers besides the usual ones, or in their place.
    pub head: Vec<(HeaderName, HeaderValue)>,
    /// What could not be told.
    pub dropped: Option<HeaderValue>,
}

impl<'a> Told<'a> {
    pub fn new(speech: Speech<'a>, path: impl Into<Cow<'a, str>>, body: Bytes) -> Self {
        let path = path.into();
        Self { speech, method: Method::POST, path, body, head: Vec::new(), dropped: None }
    }
}

impl std::fmt::Debug for Speech<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = if self.is_same() { "Same" } else { "Translated" };
        f.debug_tuple(name).field(&self.wire()).finish()
    }
}

impl<'a> Speech<'a> {
    /// The dialect that the provider is spoken to in.
    pub const fn wire(&self) -> Wire {
        match self {
            Self::Chat | Self::Server { .. } => Wire::Chat,
            Self::Same(tongue, _) | Self::Translated { to: tongue, .. } | Self::Small(tongue) => {
                tongue.wire
            }
        }
    }

    /// The path of a conversation under the provider's address.
    fn path(&self, deployment: &'a DeploymentView, stream: bool) -> Cow<'a, str> {
        let model = &deployment.record.upstream_model;
        if self.wire() == Wire::Chat {
            return openai_path(deployment, CHAT);
        }
        match self {
            Self::Chat | Self::Server { .. } => CHAT.into(),
            Self::Same(tongue, _) | Self::Translated { to: tongue, .. } | Self::Small(tongue) => {
                tongue.speaker.path(model, stream)
            }
        }
    }

    /// What came with a status that is not a success. `None`: nobody here reads it.
    pub fn read_error(&self, status: u16, body: &[u8]) -> Option<ProviderError> {
        Some(match self {
            Self::Chat => Wire::Chat.outbound()?.read_error(status, body),
            Self::Same(tongue, _) | Self::Translated { to: tongue, .. } | Self::Small(tongue) => {
                tongue.speaker.read_error(status, body)
            }
            Self::Server { .. } => inference::read_error(body),
        })
    }

    /// What reads the provider's answers, where they are of a conversation.
    pub fn reader(&self) -> Option<&dyn Outbound> {
        match self {
            Self::Chat => Wire::Chat.outbound().map(|vendor| vendor as &dyn Outbound),
            Self::Same(tongue, _) | Self::Translated { to: tongue, .. } => Some(&*tongue.speaker),
            Self::Small(_) | Self::Server { .. } => None,
        }
    }

    /// Whether the caller speaks the same.
    pub const fn is_same(&self) -> bool {
        matches!(self, Self::Chat | Self::Same(..) | Self::Server { mapped: false, .. })
    }

    /// The kind of content that a stream comes as.
    pub fn accepts(&self) -> HeaderValue {
        let framing = match self {
            Self::Same(tongue, _) | Self::Translated { to: tongue, .. } => tongue.speaker.framing(),
            Self::Chat | Self::Small(_) | Self::Server { .. } => Framing::Sse,
        };
        HeaderValue::from_static(match framing {
            Framing::Sse => "text/event-stream",
            Framing::EventStream => "application/vnd.amazon.eventstream",
            Framing::Lines => "application/x-ndjson",
        })
    }

    fn between(call: &Call, provider: &'a ProviderView) -> Option<Self> {
        let mut spoken = provider.speech.iter();
        if provider.ways.passes(call.wire, call.ask.stream)
            && let Some(tongue) = spoken.find(|tongue| tongue.wire == call.wire)
        {
            if call.wire == Wire::Chat {
                return Some(Self::Chat);
            }
            if let Some(pass) = call.wire.pass().filter(|_| !Signature::is_packed_in(&call.body)) {
                return Some(Self::Same(tongue, pass));
            }
        }
        let from = call.wire.inbound()?;
        Some(Self::Translated { from, to: provider.speech.first()? })
    }
}

/// Puts a call into the words of a deployment's provider.
///
/// # Errors
/// The call cannot be read, or the provider's dialect cannot express it, or it speaks none that
/// serves this.
pub fn tell<'a>(
    call: &Call,
    deployment: &'a DeploymentView,
    output_max: u32,
) -> Result<Told<'a>, Failure> {
    if call.kind == Kind::Completions {
        return tell_completion(call, deployment).ok_or_else(Failure::not_served);
    }
    let provider = &deployment.provider;
    let speech = Speech::between(call, provider).ok_or_else(Failure::not_served)?;
    let model = &deployment.record.upstream_model;
    let (body, dropped) = match speech {
        Speech::Chat | Speech::Same(..) => {
            (provider.ways.pass_request(call.wire, &call.body, &call.ask, model), None)
        }
        // A conversation is never told so.
        Speech::Small(_) | Speech::Server { .. } => return Err(Failure::not_served()),
        Speech::Translated { to, .. } => {
            let mut losses = Losses::new(to.wire);
            let asked = Provider { model, output_tokens_max: output_max };
            let invalid = |invalid: Invalid| Failure::never(Fault::from(invalid));
            let request = call.neutral().map_err(invalid)?;
            let body = to.speaker.write_request(request, &asked, &mut losses).map_err(invalid)?;
            (with_project(body, to.wire, provider), header(&losses))
        }
    };
    let path = speech.path(deployment, call.ask.stream);
    Ok(Told { dropped, ..Told::new(speech, path, body) })
}

/// Counting tokens passes where both sides have it in the same dialect. `None`: nobody but we can
/// count.
pub fn tell_count<'a>(call: &Call, deployment: &'a DeploymentView) -> Option<Told<'a>> {
    let provider = &deployment.provider;
    let tongue = provider.speech.iter().find(|tongue| tongue.wire == call.wire)?;
    let model = &deployment.record.upstream_model;
    let speech = Speech::Same(tongue, call.wire.pass()?);
    let body = provider.ways.pass_count(call.wire, &call.body, &call.ask, model);
    Some(Told::new(speech, provider.ways.count_path(call.wire, model)?, body))
}

/// Embeddings pass where both sides speak OpenAI's, or both Cohere's of one version. `None`: they
/// are translated.
pub fn tell_embeddings<'a>(call: &Call, deployment: &'a DeploymentView) -> Option<Told<'a>> {
    let provider = &deployment.provider;
    let tongue = provider.speech.iter().find(|tongue| tongue.wire == call.wire)?;
    let (speech, path) = match (call.wire, &call.kind) {
        (Wire::Chat, _) => (Speech::Chat, openai_path(deployment, "/embeddings")),
        (Wire::Cohere, Kind::Usual) => (Speech::Same(tongue, call.wire.pass()?), "/embed".into()),
        _ => return None,
    };
    let model = &deployment.record.upstream_model;
    let body = provider.ways.pass_request(call.wire, &call.body, &call.ask, model);
    Some(Told::new(speech, path, body))
}

/// A ranking passes where both sides speak the second version of Cohere's. `None`: it is
/// translated.
pub fn tell_ranking<'a>(call: &Call, deployment: &'a DeploymentView) -> Option<Told<'a>> {
    let provider = &deployment.provider;
    let same = |tongue: &&Tongue| call.wire == Wire::Cohere && tongue.wire == Wire::Cohere;
    let tongue = provider.speech.iter().find(same)?;
    let model = &deployment.record.upstream_model;
    let body = provider.ways.pass_request(call.wire, &call.body, &call.ask, model);
    Some(Told::new(Speech::Same(tongue, call.wire.pass()?), "/rerank", body))
}

/// A call in a provider's own words passes to it. `None`: it does not speak so any more.
pub fn tell_native<'a>(call: &Call, deployment: &'a DeploymentView) -> Option<Told<'a>> {
    let provider = &deployment.provider;
    let model = &deployment.record.upstream_model;
    let tongue = provider.speech.iter().find(|tongue| tongue.wire == call.wire)?;
    let speech = match call.wire {
        Wire::Chat => Speech::Chat,
        wire => Speech::Same(tongue, wire.pass()?),
    };
    let project = provider.record.settings.project.as_deref();
    let body = match call.wire {
        Wire::Watsonx => watsonx::pass_request(&call.body, model, project),
        wire => provider.ways.pass_request(wire, &call.body, &call.ask, model),
    };
    Some(Told::new(speech, call.native.as_ref()?.path(model), body))
}

/// OpenAI's older form passes to its kin, and cannot be told to anyone else.
fn tell_completion<'a>(call: &Call, deployment: &'a DeploymentView) -> Option<Told<'a>> {
    let provider = &deployment.provider;
    let model = &deployment.record.upstream_model;
    provider.speech.iter().any(|tongue| tongue.wire == Wire::Chat).then(|| {
        let body = provider.ways.pass_request(Wire::Chat, &call.body, &call.ask, model);
        Told::new(Speech::Chat, openai_path(deployment, "/completions"), body)
    })
}

/// Where OpenAI's kin serve an operation. Azure calls a model by its deployment once a version is
/// named.
pub fn openai_path<'a>(deployment: &DeploymentView, path: &'static str) -> Cow<'a, str> {
    if deployment.provider.record.settings.api_version.is_none() {
        return path.into();
    }
    format!("/deployments/{}{path}", segment(&deployment.record.upstream_model)).into()
}

/// The body with the project that watsonx.ai books its calls on.
fn with_project(body: Vec<u8>, wire: Wire, provider: &ProviderView) -> Bytes {
    let project = provider.record.settings.project.as_deref();
    match project.filter(|_| wire == Wire::Watsonx) {
        Some(project) => watsonx::scoped(body, watsonx::Scope::Project(project)),
        None => body,
    }
    .into()
}

pub fn header(losses: &Losses) -> Option<HeaderValue> {
    // Losses are told in visible ASCII.
    (!losses.is_empty()).then(|| HeaderValue::from_str(&losses.header()).ok()).flatten()
}
