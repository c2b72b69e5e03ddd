//! How long a call is tried, and how often: as its model's route says, else as the gateway does.

use crate::permit::Permit;
use crate::worker::Bounds;
use contract::snapshot::RouteBounds;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// All attempts, up to the answer or a stream's first content.
    pub call: Duration,
    /// One attempt of a stream, up to its first content.
    pub first_content: Duration,
    /// Attempts at the places of one model.
    pub attempts_max: u16,
}

impl Patience {
    pub(super) fn of(bounds: &Bounds, permit: &Permit) -> Self {
        let principal = &permit.call.principal;
        let snapshot = &principal.stamp.snapshot;
        let route = snapshot.route(permit.asked(), principal.key.org_id);
        Self::within(bounds, route.map(|route| route.record.policy.bounds).unwrap_or_default())
    }

    fn within(bounds: &Bounds, route: RouteBounds) -> Self {
        let ms = |ms: u32| Duration::from_millis(ms.into());
        Self {
            call: route.deadline_ms.map_or(bounds.call_timeout, ms),
            first_content: route.first_content_ms.map_or(bounds.first_content_timeout, ms),
            attempts_max: route.attempts_max.unwrap_or(bounds.attempts_max),
        }
    }
}
