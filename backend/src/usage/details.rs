//! What only some calls have beside their figures: kept whole, read whole with the call.

use contract::usage::{AttemptUse, LimitTouched, Residency, UsageEvent};
use serde::{Deserialize, Serialize};

/// Attempts that failed, limits that were drawn on, what was odd, and where it might be answered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts_made: Vec<AttemptUse>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitTouched>,
    #[serde(skip_serializing_if = "is_zero")]
    pub topped_up: u16,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub odd_usage: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residency: Option<Residency>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u16) -> bool {
    *number == 0
}

impl Details {
    /// Those of a call; `None` when it has none.
    #[must_use]
    pub fn of(event: &UsageEvent) -> Option<Self> {
        let details = Self {
            attempts_made: event.attempts_made.clone(),
            limits: event.limits.clone(),
            topped_up: event.topped_up,
            odd_usage: event.odd_usage,
            residency: event.residency.clone(),
        };
        (details != Self::default()).then_some(details)
    }
}
