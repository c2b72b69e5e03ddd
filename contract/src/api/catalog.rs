//! Products, plans, and subscriptions to them.

use super::billing::UnknownPolicy;
use super::rate::RateUsd;
use super::shape;
use super::tariffs::{PlanTariff, TariffChange};
use crate::id::{AppId, ModelId, PlanId, ProductId, SubscriptionId};
use crate::money::Usd;
use crate::snapshot::{
    CachePolicy, Lifecycle, Metric, Modality, ProductKind, SubscriptionState, Window, Zone,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How a subscription to a plan comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum Approval {
    /// Active at once.
    Auto,
    /// Waits for a person. Not offered yet.
    Manual,
}

/// Whether a product is in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum ProductState {
    Draft,
    Published,
    Withdrawn,
}

shape! {
    /// `GET /v1/catalog` (public) and `GET /v1/orgs/{org}/catalog`: a row of the catalogue.
    /// Query: `q`, `modality`, `cursor`, `limit`.
    pub struct ProductSummary {
        pub id: ProductId,
        pub slug: String,
        pub name: String,
        pub kind: ProductKind,
        /// One sentence.
        pub summary: String,
        pub modalities: Vec<Modality>,
        pub model_names: Vec<String>,
        /// In the order of their names above.
        #[serde(default)]
        pub model_ids: Vec<ModelId>,
        /// The lowest input price among its models that are sold by input, per million tokens.
        pub input_from_usd: Option<Usd>,
        /// What its models are sold by, at its lowest: that of the first one that costs anything.
        #[serde(default)]
        pub from: Option<RateUsd>,
        /// In the org's own view: apps of the org subscribed to it.
        #[serde(default)]
        pub subscribed_apps: u32,
    }

    /// `GET /v1/catalog/{product}` and `GET /v1/orgs/{org}/catalog/{product}` (slug or id).
    pub struct ProductDetail {
        pub id: ProductId,
        pub slug: String,
        pub name: String,
        pub kind: ProductKind,
        pub summary: String,
        /// Markdown. Never trust it as HTML.
        pub description: String,
        pub models: Vec<CatalogModel>,
        pub plans: Vec<Plan>,
        /// In the org's own view: its subscriptions to this product.
        #[serde(default)]
        pub subscriptions: Vec<Subscription>,
    }

    /// A model of a product, with today's list price.
    pub struct CatalogModel {
        pub id: ModelId,
        pub name: String,
        pub display_name: String,
        pub modality: Modality,
        pub state: Lifecycle,
        pub context_tokens_max: u32,
        pub output_tokens_max: u32,
        /// Who runs it, by name; never an address or a credential.
        pub provider_names: Vec<String>,
        pub regions: Vec<String>,
        pub price: Option<Price>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub deprecated_at: Option<DateTime<Utc>>,
        /// Until when it answers, where it is deprecated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sunset_at: Option<DateTime<Utc>>,
        /// What to use instead, by name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub successor: Option<String>,
    }

    /// A price as people read it: dollars per million tokens, per call, and per unit of what is
    /// not counted in tokens. An absent class of tokens is charged as its base class.
    pub struct Price {
        pub input_usd: Usd,
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
        pub effective_from: DateTime<Utc>,
    }

    /// A plan of a product.
    pub struct Plan {
        pub id: PlanId,
        pub product_id: ProductId,
        pub slug: String,
        pub name: String,
        pub description: String,
        pub approval: Approval,
        /// New apps are subscribed to it without asking.
        pub default_for_new_apps: bool,
        pub output_tokens_max: Option<u32>,
        pub limits: Vec<PlanLimit>,
        /// Prices that differ from the list, by model name.
        pub prices: Vec<PlanPrice>,
        /// What becomes of a call whose outcome nobody knows.
        #[serde(default)]
        pub unknown_policy: UnknownPolicy,
        /// What it makes of a month.
        #[serde(default)]
        pub tariff: Option<PlanTariff>,
        /// How that changes with the next month.
        #[serde(default)]
        pub tariff_next: Option<TariffChange>,
        /// When calls are answered with the answer to another, and what that costs.
        #[serde(default)]
        pub cache: CachePolicy,
        /// How urgent its calls are where they wait for a pool: 0 to 9, and 9 goes first.
        #[serde(default)]
        pub priority: u8,
        pub version: i64,
    }

    /// How much of what per window, for each subscription.
    pub struct PlanLimit {
        pub metric: Metric,
        pub window: Window,
        /// Counts the time of the window's length before now instead of a calendar window.
        #[serde(default)]
        pub sliding: bool,
        /// Where the calendar is read.
        #[serde(default)]
        pub time_zone: Zone,
        /// Only calls of this model count.
        #[serde(default)]
        pub model_id: Option<ModelId>,
        /// So much per window, in the metric's unit; absent for money.
        #[serde(default)]
        pub max: Option<i64>,
        /// For money.
        #[serde(default)]
        pub max_usd: Option<Usd>,
        /// Hundredths of the limit that gateways admit per window while they cannot count; 0
        /// refuses. Left out: 0 for money and quotas of a day or longer, else 10.
        #[serde(default)]
        pub without_redis_percent: Option<u8>,
    }

    /// `PATCH /v1/admin/plans/{plan}/limits`: all limits of the plan, as they will be. What is
    /// like one that is there (metric, window, sliding, model) changes it, and its use stays.
    pub struct UpdatePlanLimits {
        pub limits: Vec<PlanLimit>,
    }

    pub struct PlanPrice {
        pub model_name: String,
        pub price: Price,
    }

    /// `GET /v1/orgs/{org}/subscriptions`. Query: `app`, `cursor`, `limit`.
    pub struct Subscription {
        pub id: SubscriptionId,
        pub app_id: AppId,
        pub app_name: String,
        pub product_id: ProductId,
        pub product_slug: String,
        pub product_name: String,
        pub plan_id: PlanId,
        pub plan_name: String,
        pub state: SubscriptionState,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    /// `POST /v1/orgs/{org}/subscriptions`. `POST …/{subscription}/cancel` ends one.
    pub struct Subscribe {
        pub app_id: AppId,
        pub plan_id: PlanId,
    }

    /// Operator: `GET /v1/admin/products`.
    pub struct Product {
        pub id: ProductId,
        pub slug: String,
        pub name: String,
        pub kind: ProductKind,
        pub summary: String,
        pub description: String,
        pub state: ProductState,
        pub model_names: Vec<String>,
        pub plan_count: u32,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    /// Operator: `POST /v1/admin/products`; made as a draft.
    pub struct CreateProduct {
        pub slug: String,
        pub name: String,
        pub summary: String,
        #[serde(default)]
        pub description: String,
        pub model_ids: Vec<ModelId>,
    }

    /// Operator: `PATCH /v1/admin/products/{product}`. Publishing refuses an unpriced model.
    pub struct UpdateProduct {
        pub name: String,
        pub summary: String,
        pub description: String,
        pub state: ProductState,
        pub model_ids: Vec<ModelId>,
    }

    /// Operator: `POST /v1/admin/products/{product}/plans`.
    pub struct CreatePlan {
        pub slug: String,
        pub name: String,
        #[serde(default)]
        pub description: String,
        pub approval: Approval,
        #[serde(default)]
        pub default_for_new_apps: bool,
        #[serde(default)]
        pub output_tokens_max: Option<u32>,
        #[serde(default)]
        pub limits: Vec<PlanLimit>,
        #[serde(default)]
        pub unknown_policy: UnknownPolicy,
        /// What it makes of a month, from its first one on.
        #[serde(default)]
        pub tariff: Option<PlanTariff>,
        /// When calls are answered with the answer to another, and what that costs.
        #[serde(default)]
        pub cache: CachePolicy,
        /// How urgent its calls are where they wait for a pool: 0 to 9, and 9 goes first.
        #[serde(default)]
        pub priority: u8,
    }
}

impl PlanLimit {
    /// A limit of a calendar window in UTC on every model.
    #[must_use]
    pub const fn new(
        metric: Metric,
        window: Window,
        max: Option<i64>,
        max_usd: Option<Usd>,
    ) -> Self {
        Self {
            metric,
            window,
            sliding: false,
            time_zone: Zone::UTC,
            model_id: None,
            max,
            max_usd,
            without_redis_percent: None,
        }
    }
}
