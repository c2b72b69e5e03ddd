//! The health of deployments as a beat tells it, for operators and for explanations.

use super::Pulse;
use crate::snapshot::{DeploymentView, Snapshot};
use contract::channel::{BreakerState, DEPLOYMENTS_TOLD_MAX, DeploymentBeat};
use route::breaker::{Fitness, Phase};
use std::time::Duration;

/// Those that this gateway has called lately, or leaves alone: those that are not well first.
#[must_use]
pub fn tell(snapshot: &Snapshot, now_ms: u64) -> Vec<DeploymentBeat> {
    let places = snapshot.models().iter().flat_map(|model| &model.deployments);
    let mut told: Vec<_> = places.filter_map(|one| beat(one, now_ms)).collect();
    told.sort_by_key(|one| (std::cmp::Reverse(one.breaker), one.deployment_id));
    told.truncate(DEPLOYMENTS_TOLD_MAX);
    told
}

fn beat(one: &DeploymentView, now_ms: u64) -> Option<DeploymentBeat> {
    let pulse: &Pulse = &one.pulse;
    let beat = DeploymentBeat {
        deployment_id: one.record.id,
        breaker: match pulse.phase() {
            Phase::Closed => BreakerState::Closed,
            Phase::Recovering { .. } => BreakerState::Recovering,
            Phase::Probing { .. } => BreakerState::Probing,
            Phase::Open { .. } => BreakerState::Open,
        },
        share_percent: match pulse.fitness(now_ms) {
            Fitness::Share(share) => share,
            Fitness::Probe | Fitness::Unfit => 0,
        },
        in_flight: pulse.in_flight(),
        first_content_us: micros(pulse.first_content.expected(now_ms)),
        answer_us: micros(pulse.answer.expected(now_ms)),
        answered: pulse.answered(),
        failed: pulse.failed(),
        opened: pulse.opened(),
    };
    let is_lately = beat.in_flight > 0 || beat.first_content_us > 0 || beat.answer_us > 0;
    (is_lately || beat.breaker != BreakerState::Closed).then_some(beat)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
