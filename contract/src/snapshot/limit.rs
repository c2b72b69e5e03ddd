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
    /// Room grows through the window, at so many hundredths of the even pace of the maximum: by
    /// its end that much more than the maximum was let through.
    Throttle { percent: u8 },
    /// It runs on another model, whose calls have room whatever was used.
    Downgrade { model_id: ModelId },
}

impl AtLimit {
    /// Whether a call that runs is let by: it is counted, and not held up.
    #[must_use]
    pub const fn lets_by(self) -> bool {
        matches!(self, Self::Alert | Self::Downgrade { .. })
    }

    /// Of several limits without room, the one with the highest rank decides.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Alert => 0,
            Self::Throttle { .. } => 1,
            Self::Downgrade { .. } => 2,
            Self::Deny => 3,
        }
    }
}

/// Use that counters do not know of, because it came before the limit: taken off the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentBefore {
    pub amount: i64,
    /// The end of the window that it lies in.
    pub until: Timestamp,
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
    /// What people call it, where it has a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent_before: Option<SpentBefore>,
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
            name: None,
            spent_before: None,
        }
    }

    /// The calendar window that holds `now`, in epoch seconds: `[start, end)`. Of a sliding limit
    /// it says nothing: that counts the [`Window::seconds`] before now.
    #[must_use]
    pub fn bounds(&self, now: Timestamp) -> (i64, i64) {
        self.window.bounds(self.zone, now)
    }

    /// The maximum in force, and when the next one is. What a throttled limit grows by is in it,
    /// to the second.
    #[must_use]
    pub fn max_at(&self, now: Timestamp) -> (i64, Option<Timestamp>) {
        let (max, next) = self.stated_at(now);
        let throttled = matches!(self.at_limit, AtLimit::Throttle { .. }) && max > 0;
        let grows = Timestamp::from_timestamp(now.timestamp().saturating_add(1), 0);
        let before = self.spent_before.map(|before| before.until).filter(|until| *until > now);
        let next = [next, before, grows.filter(|_| throttled)].into_iter().flatten().min();
        (self.with_slack(max, now), next)
    }

    /// As it is set: the maximum, or the override in its place, and when that changes.
    #[must_use]
    pub fn stated_at(&self, now: Timestamp) -> (i64, Option<Timestamp>) {
        if self.overrides.is_empty() {
            return (self.max, None);
        }
        let in_force = self.overrides.iter().find(|one| one.from <= now && now < one.until);
        let edges = self.overrides.iter().flat_map(|one| [one.from, one.until]);
        let next = edges.filter(|edge| *edge > now).min();
        (in_force.map_or(self.max, |one| one.max), next)
    }

    /// A maximum with what it grows by, less what was used before it was counted.
    fn with_slack(&self, max: i64, now: Timestamp) -> i64 {
        let before = self.spent_before.filter(|before| now < before.until);
        let grows = self.growth(max, now).map(|(grown, _)| grown);
        if max <= 0 || (before.is_none() && grows.is_none()) {
            return max;
        }
        let before = before.map_or(0, |before| before.amount);
        // Used up is not suspended: what costs nothing still runs.
        max.saturating_add(grows.unwrap_or(0)).saturating_sub(before).max(1)
    }

    /// What a throttled maximum has grown by at `now`, and how long it takes to grow by all of it.
    fn growth(&self, max: i64, now: Timestamp) -> Option<(i64, i64)> {
        let AtLimit::Throttle { percent } = self.at_limit else { return None };
        let (start, end) = self.bounds(now);
        let length = end.saturating_sub(start).max(1);
        let elapsed = now.timestamp().saturating_sub(start).clamp(0, length);
        let grown = i128::from(max) * i128::from(percent) * i128::from(elapsed)
            / (i128::from(length) * 100);
        Some((i64::try_from(grown).unwrap_or(i64::MAX), length))
    }

    /// How many seconds it takes a throttled limit to have room for `missing` more; `None`: it is
    /// not throttled, or its window ends before.
    #[must_use]
    pub fn seconds_to_grow(&self, missing: i64, now: Timestamp) -> Option<i64> {
        let (max, _) = self.stated_at(now);
        let AtLimit::Throttle { percent } = self.at_limit else { return None };
        let (grown, length) = self.growth(max, now)?;
        // The instant at which the growth, which is rounded down, is that much for the first time.
        let wanted = i128::from(grown) + i128::from(missing.max(0));
        let per_length = i128::from(max) * i128::from(percent);
        let (start, _) = self.bounds(now);
        let second =
            (wanted * i128::from(length) * 100 + per_length - 1).checked_div(per_length)?;
        let second = i64::try_from(second).ok().filter(|second| *second <= length)?;
        Some(start.saturating_add(second).saturating_sub(now.timestamp()).max(1))
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
    fn a_throttled_limit_grows_evenly_to_its_percent_and_says_when_there_is_room() {
        let throttled =
            LimitRecord { max: 864_000, at_limit: AtLimit::Throttle { percent: 10 }, ..limit() };
        let day = |clock: &str| at(&format!("2026-05-01T{clock}Z"));
        // A nano-dollar a second: a tenth of the even pace.
        assert_eq!(throttled.max_at(day("00:00:00")), (864_000, Some(day("00:00:01"))));
        assert_eq!(throttled.max_at(day("00:00:07")).0, 864_007);
        assert_eq!(throttled.max_at(day("23:59:59")).0, 864_000 + 86_399);
        assert_eq!(throttled.stated_at(day("12:00:00")).0, 864_000);
        assert_eq!(throttled.seconds_to_grow(60, day("12:00:00")), Some(60));
        assert_eq!(throttled.seconds_to_grow(0, day("12:00:00")), Some(1));
        assert_eq!(throttled.seconds_to_grow(60, day("23:59:30")), None);
        assert_eq!(limit().seconds_to_grow(1, day("12:00:00")), None);
        let nothing = LimitRecord { max: 0, ..throttled.clone() };
        assert_eq!(
            (nothing.max_at(day("12:00:00")).0, nothing.seconds_to_grow(1, day("12:00:00"))),
            (0, None)
        );
        for percent in [1, 37, 99] {
            let one =
                LimitRecord { max: 1_000, at_limit: AtLimit::Throttle { percent }, ..limit() };
            for clock in ["00:00:00", "03:04:05", "11:59:59"] {
                let missing = 3;
                let wait = one.seconds_to_grow(missing, day(clock)).unwrap();
                let after = |s| one.max_at(day(clock) + chrono::TimeDelta::seconds(s)).0;
                assert!(
                    after(wait) >= after(0) + missing
                        && (wait == 1 || after(wait - 1) < after(0) + missing)
                );
            }
        }
    }

    #[test]
    fn what_was_spent_before_counts_until_its_window_ends_and_suspends_nothing() {
        let until = at("2026-05-02T00:00:00Z");
        let spent_before = Some(SpentBefore { amount: 7, until });
        let made_late = LimitRecord { spent_before, ..limit() };
        assert_eq!(made_late.max_at(at("2026-05-01T23:59:59Z")).0, 3);
        assert_eq!(made_late.max_at(until).0, 10);
        let used_up = LimitRecord { max: 5, ..made_late };
        assert_eq!(used_up.max_at(at("2026-05-01T23:59:59Z")).0, 1);
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
