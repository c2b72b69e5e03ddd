//! Limits that an org sets on itself, its teams, apps and keys: `/v1/orgs/{org}/limits`.

use super::shape;
use crate::id::{LimitId, LimitOverrideId, ModelId, SubscriptionId};
use crate::money::Usd;
use crate::snapshot::{LimitKind, LimitScope, Metric, Tag, Window, Zone};
use chrono::{DateTime, Utc};

shape! {
    pub struct Limit {
        pub id: LimitId,
        pub scope: LimitScope,
        /// Name of what the scope points at; empty when it is gone.
        pub scope_name: String,
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
        #[serde(default)]
        pub model_name: Option<String>,
        /// Only calls with this tag count.
        #[serde(default)]
        pub tag: Option<Tag>,
        /// So much per window, in the metric's unit; absent for money. 0 suspends.
        pub max: Option<i64>,
        /// For money.
        pub max_usd: Option<Usd>,
        /// Hundredths of the limit that gateways admit per window while they cannot count; 0
        /// refuses.
        #[serde(default)]
        pub without_redis_percent: u8,
        /// Those that are not over, soonest first.
        #[serde(default)]
        pub overrides: Vec<LimitOverride>,
        /// No call can count any more: its app is deleted, its key revoked or its model retired.
        #[serde(default)]
        pub is_gone: bool,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    /// Another maximum for a while.
    pub struct LimitOverride {
        pub id: LimitOverrideId,
        pub max: Option<i64>,
        pub max_usd: Option<Usd>,
        pub starts_at: DateTime<Utc>,
        /// From here on the limit's own maximum counts again.
        pub ends_at: DateTime<Utc>,
        pub reason: String,
        pub created_by_name: String,
        pub created_at: DateTime<Utc>,
    }

    /// `POST /v1/orgs/{org}/limits`.
    pub struct CreateLimit {
        pub scope: LimitScope,
        pub metric: Metric,
        /// `lifetime` for concurrency, which has no window.
        pub window: Window,
        /// For windows up to a week.
        #[serde(default)]
        pub sliding: bool,
        /// For calendar windows from a day on.
        #[serde(default)]
        pub time_zone: Zone,
        #[serde(default)]
        pub model_id: Option<ModelId>,
        /// As callers declare it in `x-tollgate-tags`.
        #[serde(default)]
        pub tag: Option<Tag>,
        #[serde(default)]
        pub max: Option<i64>,
        #[serde(default)]
        pub max_usd: Option<Usd>,
        /// Left out: 0 for money and quotas of a day or longer, else 10.
        #[serde(default)]
        pub without_redis_percent: Option<u8>,
    }

    /// `PATCH /v1/orgs/{org}/limits/{limit}`. What was used stays used.
    pub struct UpdateLimit {
        #[serde(default)]
        pub max: Option<i64>,
        #[serde(default)]
        pub max_usd: Option<Usd>,
        #[serde(default)]
        pub without_redis_percent: u8,
    }

    /// `POST /v1/orgs/{org}/limits/{limit}/overrides`.
    pub struct CreateLimitOverride {
        #[serde(default)]
        pub max: Option<i64>,
        #[serde(default)]
        pub max_usd: Option<Usd>,
        /// Left out: now.
        #[serde(default)]
        pub starts_at: Option<DateTime<Utc>>,
        pub ends_at: DateTime<Utc>,
        pub reason: String,
    }

    /// `GET /v1/orgs/{org}/limits/effective`: every limit on a call, the org's own and its
    /// plan's, and how each stands.
    pub struct EffectiveLimits {
        pub at: DateTime<Utc>,
        pub items: Vec<EffectiveLimit>,
    }

    /// How one limit stands.
    pub struct EffectiveLimit {
        pub id: LimitId,
        pub kind: LimitKind,
        pub scope: LimitScope,
        /// Name of what the scope points at.
        pub scope_name: String,
        /// Of a plan's limit: the subscription it counts.
        pub subscription_id: Option<SubscriptionId>,
        pub metric: Metric,
        pub window: Window,
        pub sliding: bool,
        pub time_zone: Zone,
        pub model_id: Option<ModelId>,
        pub model_name: Option<String>,
        pub tag: Option<Tag>,
        /// The maximum in force, an override's if there is one.
        pub max: Option<i64>,
        pub max_usd: Option<Usd>,
        /// Whether an override is in force.
        pub is_overridden: bool,
        /// What counts in this window, with what running calls hold and gateways have in hand;
        /// absent where it is not known.
        pub used: Option<i64>,
        pub used_usd: Option<Usd>,
        pub remaining: Option<i64>,
        pub remaining_usd: Option<Usd>,
        /// Used of the maximum, in whole hundredths; 100 where nothing is left.
        pub used_percent: Option<u8>,
        /// When the window ends; absent for what never starts again, and for sliding windows.
        pub resets_at: Option<DateTime<Utc>>,
        /// From the counters that gateways draw from; false: summed up from recorded usage, which
        /// lacks what runs now.
        pub exact: bool,
        /// The one of them that a call meets first.
        pub binds: bool,
    }
}
