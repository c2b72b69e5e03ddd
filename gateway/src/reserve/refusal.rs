//! What a caller is told of limits: why a call is refused, and how the limits that admitted it
//! stand.

use contract::Timestamp;
use contract::error::ErrorCode;
use contract::snapshot::{LimitRecord, Metric};
use std::sync::Arc;
use std::time::Duration;

/// How one limit stood when it was last looked at.
#[derive(Debug, Clone)]
pub struct Standing {
    pub limit: Arc<LimitRecord>,
    /// What is left of the limit in this window, as far as this gateway knows; never negative.
    pub remaining: i64,
    /// When the window ends; `None` for a limit that never starts again.
    pub resets_at: Option<Timestamp>,
}

impl Standing {
    /// Time until the window ends, at least a second, for `Retry-After`; `None` when waiting
    /// does not help.
    #[must_use]
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let millis = self.resets_at?.signed_duration_since(now).num_milliseconds();
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
            Self::Limit(standing) => match standing.limit.metric {
                Metric::Requests => ErrorCode::LimitRequests,
                Metric::Tokens => ErrorCode::LimitTokens,
                Metric::Money => ErrorCode::LimitMoney,
            },
            Self::Unknown(_) => ErrorCode::Unavailable,
        }
    }
}
