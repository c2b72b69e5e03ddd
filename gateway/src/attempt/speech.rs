//! How one call is told to one provider: in the caller's own dialect where the provider speaks it,
//! so that every byte passes, else translated.

use super::failure::Failure;
use crate::fault::Fault;
use crate::read::Call;
use crate::snapshot::DeploymentView;
use bytes::Bytes;
use contract::error::ErrorCode;
use contract::usage::Operation;
use dialect::convert::{Framing, Inbound, Outbound, Pass, Provider};
use dialect::loss::Losses;
use dialect::openai::{self, StreamOptions};
use dialect::{Invalid, Wire};
use http::HeaderValue;

/// Who speaks what.
#[derive(Clone, Copy)]
pub enum Speech {
    /// Both speak OpenAI's.
    Chat,
    /// Both speak another.
    Same(Wire, &'static dyn Pass),
    /// They speak two.
    Translated { from: &'static dyn Inbound, to: &'static dyn Outbound, wire: Wire },
}

/// A call in the words of its provider.
pub struct Told {
    pub speech: Speech,
    pub body: Bytes,
    /// What could not be told.
    pub dropped: Option<HeaderValue>,
}

impl Speech {
    /// The dialect that the provider is spoken to in.
    pub const fn wire(&self) -> Wire {
        match self {
            Self::Chat => Wire::Chat,
            Self::Same(wire, _) | Self::Translated { wire, .. } => *wire,
        }
    }

    /// Whether the caller speaks the same.
    pub const fn is_same(&self) -> bool {
        !matches!(self, Self::Translated { .. })
    }

    /// The kind of content that a stream comes as.
    pub fn accepts(&self) -> HeaderValue {
        let framing = match self {
            Self::Translated { to, .. } => to.framing(),
            _ => Framing::Sse,
        };
        HeaderValue::from_static(match framing {
            Framing::Sse => "text/event-stream",
            Framing::EventStream => "application/vnd.amazon.eventstream",
            Framing::Lines => "application/x-ndjson",
        })
    }

    fn between(call: &Call, wires: &[Wire]) -> Option<Self> {
        if wires.contains(&call.wire) {
            if call.wire == Wire::Chat {
                return Some(Self::Chat);
            }
            if let Some(pass) = call.wire.pass() {
                return Some(Self::Same(call.wire, pass));
            }
        }
        if call.operation != Operation::Chat {
            return None;
        }
        let from = call.wire.inbound()?;
        let (wire, to) = wires.iter().find_map(|wire| Some((*wire, wire.outbound()?)))?;
        Some(Self::Translated { from, to, wire })
    }
}

/// Puts a call into the words of a deployment's provider.
///
/// # Errors
/// The call cannot be read, or the provider's dialect cannot express it, or it speaks none that
/// serves this.
pub fn tell(call: &Call, deployment: &DeploymentView, output_max: u32) -> Result<Told, Failure> {
    let speech = Speech::between(call, &deployment.provider.wires).ok_or_else(|| {
        let detail = "The model's provider does not serve this kind of call.";
        Failure::never(Fault::client(ErrorCode::ModelOperation, detail).at("model"))
    })?;
    let model = &deployment.record.upstream_model;
    let (body, dropped) = match speech {
        Speech::Chat if deployment.provider.record.settings.no_stream_options => {
            let mut ask = call.ask.clone();
            ask.stream_options = StreamOptions::Asked;
            (openai::write_request(&call.body, &ask, model), None)
        }
        Speech::Chat | Speech::Same(..) => {
            (openai::write_request(&call.body, &call.ask, model), None)
        }
        Speech::Translated { to, wire, .. } => {
            let mut losses = Losses::new(wire);
            let provider = Provider { model, output_tokens_max: output_max };
            let invalid = |invalid: Invalid| Failure::never(Fault::from(invalid));
            let request = call.neutral().map_err(invalid)?;
            let body = to.write_request(request, &provider, &mut losses).map_err(invalid)?;
            (Bytes::from(body), header(&losses))
        }
    };
    Ok(Told { speech, body, dropped })
}

fn header(losses: &Losses) -> Option<HeaderValue> {
    // Losses are told in visible ASCII.
    (!losses.is_empty()).then(|| HeaderValue::from_str(&losses.header()).ok()).flatten()
}
