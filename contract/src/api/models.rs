//! Operator: models, their deployments and prices, under `/v1/admin/models`.

use super::catalog::Price;
use super::lifecycle::{BrownOut, CutOver, ModelVersion};
use super::shape;
use crate::id::{DeploymentId, ModelId, PlanId, PriceId, ProviderId};
use crate::money::Usd;
use crate::snapshot::{Feature, Lifecycle, Modality};
use chrono::{DateTime, Utc};

shape! {
    pub struct Model {
        pub id: ModelId,
        /// What callers send; unique and permanent.
        pub name: String,
        pub display_name: String,
        pub modality: Modality,
        pub state: Lifecycle,
        pub context_tokens_max: u32,
        pub output_tokens_max: u32,
        pub deployments: Vec<Deployment>,
        /// The list price in force.
        pub price: Option<Price>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub deprecated_at: Option<DateTime<Utc>>,
        /// Until when it answers, where it is deprecated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sunset_at: Option<DateTime<Utc>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub retired_at: Option<DateTime<Utc>>,
        /// What callers are told to use instead, by name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub successor: Option<String>,
        /// Where calls of its name go: `<model>@<version>` or another model; absent: to its
        /// deployments that are of no version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub leads_to: Option<String>,
        /// Where its name is to lead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub next: Option<CutOver>,
        #[serde(default)]
        pub versions: Vec<ModelVersion>,
        /// Those that are not over.
        #[serde(default)]
        pub brown_outs: Vec<BrownOut>,
        /// The aliases that lead to it, straight or by others.
        #[serde(default)]
        pub aliases: Vec<String>,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    pub struct CreateModel {
        /// 1 to 100 of `a-z 0-9 . _ - / :`.
        pub name: String,
        pub display_name: String,
        pub modality: Modality,
        #[serde(default)]
        pub context_tokens_max: u32,
        /// At least 1 for chat models: it bounds what one call can cost.
        #[serde(default)]
        pub output_tokens_max: u32,
    }

    pub struct UpdateModel {
        pub display_name: String,
        pub state: Lifecycle,
        pub context_tokens_max: u32,
        pub output_tokens_max: u32,
        /// Until when it answers; only of one that is deprecated. It is retired then.
        #[serde(default)]
        pub sunset_at: Option<DateTime<Utc>>,
        /// What callers are told to use instead: the name of another model.
        #[serde(default)]
        pub successor: Option<String>,
    }

    pub struct Deployment {
        pub id: DeploymentId,
        pub model_id: ModelId,
        pub provider_id: ProviderId,
        pub provider_name: String,
        pub upstream_model: String,
        pub region: String,
        pub weight: u32,
        pub disabled: bool,
        /// Tokens of input and output together, where fewer than the model's; 0: as the model.
        #[serde(default)]
        pub context_tokens_max: u32,
        /// What it does not have of what the model has elsewhere: calls that need it go to others.
        #[serde(default)]
        pub lacks: Vec<Feature>,
        /// The label of the version that answers there; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub model_version: Option<String>,
        pub version: i64,
    }

    /// `POST /v1/admin/models/{model}/deployments`.
    pub struct CreateDeployment {
        pub provider_id: ProviderId,
        pub upstream_model: String,
        #[serde(default)]
        pub region: String,
        pub weight: u32,
        #[serde(default)]
        pub context_tokens_max: u32,
        #[serde(default)]
        pub lacks: Vec<Feature>,
        /// The label of a version of the model.
        #[serde(default)]
        pub model_version: Option<String>,
    }

    /// `PATCH /v1/admin/deployments/{deployment}`.
    pub struct UpdateDeployment {
        pub weight: u32,
        pub disabled: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub context_tokens_max: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lacks: Option<Vec<Feature>>,
        /// The label of a version of the model; null: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub model_version: Option<String>,
    }

    /// `GET /v1/admin/models/{model}/prices`: every price the model ever had or will have.
    pub struct PriceVersion {
        pub id: PriceId,
        pub model_id: ModelId,
        pub plan_id: Option<PlanId>,
        pub price: Price,
        pub created_at: DateTime<Utc>,
    }

    /// `POST /v1/admin/models/{model}/prices`. A price is never edited: a new one takes over.
    #[derive(Default)]
    pub struct CreatePrice {
        #[serde(default)]
        pub plan_id: Option<PlanId>,
        /// Dollars per million tokens, as are all down to `image_output_usd`.
        #[serde(default)]
        pub input_usd: Usd,
        #[serde(default)]
        pub output_usd: Usd,
        #[serde(default)]
        pub cached_input_usd: Option<Usd>,
        #[serde(default)]
        pub cache_write_usd: Option<Usd>,
        /// What is cached for an hour; absent: as what is cached for less.
        #[serde(default)]
        pub cache_write_1h_usd: Option<Usd>,
        #[serde(default)]
        pub reasoning_usd: Option<Usd>,
        #[serde(default)]
        pub audio_input_usd: Option<Usd>,
        #[serde(default)]
        pub audio_output_usd: Option<Usd>,
        #[serde(default)]
        pub image_input_usd: Option<Usd>,
        #[serde(default)]
        pub image_output_usd: Option<Usd>,
        #[serde(default)]
        pub per_call_usd: Usd,
        /// Dollars per picture made.
        #[serde(default)]
        pub image_usd: Usd,
        /// Dollars per million characters spoken.
        #[serde(default)]
        pub million_characters_usd: Usd,
        /// Dollars per minute of audio listened to.
        #[serde(default)]
        pub audio_minute_usd: Usd,
        #[serde(default)]
        pub thousand_searches_usd: Usd,
        #[serde(default)]
        pub thousand_rows_usd: Usd,
        /// Dollars per hour of a model server's work.
        #[serde(default)]
        pub compute_hour_usd: Usd,
        /// Calls are free on purpose. Without it, a price that asks nothing of what calls to this
        /// kind of model are charged by is refused.
        #[serde(default)]
        pub free: bool,
        /// Absent: now. Not in the past.
        #[serde(default)]
        pub effective_from: Option<DateTime<Utc>>,
    }
}
