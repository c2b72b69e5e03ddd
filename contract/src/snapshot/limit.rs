//! Limits: what, of whom, how much, over which window.

use super::{Tag, Window, Zone};
use crate::Timestamp;
use crate::id::{AppId, KeyId, LimitId, ModelId, OrgId, PlanId, TeamId};
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
    /// Tokens that are read, cached ones included.
    InputTokens,
    /// Tokens that are written, reasoning included.
    OutputTokens,
    /// Calls that run at the same time.
    Concurrency,
    /// Milliseconds that a model server works, as on a GPU.
    ComputeMs,
    /// Rows that a model server predicts.
    Rows,
    /// Nano-dollars.
    Money,
}

impl Metric {
    pub const ALL: &'static [Self] = &[
        Self::Requests,
        Self::Tokens,
        Self::InputTokens,
        Self::OutputTokens,
        Self::Concurrency,
        Self::ComputeMs,
        Self::Rows,
        Self::Money,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Concurrency => "concurrency",
            Self::ComputeMs => "compute_ms",
            Self::Rows => "rows",
            Self::Money => "money",
        }
    }
}

/// Whose use a limit counts. Narrowed further by [`LimitRecord::model_id`] and
/// [`LimitRecord::tag`].
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
pub enum WithoutRedis {
    /// Refuse. The rule for money and hard quotas.
    Closed,
    /// Each gateway admits a tenth of the limit per window on its own.
    LocalTenth,
    /// All gateways together admit so many hundredths of the limit per window: each its part,
    /// by how many there were when they were last seen.
    Local {
        /// 1 to 100.
        percent: u8,
    },
}

/// What set the limit: it decides which refusal a caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum LimitKind {
    #[default]
    Limit,
    Budget,
    Wallet,
}

/// What happens to a call for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AtLimit {
    /// It is refused.
    #[default]
    Deny,
    /// It runs, and is counted.
    Alert,
    /// So many hundredths of the calls run.
    Throttle { percent: u8 },
    /// It runs on another model.
    Downgrade { model_id: ModelId },
}

/// Another maximum for a while, `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    pub max: i64,
    pub from: Timestamp,
    pub until: Timestamp,
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
    /// So much of the metric per window, in its unit. 0 or less: suspended, no call at all.
    pub max: i64,
    pub without_redis: WithoutRedis,
    /// Counts the time of the window's length before now, not a window of the calendar.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sliding: bool,
    /// Where the calendar is read.
    #[serde(default, skip_serializing_if = "Zone::is_utc")]
    pub zone: Zone,
    /// Only calls of this model count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<ModelId>,
    /// Only calls with this tag count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// They do not overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    #[serde(default)]
    pub kind: LimitKind,
    #[serde(default)]
    pub at_limit: AtLimit,
}

impl LimitRecord {
    /// A limit that refuses what is above it, in UTC, on every call in its scope.
    #[must_use]
    pub const fn new(
        id: LimitId,
        org_id: Option<OrgId>,
        scope: LimitScope,
        (metric, window, max): (Metric, Window, i64),
    ) -> Self {
        Self {
            id,
            org_id,
            scope,
            metric,
            window,
            max,
            without_redis: WithoutRedis::Closed,
            sliding: false,
            zone: Zone::UTC,
            model_id: None,
            tag: None,
            overrides: Vec::new(),
            kind: LimitKind::Limit,
            at_limit: AtLimit::Deny,
        }
    }

    /// The calendar window that holds `now`, in epoch seconds: `[start, end)`. Of a sliding limit
    /// it says nothing: that counts the [`Window::seconds`] before now.
    #[must_use]
    pub fn bounds(&self, now: Timestamp) -> (i64, i64) {
        self.window.bounds(self.zone, now)
    }

    /// The maximum in force, and when the next one is.
    #[must_use]
    pub fn max_at(&self, now: Timestamp) -> (i64, Option<Timestamp>) {
        if self.overrides.is_empty() {
            return (self.max, None);
        }
        let in_force = self.overrides.iter().find(|one| one.from <= now && now < one.until);
        let edges = self.overrides.iter().flat_map(|one| [one.from, one.until]);
        let next = edges.filter(|edge| *edge > now).min();
        (in_force.map_or(self.max, |one| one.max), next)
    }

    /// Whether calls of `model` with `tags` count.
    #[must_use]
    pub fn counts(&self, model: ModelId, tags: &[Tag]) -> bool {
        self.model_id.is_none_or(|only| only == model)
            && self.tag.as_ref().is_none_or(|only| tags.contains(only))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn limit() -> LimitRecord {
        let org = OrgId(Uuid::from_u128(4));
        let id = LimitId(Uuid::from_u128(1));
        LimitRecord::new(id, Some(org), LimitScope::Org(org), (Metric::Requests, Window::Day, 10))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_override_rules_from_its_first_instant_until_its_last_and_then_the_limit_again() {
        let (from, until) = (at("2026-05-01T00:00:00Z"), at("2026-05-02T00:00:00Z"));
        let later = Override { max: 0, from: until, until: at("2026-06-01T00:00:00Z") };
        let raised =
            LimitRecord { overrides: vec![later, Override { max: 50, from, until }], ..limit() };
        assert_eq!(raised.max_at(at("2026-04-30T23:59:59Z")), (10, Some(from)));
        assert_eq!(raised.max_at(from), (50, Some(until)));
        assert_eq!(raised.max_at(until), (0, Some(later.until)));
        assert_eq!(raised.max_at(later.until), (10, None));
        assert_eq!(limit().max_at(from), (10, None));
    }

    #[test]
    fn a_narrowed_limit_counts_only_what_has_its_model_and_its_tag() {
        let model = ModelId(Uuid::from_u128(7));
        let other = ModelId(Uuid::from_u128(8));
        let tag = Tag::new("team", "search").unwrap();
        let narrow = LimitRecord { model_id: Some(model), tag: Some(tag.clone()), ..limit() };
        assert!(narrow.counts(model, std::slice::from_ref(&tag)));
        assert!(!narrow.counts(other, std::slice::from_ref(&tag)));
        assert!(!narrow.counts(model, &[Tag::new("team", "ads").unwrap()]));
        assert!(!narrow.counts(model, &[]));
        assert!(limit().counts(other, &[]));
    }
}
