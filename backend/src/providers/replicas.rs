//! How the gateways find the replicas of a pool, of what all of them say together.

use super::drain::no_pool;
use super::store;
use crate::honesty::beats;
use crate::http::{Answer, ApiError, At, OperatorCtx, Result};
use contract::Timestamp;
use contract::api::providers::{PoolHealth, ReplicaHealth, ReplicaMetrics, ReplicaSeen};
use contract::channel::{GatewayBeat, PoolBeat, ReplicaBeat};
use contract::id::ProviderId;
use contract::snapshot::{Discovery, PoolPolicy};
use std::collections::BTreeSet;

/// How the gateways find the replicas of a pool: which take calls, how busy each is, what is wrong. What no
/// gateway tells of is unknown.
#[utoipa::path(get, path = "/v1/admin/providers/{provider}/replicas", tag = "providers",
    responses((status = 200, body = PoolHealth)))]
pub async fn list_replicas(ctx: OperatorCtx, At(id): At<ProviderId>) -> Result<Answer<PoolHealth>> {
    let mut tx = ctx.system_tx("look at the replicas of a pool").await?;
    let provider = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let pool = provider.pool.ok_or_else(no_pool)?;
    // Asking Redis may take a second; no connection is held for it.
    drop(tx);
    let beats = beats(ctx.app()).await;
    Ok(Answer::ok(merged(id, &pool, beats.as_deref(), ctx.app().clock.now())))
}

/// A gateway that is alive, and what it says of the pool.
type Said<'a> = (&'a GatewayBeat, Option<&'a PoolBeat>);

/// `beats` is `None` while Redis cannot be asked.
#[must_use]
pub fn merged(
    id: ProviderId,
    pool: &PoolPolicy,
    beats: Option<&[GatewayBeat]>,
    now: Timestamp,
) -> PoolHealth {
    let live = beats.unwrap_or_default().iter().filter(|beat| beat.is_live(now));
    let of_it = |beat: &'_ GatewayBeat| beat.pools.iter().position(|one| one.provider_id == id);
    let live: Vec<Said<'_>> =
        live.map(|beat| (beat, of_it(beat).and_then(|place| beat.pools.get(place)))).collect();
    let telling: Vec<&PoolBeat> = live.iter().filter_map(|(_, said)| *said).collect();
    let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
    let waiting = telling.iter().map(|said| u64::from(said.waiting)).sum();
    let faults: BTreeSet<&String> = telling.iter().filter_map(|said| said.fault.as_ref()).collect();
    let addresses = addresses(pool, &telling);
    PoolHealth {
        at: now,
        provider_id: id,
        gateways: beats.map(|_| count(live.len())),
        gateways_telling: count(telling.len()),
        waiting: (!telling.is_empty()).then_some(waiting),
        faults: faults.into_iter().cloned().collect(),
        replicas: addresses.into_iter().map(|one| replica(one, pool, &live, now)).collect(),
    }
}

/// Those of the policy in its order, then those that only gateways know.
fn addresses<'a>(pool: &'a PoolPolicy, telling: &[&'a PoolBeat]) -> Vec<&'a str> {
    let listed = match &pool.found {
        Discovery::List { addresses } => addresses.as_slice(),
        Discovery::Dns { .. } | Discovery::Kubernetes { .. } => &[],
    };
    let told: BTreeSet<&str> = telling
        .iter()
        .flat_map(|said| said.replicas.iter().map(|one| one.address.as_str()))
        .chain(pool.draining.iter().map(String::as_str))
        .collect();
    let mut all: Vec<&str> = listed.iter().map(String::as_str).collect();
    let more: Vec<&str> = told.into_iter().filter(|one| !all.contains(one)).collect();
    all.extend(more);
    all
}

fn replica(address: &str, pool: &PoolPolicy, live: &[Said<'_>], now: Timestamp) -> ReplicaHealth {
    let said: Vec<(&GatewayBeat, Option<&ReplicaBeat>)> = live
        .iter()
        .map(|(gateway, said)| {
            let found =
                said.and_then(|said| said.replicas.iter().find(|one| one.address == address));
            (*gateway, found)
        })
        .collect();
    let told = || said.iter().filter_map(|(gateway, one)| Some((*gateway, (*one)?)));
    let in_flight = told().map(|(_, one)| u64::from(one.in_flight)).sum();
    let metrics = told().filter_map(|(gateway, one)| {
        let silent_ms = u64::try_from(gateway.silent_ms(now)).unwrap_or(0);
        Some(ReplicaMetrics {
            running: one.running,
            queued: one.queued,
            kv_permille: one.kv_permille,
            read_ms_ago: one.read_ms_ago?.saturating_add(silent_ms),
        })
    });
    ReplicaHealth {
        address: address.to_owned(),
        draining: pool.draining.iter().any(|one| one == address),
        in_flight: told().next().is_some().then_some(in_flight),
        metrics: metrics.min_by_key(|one| one.read_ms_ago),
        seen: said
            .iter()
            .map(|(gateway, one)| ReplicaSeen {
                gateway_id: gateway.gateway_id,
                state: one.map(|one| one.state),
                fault: one.and_then(|one| one.fault.clone()),
            })
            .collect(),
    }
}
