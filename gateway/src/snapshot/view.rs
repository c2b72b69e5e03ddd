//! What a call needs of a model, put together when a record changes: its deployments, each with
//! a provider whose address is parsed and whose credential is already a header.

use crate::attempt::{embed_form, rerank_form};
use crate::health::{Pulse, Retries};
use crate::pool::Pool;
use crate::provider::{Credential, Unusable};
use contract::id::{ProductId, ProviderId};
use contract::seal::MasterKey;
use contract::snapshot::{
    Auth, DeploymentRecord, Dialect, ModelRecord, PredictMap, ProviderRecord,
};
use contract::usage::Operation;
use contract::vendor::Vendor;
use dialect::messages::Host;
use dialect::openai::{Quirks, spoken_by};
use dialect::{Speaker, Ways, Wire};
use http::Uri;
use route::plan::Features;
use std::sync::Arc;

/// A model with everything a plan needs.
#[derive(Debug)]
pub struct ModelView {
    pub record: Arc<ModelRecord>,
    /// Every deployment whose provider is known, also disabled ones, by id.
    pub deployments: Vec<DeploymentView>,
    /// The products that open this model.
    pub product_ids: Vec<ProductId>,
    /// What its calls may do when they fail.
    pub retries: Arc<Retries>,
}

#[derive(Debug, Clone)]
pub struct DeploymentView {
    pub record: Arc<DeploymentRecord>,
    pub provider: Arc<ProviderView>,
    /// Its own, else its model's; 0: nobody knows.
    pub context_tokens_max: u32,
    pub lacks: Features,
    /// How well it is.
    pub pulse: Arc<Pulse>,
}

impl DeploymentView {
    /// Whether calls may be sent here at all: enabled, its provider too, and usable.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.record.disabled && !self.provider.record.disabled && self.provider.upstream.is_ok()
    }

    /// Whether its provider has calls of this kind at all.
    #[must_use]
    pub fn serves(&self, operation: Operation) -> bool {
        match operation {
            Operation::Chat | Operation::CountTokens => !self.provider.speech.is_empty(),
            Operation::Embeddings => embed_form(self).is_some(),
            Operation::Rerank => rerank_form(self).is_some(),
            Operation::Predict => {
                self.provider.speaks(Dialect::Oip) || self.provider.map().is_some()
            }
            // Only OpenAI's kin have these.
            Operation::Images
            | Operation::Speech
            | Operation::Transcription
            | Operation::Moderation => {
                self.provider.speech.iter().any(|tongue| tongue.wire == Wire::Chat)
            }
            Operation::Native => false,
        }
    }
}

#[derive(Debug)]
pub struct ProviderView {
    pub record: Arc<ProviderRecord>,
    /// Where and how to call it, or why it cannot be called.
    pub upstream: Result<Upstream, Unusable>,
    /// What it speaks, best first.
    pub speech: Vec<Tongue>,
    pub ways: Ways,
    /// Its replicas, where it is a pool of them.
    pub pool: Option<Arc<Pool>>,
}

/// A dialect that a provider speaks.
#[derive(Debug)]
pub struct Tongue {
    pub wire: Wire,
    pub speaker: Speaker,
}

/// A provider ready to be called.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Scheme, authority, and a path without a trailing slash that operations are appended to.
    pub base: Uri,
    /// What tells the provider who we are.
    pub credential: Credential,
}

impl ProviderView {
    pub(super) fn new(
        record: Arc<ProviderRecord>,
        master: &MasterKey,
        pool: Option<Arc<Pool>>,
    ) -> Self {
        let upstream = upstream(&record, master);
        if let Err(why) = &upstream {
            tracing::error!(provider_id = %record.id, slug = record.slug, %why, "provider is not usable");
        }
        let ways = ways(&record);
        let spoken = std::iter::once(&record.dialect).chain(&record.also);
        let speech = spoken.filter_map(|dialect| {
            let wire = wire(*dialect)?;
            Some(Tongue { wire, speaker: wire.spoken(ways)? })
        });
        let speech = speech.collect();
        Self { record, upstream, speech, ways, pool }
    }

    /// Whose ways it has, as far as its settings name somebody known.
    #[must_use]
    pub fn vendor(&self) -> Option<&'static Vendor> {
        self.record.settings.vendor.as_deref().and_then(Vendor::find)
    }

    #[must_use]
    pub fn speaks(&self, dialect: Dialect) -> bool {
        self.record.dialect == dialect || self.record.also.contains(&dialect)
    }

    /// How its predictions are laid out, where they are JSON of its own.
    #[must_use]
    pub fn map(&self) -> Option<&PredictMap> {
        self.record.settings.predict.as_ref().filter(|_| self.speaks(Dialect::Predict))
    }

    #[must_use]
    pub fn id(&self) -> ProviderId {
        self.record.id
    }
}

/// The wire format of a provider's conversations. `None`: it has none.
const fn wire(dialect: Dialect) -> Option<Wire> {
    Some(match dialect {
        Dialect::Openai => Wire::Chat,
        Dialect::Responses => Wire::Responses,
        Dialect::Anthropic => Wire::Messages,
        Dialect::Gemini => Wire::Gemini,
        Dialect::Bedrock => Wire::Converse,
        Dialect::Cohere => Wire::Cohere,
        Dialect::Watsonx => Wire::Watsonx,
        Dialect::Ollama => Wire::Ollama,
        Dialect::Oip | Dialect::Predict => return None,
    })
}

/// In what a provider differs from the vendor of its dialect.
fn ways(record: &ProviderRecord) -> Ways {
    let quirks = |vendor| spoken_by(vendor).map_or(Quirks::NONE, |chat| chat.quirks);
    Ways {
        quirks: match record.settings.vendor.as_deref() {
            None => Quirks::NONE,
            Some(vendor) if spoken_by(vendor).is_some() => quirks(vendor),
            Some(_) => quirks("compatible"),
        },
        host: match record.auth {
            Auth::GoogleServiceAccount => Host::Vertex,
            Auth::AwsSigv4 => Host::Bedrock,
            _ => Host::Direct,
        },
    }
}

fn upstream(record: &ProviderRecord, master: &MasterKey) -> Result<Upstream, Unusable> {
    let base: Uri = record.base_url.trim_end_matches('/').parse().map_err(|_| Unusable::BaseUrl)?;
    if !matches!(base.scheme_str(), Some("http" | "https")) || base.authority().is_none() {
        return Err(Unusable::BaseUrl);
    }
    Ok(Upstream { base, credential: Credential::of(record, master)? })
}
