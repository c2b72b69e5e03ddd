//! How deployments do, of what all gateways say together.

use contract::Timestamp;
use contract::channel::{BreakerState, DeploymentBeat, GatewayBeat};
use contract::id::DeploymentId;
use route::breaker::Fitness;
use route::plan::Seen;
use std::collections::HashMap;

/// What the gateways that are alive say.
#[derive(Debug, Default)]
pub struct Told {
    /// How many they are.
    pub gateways: u32,
    pub by_id: HashMap<DeploymentId, Found>,
}

/// One deployment, of those gateways together that lately called it or leave it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The worst.
    pub breaker: BreakerState,
    /// Of all gateways: who has not called it lately gives it its whole share.
    pub share_percent: u8,
    pub in_flight: u64,
    /// At worst; 0: nobody knows.
    pub first_content_us: u64,
    pub answer_us: u64,
    pub answered: u64,
    pub failed: u64,
    pub opened: u64,
}

impl Told {
    #[must_use]
    pub fn by(beats: &[GatewayBeat], now: Timestamp) -> Self {
        let live = beats.iter().filter(|beat| beat.is_live(now));
        let mut said: HashMap<DeploymentId, Vec<&DeploymentBeat>> = HashMap::new();
        let mut gateways = 0_u32;
        for beat in live {
            gateways += 1;
            for one in &beat.deployments {
                said.entry(one.deployment_id).or_default().push(one);
            }
        }
        let by_id = said.into_iter().filter_map(|(id, all)| Some((id, found(&all, gateways)?)));
        Self { gateways, by_id: by_id.collect() }
    }

    /// As a plan needs it.
    #[must_use]
    pub fn seen(&self, id: DeploymentId, stream: bool) -> Seen {
        self.by_id.get(&id).map_or(Seen::WELL, |found| Seen {
            fitness: match found.share_percent {
                0 => Fitness::Unfit,
                share => Fitness::Share(share),
            },
            in_flight: u32::try_from(found.in_flight).unwrap_or(u32::MAX),
            latency_us: found.latency_us(stream),
        })
    }
}

impl Found {
    /// Of streams to the first content, of others to the whole answer.
    #[must_use]
    pub const fn latency_us(&self, stream: bool) -> u64 {
        if stream { self.first_content_us } else { self.answer_us }
    }
}

fn found(all: &[&DeploymentBeat], gateways: u32) -> Option<Found> {
    let sum =
        |of: fn(&DeploymentBeat) -> u64| all.iter().map(|one| of(one)).fold(0, u64::saturating_add);
    let most = |of: fn(&DeploymentBeat) -> u64| all.iter().map(|one| of(one)).max().unwrap_or(0);
    let silent = u64::from(gateways).saturating_sub(all.len() as u64);
    let shares = sum(|one| one.share_percent.min(100).into()) + silent * 100;
    let share = shares / u64::from(gateways).max(1);
    Some(Found {
        breaker: all.iter().map(|one| one.breaker).max()?,
        share_percent: u8::try_from(share).unwrap_or(100),
        in_flight: sum(|one| one.in_flight.into()),
        first_content_us: most(|one| one.first_content_us),
        answer_us: most(|one| one.answer_us),
        answered: sum(|one| one.answered),
        failed: sum(|one| one.failed),
        opened: sum(|one| one.opened),
    })
}
