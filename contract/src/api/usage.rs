//! Usage, costs, single requests, and how far a new org has come.

use super::shape;
use crate::id::{AppId, KeyId, ModelId, RequestId, TeamId};
use crate::money::Usd;
use crate::usage::{Operation, Outcome, Tokens, Units};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Length of a bucket of a usage series; aligned to UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Bucket {
    Hour,
    Day,
}

/// What a report can be split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum GroupBy {
    Team,
    App,
    Key,
    Model,
    Product,
    Day,
}

shape! {
    /// `GET /v1/orgs/{org}/usage`. Query: `from`, `to` (exclusive; default the last 30 days),
    /// `bucket`, `app`, `model`.
    pub struct UsageReport {
        pub from: DateTime<Utc>,
        pub to: DateTime<Utc>,
        pub bucket: Bucket,
        pub totals: UsageTotals,
        /// One per bucket, oldest first, empty ones included.
        pub series: Vec<UsagePoint>,
        /// Dearest first.
        pub by_model: Vec<UsageGroup>,
        pub by_app: Vec<UsageGroup>,
        /// Instant of the newest event that the figures hold.
        pub newest_at: Option<DateTime<Utc>>,
        /// Calls made known in this time that could not be booked yet: they are not in the figures.
        #[serde(default)]
        pub not_booked: u64,
    }

    pub struct UsageTotals {
        pub requests: u64,
        pub errors: u64,
        pub tokens: Tokens,
        #[serde(default)]
        pub units: Units,
        pub cost_usd: Usd,
    }

    pub struct UsagePoint {
        pub at: DateTime<Utc>,
        pub requests: u64,
        pub errors: u64,
        pub input_tokens: u64,
        pub output_tokens: u64,
        pub cost_usd: Usd,
    }

    pub struct UsageGroup {
        /// Id of the group's object, as text.
        pub id: String,
        pub name: String,
        pub totals: UsageTotals,
    }

    /// `GET /v1/orgs/{org}/costs`. Query: `from`, `to`, `group_by` (one or two, repeated),
    /// `app`, `team`. `GET /v1/orgs/{org}/costs.csv` is the same table as a file.
    pub struct CostReport {
        pub from: DateTime<Utc>,
        pub to: DateTime<Utc>,
        pub group_by: Vec<GroupBy>,
        /// Dearest first; the rows sum to `total_usd` exactly.
        pub rows: Vec<CostRow>,
        pub total_usd: Usd,
        pub newest_at: Option<DateTime<Utc>>,
        /// Calls of unknown outcome in that time, which no row counts.
        #[serde(default)]
        pub unknown_calls: u64,
        /// What is reserved for them.
        #[serde(default)]
        pub unknown_reserved_usd: Usd,
    }

    pub struct CostRow {
        /// One per grouping, in the order asked for.
        pub groups: Vec<CostGroup>,
        pub requests: u64,
        pub tokens: Tokens,
        #[serde(default)]
        pub units: Units,
        pub cost_usd: Usd,
    }

    pub struct CostGroup {
        pub id: String,
        pub name: String,
    }

    /// `GET /v1/orgs/{org}/requests`. Query: `app`, `key`, `model`, `outcome`, `from`, `to`,
    /// `cursor`, `limit`. `GET /v1/orgs/{org}/requests/{request}` gives one.
    pub struct RequestRow {
        pub id: RequestId,
        pub at: DateTime<Utc>,
        pub team_id: TeamId,
        pub app_id: AppId,
        pub app_name: String,
        pub key_id: KeyId,
        pub key_name: String,
        pub model_id: ModelId,
        pub model_name: String,
        pub operation: Operation,
        pub stream: bool,
        pub outcome: Outcome,
        pub status: u16,
        pub error_code: Option<String>,
        pub tokens: Tokens,
        #[serde(default)]
        pub units: Units,
        /// True when the tokens were counted by the gateway, not reported by the provider.
        pub estimated: bool,
        pub cost_usd: Usd,
        pub reserved_usd: Usd,
        pub attempts: u16,
        pub duration_ms: u32,
        pub first_token_ms: Option<u32>,
    }

    /// `GET /v1/orgs/{org}/onboarding`: the three steps of a new org.
    pub struct Onboarding {
        pub first_key_at: Option<DateTime<Utc>>,
        pub first_call_at: Option<DateTime<Utc>>,
        /// When the first call was in usage and costs.
        pub first_usage_at: Option<DateTime<Utc>>,
        /// An app to make the first key for.
        pub app_id: Option<AppId>,
        /// A model that app may call, for the sample.
        pub sample_model: Option<String>,
    }
}
