//! What a call wants of a pool.

use super::prefix;
use super::replica::Replica;
use crate::permit::Permit;
use crate::snapshot::DeploymentView;
use contract::id::OrgId;
use contract::usage::Operation;
use std::sync::Arc;

/// Tokens of output that count where a call states no bound, and at most.
const OUTPUT_COUNTED: u64 = 1_024;

#[derive(Debug)]
pub struct Wish {
    pub org: OrgId,
    /// 9 goes first.
    pub priority: u8,
    /// What it takes of its org's turn: tokens, about.
    pub cost: u64,
    /// Its prompt's blocks, where the pool looks at them.
    pub blocks: Box<[u64]>,
    /// Replicas that it was at before.
    pub tried: Vec<Arc<Replica>>,
    pub chance: u64,
}

impl Wish {
    /// Of a call, at a deployment of a pool.
    #[must_use]
    pub fn of(
        permit: &Permit,
        deployment: &DeploymentView,
        tried: &[Arc<Replica>],
        chance: u64,
    ) -> Self {
        let call = &permit.call;
        let output =
            call.ask.output_tokens_max.map_or(OUTPUT_COUNTED, |max| max.min(OUTPUT_COUNTED));
        let pool = deployment.provider.pool.as_ref();
        let looks = pool.is_some_and(|pool| pool.policy().affinity);
        // What cannot be read as a conversation has no beginning that others could share.
        let request = call.neutral().ok().filter(|_| looks && call.operation == Operation::Chat);
        let model = &deployment.record.upstream_model;
        Self {
            org: call.principal.key.org_id,
            priority: permit.plan.priority,
            cost: call.tokens_read().saturating_add(output),
            blocks: request.map(|request| prefix::of_request(model, request)).unwrap_or_default(),
            tried: tried.to_vec(),
            chance,
        }
    }

    pub(super) fn has_tried(&self, replica: &Arc<Replica>) -> bool {
        self.tried.iter().any(|tried| Arc::ptr_eq(tried, replica))
    }
}
