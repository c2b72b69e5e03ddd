//! What a key's holder may ask with the key itself: `GET /v1/me/usage`, `GET /v1/requests/{id}`.

use super::billing::LedgerTransaction;
use super::shape;
use super::usage::{Bucket, RequestRow, UsagePoint, UsageTotals};
use crate::id::{AppId, GatewayId, KeyId, LimitId, ModelId, OrgId, PlanId, PriceId};
use crate::money::Usd;
use crate::snapshot::{LimitKind, LimitScope, Metric, Tag, Window};
use crate::usage::{AttemptUse, Cached};
use chrono::{DateTime, Utc};

shape! {
    /// `GET /v1/me/usage`, with an API key as the bearer. Query: `from`, `to` (exclusive; default
    /// the last 30 days), `bucket`.
    pub struct KeyUsage {
        pub key_id: KeyId,
        pub app_id: AppId,
        pub org_id: OrgId,
        pub from: DateTime<Utc>,
        pub to: DateTime<Utc>,
        pub bucket: Bucket,
        pub totals: UsageTotals,
        /// One per bucket, oldest first, empty ones included.
        pub series: Vec<UsagePoint>,
        /// Instant of the newest call that the figures hold.
        pub newest_at: Option<DateTime<Utc>>,
        /// Every limit that a call of the key may meet, those with the least left first.
        pub limits: Vec<LimitUse>,
    }

    /// A limit, and how much of it is used in its window now.
    pub struct LimitUse {
        pub id: LimitId,
        pub kind: LimitKind,
        pub scope: LimitScope,
        /// Only calls of this model count.
        pub model_id: Option<ModelId>,
        /// Only calls with this tag count.
        pub tag: Option<Tag>,
        pub metric: Metric,
        pub window: Window,
        /// Absent for money.
        pub max: Option<i64>,
        pub max_usd: Option<Usd>,
        /// What gateways have taken of it, for calls that run too. Absent while nobody can say.
        pub used: Option<i64>,
        pub used_usd: Option<Usd>,
        pub remaining: Option<i64>,
        pub remaining_usd: Option<Usd>,
        /// When the window ends; absent where it never does, or slides.
        pub resets_at: Option<DateTime<Utc>>,
    }

    /// `GET /v1/requests/{id}` with the key of its app, and
    /// `GET /v1/orgs/{org}/requests/{request}`: all that is known of a call.
    pub struct RequestDetail {
        #[serde(flatten)]
        pub request: RequestRow,
        pub plan_id: PlanId,
        /// The version of the price that it was rated by.
        pub price_id: PriceId,
        pub gateway_id: GatewayId,
        /// The version of the configuration that decided it.
        pub config_version: u64,
        pub tags: Vec<Tag>,
        /// Present when it was answered with another call's answer.
        #[serde(default)]
        pub cached: Option<Cached>,
        /// What of the price that cost, in hundredths.
        #[serde(default)]
        pub price_percent: Option<u8>,
        /// How often more was reserved while it ran.
        pub topped_up: u16,
        /// The provider's report was not sound, and was estimated or capped.
        pub odd_usage: bool,
        /// Attempts that failed before the last one. They are never charged.
        pub attempts_made: Vec<AttemptUse>,
        /// What was held and used of each limit that applied.
        pub limits: Vec<LimitOfRequest>,
        /// What the ledger holds of it, corrections included. Absent for who may not see costs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ledger: Option<Vec<LedgerTransaction>>,
    }

    /// What a call held and used of a limit, in the limit's metric.
    pub struct LimitOfRequest {
        pub limit_id: LimitId,
        /// Absent when the limit is gone.
        pub metric: Option<Metric>,
        pub window: Option<Window>,
        /// Start of the window it was counted in, in epoch seconds.
        pub window_start: i64,
        pub held: i64,
        pub used: i64,
    }
}
