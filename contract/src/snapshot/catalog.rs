//! Records of the platform: what may be called, where it runs and what it costs.

use super::cache::{CachePolicy, Purges, never};
use crate::Timestamp;
use crate::id::{DeploymentId, ModelId, PlanId, PriceId, ProductId, ProviderId};
use crate::money::Rates;
use serde::{Deserialize, Serialize};

words! {
    /// A wire format that a provider serves.
    pub enum Dialect {
        /// OpenAI chat completions and embeddings.
        Openai = "openai",
        /// OpenAI responses.
        Responses = "responses",
        /// Anthropic messages.
        Anthropic = "anthropic",
        /// Gemini generateContent, also on Vertex AI.
        Gemini = "gemini",
        /// AWS Bedrock Converse.
        Bedrock = "bedrock",
        /// Cohere v2: chat, embed, rerank.
        Cohere = "cohere",
        /// IBM watsonx.ai text.
        Watsonx = "watsonx",
        /// Ollama's own: chat, embed.
        Ollama = "ollama",
        /// Open Inference Protocol v2: KServe, MLServer, Triton.
        Oip = "oip",
        /// JSON in, JSON out, laid out as the settings say.
        Predict = "predict",
    }

    /// How a provider is told who we are.
    pub enum Auth {
        /// Nothing is sent.
        None = "none",
        /// `Authorization: Bearer <credential>`.
        Bearer = "bearer",
        /// `api-key: <credential>`, as Azure has it.
        ApiKey = "api_key",
        /// `x-api-key: <credential>`, as Anthropic has it.
        XApiKey = "x_api_key",
        /// `x-goog-api-key: <credential>`.
        GoogleApiKey = "google_api_key",
        /// A signature of each request. Credential: `<access key id>:<secret access key>`, and
        /// `:<session token>` where there is one.
        AwsSigv4 = "aws_sigv4",
        /// A token in exchange for a signed assertion. Credential: the service account's JSON key.
        GoogleServiceAccount = "google_service_account",
        /// A token in exchange for the credential, an IBM Cloud API key.
        IbmIam = "ibm_iam",
    }
}

/// What else must be known to call a provider, where its kind asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProviderSettings {
    /// The cloud's region, `eu-central-1`; signatures are made for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// watsonx.ai: the project that calls are booked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Azure and watsonx.ai: the version of the interface, sent in the query. With it, Azure is
    /// called by deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Where tokens are fetched, if not at the vendor's usual address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// Whose ways of speaking the dialect it has, `mistral`, `vllm`; absent: those of the vendor
    /// who made the dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// How an endpoint of the dialect `predict` is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predict: Option<super::PredictMap>,
}

impl ProviderSettings {
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Who runs models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRecord {
    pub id: ProviderId,
    pub slug: String,
    /// Without a trailing slash; `https://api.example/v1`. The operation's path is appended.
    pub base_url: String,
    /// What it is spoken to in, unless `also` has the caller's own dialect.
    pub dialect: Dialect,
    /// Other dialects that it serves under the same address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Dialect>,
    pub auth: Auth,
    #[serde(default, skip_serializing_if = "ProviderSettings::is_default")]
    pub settings: ProviderSettings,
    /// Sealed under the installation's master key in the context [`ProviderRecord::seal_context`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<crate::seal::Sealed>,
    #[serde(default)]
    pub disabled: bool,
    /// Its replicas, where it is a pool of them. Boxed: most records have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Box<super::PoolPolicy>>,
}

impl ProviderRecord {
    /// The context in which a provider's credential is sealed.
    #[must_use]
    pub fn seal_context(id: ProviderId) -> String {
        format!("provider/{id}")
    }
}

words! {
    /// What some calls ask for and some deployments lack.
    pub enum Feature {
        /// Tools that the model may call.
        Tools = "tools",
        /// Pictures to look at.
        Vision = "vision",
        /// Sound to listen to.
        Audio = "audio",
        /// An answer that fits a schema.
        Schema = "schema",
        /// Thinking before answering.
        Reasoning = "reasoning",
    }

    /// What a model takes and gives.
    pub enum Modality {
        /// A conversation in, its next turn out.
        Chat = "chat",
        /// Texts in, vectors out.
        Embedding = "embedding",
        /// A question and documents in, how well each fits out.
        Rerank = "rerank",
        /// Tensors or rows in, predictions out.
        Predict = "predict",
        /// A description in, pictures out.
        Image = "image",
        /// Text in, a voice out.
        Speech = "speech",
        /// A voice in, text out.
        Transcription = "transcription",
        /// Text or pictures in, what is wrong with them out.
        Moderation = "moderation",
    }
}

/// `draft → active → deprecated → retired`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum Lifecycle {
    Draft,
    Active,
    Deprecated,
    Retired,
}

impl Lifecycle {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
        }
    }
}

/// What a caller names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    pub id: ModelId,
    /// The name callers send; unique.
    pub name: String,
    pub modality: Modality,
    pub state: Lifecycle,
    /// Tokens of input and output together; 0 when not known.
    #[serde(default)]
    pub context_tokens_max: u32,
    /// Tokens of one answer; bounds a reservation when the caller sends no `max_tokens`. 0 for
    /// models that give none, such as embeddings.
    #[serde(default)]
    pub output_tokens_max: u32,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "super::Life::is_default")]
    pub life: super::Life,
}

/// One address where one version of a model answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentRecord {
    pub id: DeploymentId,
    pub model_id: ModelId,
    pub provider_id: ProviderId,
    /// What the provider calls the model.
    pub upstream_model: String,
    #[serde(default)]
    pub region: String,
    /// Share of traffic relative to the model's other deployments; 0 takes none.
    pub weight: u32,
    #[serde(default)]
    pub disabled: bool,
    /// Tokens of input and output together, where fewer than the model's; 0: as the model.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub context_tokens_max: u32,
    /// What it does not have of what the model has elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Feature>,
    /// The label of the version that answers there; absent: none, it is the model as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What a model costs from an instant on. The newest one in force that names the plan counts,
/// else the newest one in force without a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRecord {
    pub id: PriceId,
    pub model_id: ModelId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<PlanId>,
    pub effective_from: Timestamp,
    pub rates: Rates,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum ProductKind {
    Model,
}

impl ProductKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
        }
    }
}

/// A catalogue item: subscribing to it opens its models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductRecord {
    pub id: ProductId,
    pub slug: String,
    pub kind: ProductKind,
    pub model_ids: Vec<ModelId>,
    #[serde(default, skip_serializing_if = "never")]
    pub purges: Purges,
}

/// A plan of a product. Its limits are [`super::LimitRecord`]s of scope `plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRecord {
    pub id: PlanId,
    pub product_id: ProductId,
    pub slug: String,
    /// The plan's own cap on one answer, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens_max: Option<u32>,
    #[serde(default, skip_serializing_if = "CachePolicy::is_default")]
    pub cache: CachePolicy,
    /// How urgent its calls are where they wait for a pool: 0 to 9, and 9 goes first.
    #[serde(default, skip_serializing_if = "is_calm")]
    pub priority: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_calm(priority: &u8) -> bool {
    *priority == 0
}
