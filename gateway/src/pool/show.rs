//! The pools in Prometheus' text format. Bounded: a pool has so many replicas at most.

use super::{Pool, Replica};
use crate::snapshot::Snapshot;
use crate::telemetry::{head, line};
use contract::channel::ReplicaState;

type Value = fn(&Pool, &Replica, u64) -> f64;

/// Name, kind, help, further labels, value. Kinds of one metric stand together.
const SHOWN: [(&str, &str, &str, &str, Value); 9] = [
    (
        "tollgate_replica_state",
        "gauge",
        "What a replica gets: 0 calls, 1 calls though its metrics tell nothing, 2 none because it drains, 3 none because it failed.",
        "",
        |pool, one, now_ms| match one.state(now_ms, pool.fresh_ms()) {
            ReplicaState::Ready => 0.0,
            ReplicaState::Blind => 1.0,
            ReplicaState::Draining => 2.0,
            ReplicaState::Down => 3.0,
        },
    ),
    (
        "tollgate_replica_in_flight",
        "gauge",
        "Calls of this gateway that a replica works on.",
        "",
        |_, one, _| one.pulse.in_flight().into(),
    ),
    (
        "tollgate_replica_calls",
        "gauge",
        "Calls that a replica works on, those of others by its metrics.",
        "",
        |pool, one, now_ms| one.busy(now_ms, pool.fresh_ms()).calls.into(),
    ),
    (
        "tollgate_replica_queued",
        "gauge",
        "Calls that wait in a replica, by its metrics.",
        "",
        |pool, one, now_ms| one.busy(now_ms, pool.fresh_ms()).queued.into(),
    ),
    (
        "tollgate_replica_kv_ratio",
        "gauge",
        "How much of a replica's KV cache is in use, by its metrics.",
        "",
        |pool, one, now_ms| f64::from(one.busy(now_ms, pool.fresh_ms()).kv_permille) / 1_000.0,
    ),
    (
        "tollgate_replica_prefix_hit_ratio",
        "gauge",
        "How much of its prompts a replica has found in its prefix cache, by its metrics; -1: it does not say.",
        "",
        |_, one, _| one.hit_permille().map_or(-1.0, |hits| f64::from(hits) / 1_000.0),
    ),
    (
        "tollgate_replica_read_age_seconds",
        "gauge",
        "How long ago a replica's metrics were last read; -1: never.",
        "",
        |_, one, now_ms| one.read_ms_ago(now_ms).map_or(-1.0, |age| number(age) / 1_000.0),
    ),
    (
        "tollgate_replica_attempts_total",
        "counter",
        "Calls at a replica that told something of it, by how they ended.",
        ",result=\"answered\"",
        |_, one, _| number(one.pulse.answered()),
    ),
    (
        "tollgate_replica_attempts_total",
        "counter",
        "Calls at a replica that told something of it, by how they ended.",
        ",result=\"failed\"",
        |_, one, _| number(one.pulse.failed()),
    ),
];

/// Adds a line for each replica and metric, and how many calls wait for each pool.
pub fn show(out: &mut String, snapshot: &Snapshot, now_ms: u64) {
    let mut last = "";
    let help = "Calls that wait in this gateway until a replica of the pool has room.";
    for view in snapshot.pools() {
        let Some(pool) = &view.pool else { continue };
        head(out, &mut last, "tollgate_pool_waiting", "gauge", help);
        let labels = format!("{{provider={:?}}}", view.record.slug);
        line(out, "tollgate_pool_waiting", &labels, number(pool.waiting() as u64));
    }
    for (name, kind, help, more, value) in SHOWN {
        for view in snapshot.pools() {
            let Some(pool) = &view.pool else { continue };
            for one in pool.replicas().iter() {
                head(out, &mut last, name, kind, help);
                let (slug, address) = (&view.record.slug, &one.address);
                let labels = format!("{{provider={slug:?},replica={address:?}{more}}}");
                line(out, name, &labels, value(pool, one, now_ms));
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
const fn number(n: u64) -> f64 {
    n as f64
}
