//! The pools as a beat tells them, for operators.

use super::Pool;
use crate::snapshot::Snapshot;
use contract::channel::{PoolBeat, ReplicaBeat};

/// All pools, and how their replicas are.
#[must_use]
pub fn tell(snapshot: &Snapshot, now_ms: u64) -> Vec<PoolBeat> {
    let pools = snapshot.pools().filter_map(|view| view.pool.as_ref());
    let mut told: Vec<_> = pools.map(|pool| beat(pool, now_ms)).collect();
    told.sort_by_key(|one| one.provider_id);
    told
}

fn beat(pool: &Pool, now_ms: u64) -> PoolBeat {
    let fresh_ms = pool.fresh_ms();
    let replicas = pool.replicas();
    let replicas = replicas.iter().map(|one| {
        let busy = one.busy(now_ms, fresh_ms);
        ReplicaBeat {
            address: one.address.clone(),
            state: one.state(now_ms, fresh_ms),
            in_flight: one.pulse.in_flight(),
            running: one.running(),
            queued: busy.queued,
            kv_permille: busy.kv_permille,
            read_ms_ago: one.read_ms_ago(now_ms),
            fault: one.fault(),
        }
    });
    PoolBeat {
        provider_id: pool.id,
        waiting: u32::try_from(pool.waiting()).unwrap_or(u32::MAX),
        fault: pool.fault(),
        replicas: replicas.collect(),
    }
}
