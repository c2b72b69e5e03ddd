//! How well the deployments are, learned from how their last calls ended. Shared by all threads; what
//! is known of one outlives changes of the configuration, and is forgotten with the deployment.
//! A call only adds to atomic numbers here, but for one that fails or ends a second.

mod average;
mod kept;
mod pulse;
mod retries;
mod show;
mod tell;

pub use average::PeakAverage;
pub(crate) use kept::Kept;
pub use pulse::{Pulse, Ticket};
pub use retries::Retries;
pub use show::show;
pub use tell::tell;

use contract::id::{DeploymentId, ModelId};
use route::breaker::BreakerRule;
use std::sync::Arc;

/// What is known, by deployment and by model. Cheap to clone; clones know the same.
#[derive(Debug, Clone, Default)]
pub struct Health {
    rule: BreakerRule,
    pulses: Arc<Kept<DeploymentId, Pulse>>,
    retries: Arc<Kept<ModelId, Retries>>,
}

impl Health {
    /// Nothing is known yet, and breakers follow `rule`.
    #[must_use]
    pub fn new(rule: BreakerRule) -> Self {
        Self { rule, ..Self::default() }
    }

    /// When its breakers open, and how they close again.
    #[must_use]
    pub const fn rule(&self) -> BreakerRule {
        self.rule
    }

    /// A deployment's: the same one as long as anybody holds it.
    #[must_use]
    pub fn pulse(&self, id: DeploymentId) -> Arc<Pulse> {
        self.pulses.of(id, || Pulse::new(self.rule))
    }

    /// The further attempts that calls of a model may make.
    #[must_use]
    pub fn retries(&self, id: ModelId) -> Arc<Retries> {
        self.retries.of(id, Retries::default)
    }
}
