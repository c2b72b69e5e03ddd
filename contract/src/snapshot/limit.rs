//! Limits: what, of whom, how much, over which window.

use crate::Timestamp;
use crate::id::{AppId, KeyId, LimitId, OrgId, PlanId, TeamId};
use chrono::{DateTime, Datelike, TimeZone, Utc};
use serde::{Deserialize, Serialize};

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum Metric {
    /// Calls.
    Requests,
    /// Input and output tokens together.
    Tokens,
    /// Nano-dollars.
    Money,
}

impl Metric {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Money => "money",
        }
    }
}

/// Calendar-aligned windows, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum Window {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Lifetime,
}

impl Window {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Lifetime => "lifetime",
        }
    }

    /// The window that holds `now`, in epoch seconds: `[start, end)`. A lifetime starts at 0 and
    /// never ends.
    #[must_use]
    pub fn bounds(self, now: Timestamp) -> (i64, i64) {
        let seconds = now.timestamp();
        let aligned = |len: i64| {
            let start = seconds - seconds.rem_euclid(len);
            (start, start.saturating_add(len))
        };
        match self {
            Self::Second => aligned(1),
            Self::Minute => aligned(60),
            Self::Hour => aligned(3_600),
            Self::Day => aligned(86_400),
            Self::Month => month_bounds(now),
            Self::Lifetime => (0, i64::MAX),
        }
    }
}

fn month_bounds(now: DateTime<Utc>) -> (i64, i64) {
    let first = |year, month| {
        Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0).single().map_or(i64::MAX, |t| t.timestamp())
    };
    let (year, month) = (now.year(), now.month());
    let next = if month == 12 { first(year + 1, 1) } else { first(year, month + 1) };
    (first(year, month), next)
}

/// Whose use a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum LimitScope {
    Org(OrgId),
    Team(TeamId),
    App(AppId),
    Key(KeyId),
    /// Every subscription on the plan, each counted on its own.
    Plan(PlanId),
}

/// What a limit does while Redis is gone and the allowance already drawn is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum WithoutRedis {
    /// Refuse. The rule for money and hard quotas.
    Closed,
    /// Each gateway admits a tenth of the limit per window on its own.
    LocalTenth,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitRecord {
    pub id: LimitId,
    /// The org it belongs to; absent on a plan's limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    pub scope: LimitScope,
    pub metric: Metric,
    pub window: Window,
    /// Calls, tokens or nano-dollars per window.
    pub max: i64,
    pub without_redis: WithoutRedis,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_instant_lies_in_its_window_and_windows_touch(seconds in 0_i64..4_000_000_000) {
            let now = DateTime::from_timestamp(seconds, 0).unwrap();
            for window in [Window::Second, Window::Minute, Window::Hour, Window::Day, Window::Month] {
                let (start, end) = window.bounds(now);
                prop_assert!(start <= seconds && seconds < end);
                let next = DateTime::from_timestamp(end, 0).unwrap();
                prop_assert_eq!(window.bounds(next).0, end);
            }
        }
    }
}
