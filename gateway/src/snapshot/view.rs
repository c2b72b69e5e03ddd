//! What a call needs of a model, put together when a record changes: its deployments, each with
//! a provider whose address is parsed and whose credential is already a header.

use contract::id::{ProductId, ProviderId};
use contract::seal::{MasterKey, SealError};
use contract::snapshot::{Auth, DeploymentRecord, Dialect, ModelRecord, ProviderRecord};
use dialect::Wire;
use http::{HeaderName, HeaderValue, Uri, header};
use std::sync::Arc;

/// A model with everything a plan needs.
#[derive(Debug)]
pub struct ModelView {
    pub record: Arc<ModelRecord>,
    /// Every deployment whose provider is known, also disabled ones, by id.
    pub deployments: Vec<DeploymentView>,
    /// The products that open this model.
    pub product_ids: Vec<ProductId>,
}

#[derive(Debug, Clone)]
pub struct DeploymentView {
    pub record: Arc<DeploymentRecord>,
    pub provider: Arc<ProviderView>,
}

impl DeploymentView {
    /// Whether calls may be sent here at all: enabled, its provider too, and usable.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.record.disabled && !self.provider.record.disabled && self.provider.upstream.is_ok()
    }
}

#[derive(Debug)]
pub struct ProviderView {
    pub record: Arc<ProviderRecord>,
    /// Where and how to call it, or why it cannot be called.
    pub upstream: Result<Upstream, Unusable>,
    /// What it speaks, best first.
    pub wires: Vec<Wire>,
}

/// A provider ready to be called.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Scheme, authority, and a path without a trailing slash that operations are appended to.
    pub base: Uri,
    /// What tells the provider who we are; the value is marked sensitive.
    pub auth: Option<(HeaderName, HeaderValue)>,
}

/// Why a provider cannot be called. Says nothing of the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("its base URL is not an absolute http or https address")]
    BaseUrl,
    #[error("it needs a credential and has none")]
    NoCredential,
    #[error("its credential does not open: {0}")]
    Sealed(SealError),
    #[error("its credential holds characters that a header cannot carry")]
    Header,
    #[error("this gateway does not know its kind of auth")]
    Auth,
}

impl ProviderView {
    pub(super) fn new(record: Arc<ProviderRecord>, master: &MasterKey) -> Self {
        let upstream = upstream(&record, master);
        if let Err(why) = &upstream {
            tracing::error!(provider_id = %record.id, slug = record.slug, %why, "provider is not usable");
        }
        let spoken = std::iter::once(&record.dialect).chain(&record.also);
        let wires = spoken.map(|dialect| wire(*dialect)).collect();
        Self { record, upstream, wires }
    }

    #[must_use]
    pub fn id(&self) -> ProviderId {
        self.record.id
    }
}

/// The wire format of a provider's conversations.
const fn wire(dialect: Dialect) -> Wire {
    match dialect {
        Dialect::Openai => Wire::Chat,
        Dialect::Responses => Wire::Responses,
        Dialect::Anthropic => Wire::Messages,
        Dialect::Gemini => Wire::Gemini,
        Dialect::Bedrock => Wire::Converse,
        Dialect::Cohere => Wire::Cohere,
        Dialect::Watsonx => Wire::Watsonx,
    }
}

fn upstream(record: &ProviderRecord, master: &MasterKey) -> Result<Upstream, Unusable> {
    let base: Uri = record.base_url.trim_end_matches('/').parse().map_err(|_| Unusable::BaseUrl)?;
    if !matches!(base.scheme_str(), Some("http" | "https")) || base.authority().is_none() {
        return Err(Unusable::BaseUrl);
    }
    let name = match record.auth {
        Auth::None => return Ok(Upstream { base, auth: None }),
        Auth::Bearer => header::AUTHORIZATION,
        Auth::ApiKey => HeaderName::from_static("api-key"),
        Auth::XApiKey => HeaderName::from_static("x-api-key"),
        Auth::GoogleApiKey => HeaderName::from_static("x-goog-api-key"),
        Auth::AwsSigv4 | Auth::GoogleServiceAccount | Auth::IbmIam => return Err(Unusable::Auth),
    };
    let sealed = record.credential.as_ref().ok_or(Unusable::NoCredential)?;
    let secret =
        master.open(&ProviderRecord::seal_context(record.id), sealed).map_err(Unusable::Sealed)?;
    let bytes = match record.auth {
        Auth::Bearer => [b"Bearer ".as_slice(), secret.expose()].concat(),
        _ => secret.expose().to_vec(),
    };
    let mut value = HeaderValue::from_bytes(&bytes).map_err(|_| Unusable::Header)?;
    value.set_sensitive(true);
    Ok(Upstream { base, auth: Some((name, value)) })
}
