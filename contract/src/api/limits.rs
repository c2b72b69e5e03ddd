//! Limits that an org sets on itself, its teams, apps and keys: `/v1/orgs/{org}/limits`.

use super::shape;
use crate::id::LimitId;
use crate::money::Usd;
use crate::snapshot::{LimitScope, Metric, Window};
use chrono::{DateTime, Utc};

shape! {
    pub struct Limit {
        pub id: LimitId,
        pub scope: LimitScope,
        /// Name of what the scope points at.
        pub scope_name: String,
        pub metric: Metric,
        pub window: Window,
        /// Calls or tokens; absent for money.
        pub max: Option<i64>,
        /// For money.
        pub max_usd: Option<Usd>,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    /// `POST /v1/orgs/{org}/limits`.
    pub struct CreateLimit {
        pub scope: LimitScope,
        pub metric: Metric,
        pub window: Window,
        #[serde(default)]
        pub max: Option<i64>,
        #[serde(default)]
        pub max_usd: Option<Usd>,
    }

    /// `PATCH /v1/orgs/{org}/limits/{limit}`. What was used stays used.
    pub struct UpdateLimit {
        #[serde(default)]
        pub max: Option<i64>,
        #[serde(default)]
        pub max_usd: Option<Usd>,
    }
}
