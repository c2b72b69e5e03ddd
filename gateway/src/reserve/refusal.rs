//! What a caller is told of limits: why a call is refused, and how the limits that admitted it
//! stand.

use super::Amounts;
use super::policy::Policy;
use super::window::window_at;
use contract::Timestamp;
use contract::error::ErrorCode;
use contract::id::ModelId;
use contract::snapshot::{AtLimit, LimitKind, LimitRecord, LimitScope, Metric, Window};
use std::sync::Arc;
use std::time::Duration;

/// How one limit stood when it was last looked at.
#[derive(Debug, Clone)]
pub struct Standing {
    pub limit: Arc<LimitRecord>,
    pub policy: Arc<Policy>,
    /// What is left of the limit in this window, as far as this gateway knows; never negative.
    pub remaining: i64,
    /// When the window ends; `None` for a limit that never starts again.
    pub resets_at: Option<Timestamp>,
    /// What the call that was refused asked for; 0 where none was.
    pub asked: i64,
}

impl Standing {
    /// How a limit stands of which nothing is left, until it changes.
    #[must_use]
    pub fn of(limit: &Arc<LimitRecord>, now: Timestamp) -> Self {
        let (max, changes_at) = limit.max_at(now);
        let policy = Policy::of(limit, max, window_at(limit, now.timestamp_millis()));
        let (limit, policy) = (Arc::clone(limit), Arc::new(policy));
        Self { limit, policy, remaining: 0, resets_at: changes_at, asked: 0 }
    }

    /// How a limit stands that admits nothing at all now; `None` for one that does.
    pub(super) fn suspended(limit: &Arc<LimitRecord>, now: Timestamp) -> Option<Self> {
        let (max, _) = limit.max_at(now);
        let suspended = max <= 0 && limit.at_limit == AtLimit::Deny;
        suspended.then(|| Self::of(limit, now))
    }

    /// Of two limits without room, the one that decides: what it does then weighs most, and of
    /// two that do the same, the one that lasts longer.
    pub(super) fn tighter(one: Option<Self>, other: Self) -> Self {
        match one {
            Some(one) if one.weight() >= other.weight() => one,
            _ => other,
        }
    }

    /// How strongly it keeps a call out that it has no room for.
    pub(super) fn weight(&self) -> (u8, Timestamp) {
        (self.limit.at_limit.rank(), self.lasts())
    }

    /// Until when there may be no room.
    #[must_use]
    pub fn lasts(&self) -> Timestamp {
        self.resets_at.unwrap_or(Timestamp::MAX_UTC)
    }

    /// The part of the maximum that is left, in thousandths.
    #[must_use]
    pub fn left_of_thousand(&self) -> i64 {
        let max = self.policy.max.max(1);
        // Division of what does not fit takes ten times as long.
        self.remaining.checked_mul(1_000).map_or_else(
            || {
                let part = i128::from(self.remaining) * 1_000 / i128::from(max);
                i64::try_from(part).unwrap_or(1_000)
            },
            |thousandfold| thousandfold / max,
        )
    }

    /// Time until there is room again, at least a second, for `Retry-After`: the window ends, or
    /// another maximum is in force. `None` when waiting does not help.
    #[must_use]
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        if self.limit.metric == Metric::Concurrency {
            // Somebody else's call has to end; nobody knows when.
            return Some(Duration::from_secs(1));
        }
        let missing = self.asked.saturating_sub(self.remaining);
        if let Some(seconds) = self.limit.seconds_to_grow(missing, now) {
            return Some(Duration::from_secs(seconds.unsigned_abs()));
        }
        let raised_at = match self.limit.stated_at(now) {
            (max, Some(at)) => (self.limit.stated_at(at).0 > max).then_some(at),
            (_, None) => None,
        };
        let again = [self.resets_at, raised_at].into_iter().flatten().min()?;
        let millis = again.signed_duration_since(now).num_milliseconds();
        Some(Duration::from_millis(u64::try_from(millis).unwrap_or(0).max(1_000)))
    }
}

/// Why a call may not run.
#[derive(Debug, Clone)]
pub enum Refused {
    /// The binding limit has no room for the call.
    Limit(Standing),
    /// The limit cannot be asked, and its rule is to refuse then.
    Unknown(Arc<LimitRecord>),
}

impl Refused {
    #[must_use]
    pub fn limit(&self) -> &Arc<LimitRecord> {
        match self {
            Self::Limit(standing) => &standing.limit,
            Self::Unknown(limit) => limit,
        }
    }

    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Limit(standing) => code_of(&standing.limit),
            Self::Unknown(_) => ErrorCode::Unavailable,
        }
    }

    /// The cheaper model on which the call may run instead.
    #[must_use]
    pub fn downgrade(&self) -> Option<ModelId> {
        match (self, self.limit().at_limit) {
            (Self::Limit(_), AtLimit::Downgrade { model_id }) => Some(model_id),
            _ => None,
        }
    }

    /// Notes what was asked for, which tells how long there is no room for it.
    pub(super) fn of(mut self, asked: &Amounts) -> Self {
        if let Self::Limit(standing) = &mut self {
            standing.asked = asked.of(standing.limit.metric);
        }
        self
    }
}

/// What a caller is told that a limit refuses. Money is distinct from rates, and so is a plan's
/// quota: what it admits over a day or longer, which no slowing down brings back.
fn code_of(limit: &LimitRecord) -> ErrorCode {
    match limit.kind {
        LimitKind::Budget if matches!(limit.at_limit, AtLimit::Throttle { .. }) => {
            return ErrorCode::BudgetThrottled;
        }
        LimitKind::Budget => return ErrorCode::BudgetExhausted,
        LimitKind::Wallet => return ErrorCode::WalletEmpty,
        LimitKind::Limit => {}
    }
    let is_quota = matches!(limit.scope, LimitScope::Plan(_))
        && (limit.window.is_of_calendar() || limit.window == Window::Lifetime);
    match limit.metric {
        Metric::Money => ErrorCode::LimitMoney,
        Metric::Concurrency => ErrorCode::LimitConcurrency,
        _ if is_quota => ErrorCode::LimitQuota,
        Metric::Requests => ErrorCode::LimitRequests,
        Metric::Tokens | Metric::InputTokens | Metric::OutputTokens => ErrorCode::LimitTokens,
        Metric::ComputeMs | Metric::Rows => ErrorCode::LimitCompute,
    }
}
