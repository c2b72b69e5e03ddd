//! Several gateways and threads at once: never over, and nearly all of it usable.

use super::{Gateway, budget, counter, money, per_minute, requests, under};
use crate::redis_server::{RedisKind, RedisServer};
use crate::world::{START, at, caller, id};
use contract::snapshot::LimitRecord;
use futures::future::join_all;
use gateway::clock::Clock;
use gateway::reserve::Reservation;
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// What happens in the property test.
#[derive(Debug, Clone)]
struct Step {
    gateway: usize,
    reserve: i64,
    /// Of what was reserved, in percent, when it settles.
    used: i64,
    /// How many steps later it settles.
    later: usize,
    wait_ms: i64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_usize..5, 1_i64..60, 0_i64..=100, 0_usize..6, 0_i64..8).prop_map(
        |(gateway, reserve, used, later, wait_ms)| Step { gateway, reserve, used, later, wait_ms },
    );
    proptest::collection::vec(step, 300..500)
}

/// Runs the steps until the first refusal; says how much was used or held then. Panics when the
/// gateways together hold more than the limit.
async fn run(redis: &RedisServer, limit: LimitRecord, steps: &[Step]) -> (i64, bool) {
    let max = limit.max;
    let clock = Clock::fixed(at(START));
    let gateways: Vec<_> = (0..5).map(|_| Gateway::start(redis, &clock)).collect();
    let snapshot = under([limit]);
    let mut held: Vec<(usize, usize, Reservation, i64, i64)> = Vec::new();
    let mut total = 0_i64;
    for (n, step) in steps.iter().enumerate() {
        let mut settled = std::collections::BTreeSet::new();
        let mut i = 0;
        while i < held.len() {
            if held[i].0 <= n {
                let (_, gateway, reservation, reserved, used) = held.swap_remove(i);
                settled.insert(gateway);
                reservation.settle(&requests(used));
                total -= reserved - used;
            } else {
                i += 1;
            }
        }
        clock.set(clock.now() + chrono::TimeDelta::milliseconds(step.wait_ms));
        if step.wait_ms > 0 {
            // Long enough for what was settled to reach the counter.
            join_all(settled.into_iter().map(|n| gateways[n].reserve.balanced())).await;
        }
        match gateways[step.gateway].take(&snapshot, requests(step.reserve)).await {
            Ok(reservation) => {
                total += step.reserve;
                let used = step.reserve * step.used / 100;
                held.push((n + step.later, step.gateway, reservation, step.reserve, used));
            }
            Err(refused) => {
                assert_eq!(refused.code().as_str(), "limit.requests");
                return (total, true);
            }
        }
        assert!(total <= max, "{total} of {max}");
    }
    (total, false)
}

#[test]
fn several_gateways_never_pass_a_limit_and_can_use_nearly_all_of_it() {
    several_gateways(RedisKind::Server, 8);
}

#[test]
fn several_gateways_never_pass_a_limit_under_sentinel() {
    several_gateways(RedisKind::Sentinel, 4);
}

#[test]
fn several_gateways_never_pass_a_limit_on_a_cluster() {
    several_gateways(RedisKind::Cluster, 4);
}

fn several_gateways(kind: RedisKind, cases: u32) {
    let redis = RedisServer::start_as(kind);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let (number, refusals) = (AtomicU64::new(500_000), AtomicU64::new(0));
    runner
        .run(&(steps(), 2_000_i64..4_500), |(steps, max)| {
            let mut record = per_minute(max);
            // A counter of its own for each case.
            record.id =
                contract::id::LimitId(id(u128::from(number.fetch_add(1, Ordering::Relaxed))));
            let (total, refused) = runtime.block_on(run(&redis, record, &steps));
            if refused {
                refusals.fetch_add(1, Ordering::Relaxed);
                // `total` counts what is used and held; the call that was refused wanted up to 60.
                prop_assert!((total + 60) * 100 >= max * 95, "refused at {} of {}", total, max);
            }
            Ok(())
        })
        .unwrap();
    assert!(
        refusals.load(Ordering::Relaxed) * 3 >= u64::from(cases),
        "the cases hardly reach their limits"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_that_race_for_a_limit_get_exactly_its_maximum() {
    for kind in RedisKind::ALL {
        threads_race(RedisServer::start_as(kind)).await;
    }
}

async fn threads_race(redis: RedisServer) {
    let clock = Clock::fixed(at(START));
    let gateways = [Gateway::start(&redis, &clock), Gateway::start(&redis, &clock)];
    let snapshot = under([per_minute(2_000), budget(1_000_000)]);
    let mut tasks = Vec::new();
    for n in 0..32 {
        let (reserve, snapshot) = (gateways[n % 2].reserve.clone(), snapshot.clone());
        tasks.push(tokio::spawn(async move {
            let mut admitted = 0;
            for _ in 0..100 {
                if let Ok(held) = reserve.reserve(&snapshot, &caller(), &money(50), at(START)).await
                {
                    held.settle(&money(20));
                    admitted += 1;
                }
            }
            admitted
        }));
    }
    let admitted: i64 = join_all(tasks).await.into_iter().map(Result::unwrap).sum();
    assert!(admitted <= 2_000);
    for gateway in &gateways {
        gateway.reserve.give_back().await;
    }
    assert_eq!(counter(&redis, &per_minute(2_000), START).await, admitted);
    assert_eq!(counter(&redis, &budget(1_000_000), START).await, admitted * 20);
    assert!(admitted >= 1_900, "{admitted}");
}
