//! A Redis that is gone, empty, started again or another one; gateways that die, or whose clock is
//! wrong.

use super::{Gateway, NEXT, budget, counter, money, per_minute, requests, running, under};
use crate::redis_server::{RedisKind, RedisServer};
use crate::world::{START, at, caller, id};
use contract::channel;
use contract::snapshot::{LimitScope, WithoutRedis};
use gateway::clock::Clock;
use gateway::reserve::{Amounts, Caller, Refused};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

#[tokio::test]
async fn without_redis_a_closed_limit_gives_what_was_drawn_and_then_refuses() {
    let mut redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([budget(1_000_000)]);
    gateway.take(&snapshot, money(500)).await.unwrap().settle(&money(100));
    redis.kill();
    gateway.take(&snapshot, money(400)).await.unwrap().settle(&money(400));
    let refused = gateway.take(&snapshot, money(1)).await.unwrap_err();
    assert!(matches!(refused, Refused::Unknown(_)));
    assert_eq!(refused.code().as_str(), "service.unavailable");
}

#[tokio::test]
async fn without_redis_a_soft_limit_admits_a_tenth_and_owns_up_to_it_later() {
    let mut redis = RedisServer::start();
    redis.kill();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let mut soft = per_minute(100);
    soft.without_redis = WithoutRedis::LocalTenth;
    let snapshot = under([soft.clone()]);
    for _ in 0..10 {
        gateway.take(&snapshot, requests(1)).await.unwrap().settle(&requests(1));
    }
    let refused = gateway.take(&snapshot, requests(1)).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "limit.requests");

    assert!(redis.restart());
    // Long enough ago that nothing is worth having in hand: what is left is what was used.
    clock.set(at(START + 10));
    let start = Instant::now();
    while counter(&redis, &soft, START).await != 10 {
        assert!(start.elapsed() < Duration::from_secs(10), "the counter never heard of it");
    }
}

#[tokio::test]
async fn a_flushed_redis_does_not_give_the_limit_out_twice() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateways = [Gateway::start(&redis, &clock), Gateway::start(&redis, &clock)];
    let record = per_minute(100);
    let snapshot = under([record.clone()]);
    for gateway in &gateways {
        for _ in 0..40 {
            gateway.take(&snapshot, requests(1)).await.unwrap().settle(&requests(1));
        }
    }
    let mut connection = redis.connection().await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
    // Until somebody who knows all use says that the counts are complete, nothing is granted.
    let refused = gateways[0].take(&snapshot, requests(30)).await.unwrap_err();
    assert!(matches!(refused, Refused::Unknown(_)));
    // Each gateway, asked or not, tells the counter again what it has.
    let start = Instant::now();
    while counter(&redis, &record, START).await < 80 {
        assert!(start.elapsed() < Duration::from_secs(10), "the counter never heard of it");
    }
    let asks: Vec<String> =
        redis::cmd("SMEMBERS").arg(channel::UNCOUNTED).query_async(&mut connection).await.unwrap();
    assert_eq!(asks, [caller().org_id.to_string()]);
    redis.set_to_run(&channel::restored(caller().org_id));
    clock.set(at(START + 1));
    let mut admitted = 80;
    for _ in 0..40 {
        for gateway in &gateways {
            if let Ok(held) = gateway.take(&snapshot, requests(1)).await {
                held.settle(&requests(1));
                admitted += 1;
            }
        }
    }
    assert_eq!(admitted, 100);
}

#[tokio::test]
async fn what_is_in_hand_is_worth_nothing_when_the_lease_has_ended() {
    let mut redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([per_minute(100_000)]);
    for millis in 0..500 {
        clock.set(at(START) + chrono::TimeDelta::milliseconds(millis));
        gateway.take(&snapshot, requests(1)).await.unwrap().settle(&requests(1));
    }
    redis.kill();
    gateway.take(&snapshot, requests(1)).await.unwrap().settle(&requests(1));
    clock.set(at(START + 6));
    let refused = gateway.take(&snapshot, requests(1)).await.unwrap_err();
    assert!(matches!(refused, Refused::Unknown(_)));
}

#[tokio::test]
async fn a_gateway_whose_clock_is_wrong_counts_in_the_windows_of_redis() {
    let redis = RedisServer::start();
    let right = Clock::System;
    let gateway = Gateway::start(&redis, &right);
    let snapshot = under([per_minute(10)]);
    let wrong = right.now() - chrono::TimeDelta::seconds(3_000);
    let (caller, one) = (caller(), requests(1));
    let held = gateway.reserve.reserve(&snapshot, &caller, &one, wrong).await.unwrap();
    let resets_at = held.standings().next().unwrap().resets_at.unwrap();
    let away = resets_at.signed_duration_since(right.now()).num_seconds();
    assert!((-1..=60).contains(&away), "the window ends {away} s from now");
    held.settle(&requests(1));
}

#[tokio::test]
async fn calls_that_ended_make_room_for_others_and_a_dead_gateway_loses_its_places() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let (one, two) = (Gateway::start(&redis, &clock), Gateway::start(&redis, &clock));
    let snapshot = under([running(4)]);
    let call = Amounts { requests: 1, running: 1, ..Amounts::default() };
    let mut held = Vec::new();
    for gateway in [&one, &one, &two, &two] {
        held.push(gateway.take(&snapshot, call).await.unwrap());
    }
    let refused = two.take(&snapshot, call).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "limit.concurrency");
    held.remove(0).settle(&requests(1));
    one.reserve.balanced().await;
    clock.set(at(START + 1));
    held.push(two.take(&snapshot, call).await.unwrap());
    clock.set(at(START + 2));
    two.take(&snapshot, call).await.unwrap_err();

    // The first gateway dies with a call. The other goes on saying that its calls run.
    let three = Gateway::start(&redis, &clock);
    one.kill();
    for second in 3..30 {
        clock.set(at(START + second));
        two.reserve.balanced().await;
        let start = Instant::now();
        while seen_at(&redis, &two).await < START + second - 4 {
            assert!(start.elapsed() < Duration::from_secs(10), "it never said that it is there");
        }
    }
    held.push(three.take(&snapshot, call).await.unwrap());
    clock.set(at(START + 31));
    three.take(&snapshot, call).await.unwrap_err();
}

/// When a gateway last called, by its clock.
async fn seen_at(redis: &RedisServer, gateway: &Gateway) -> i64 {
    let mut connection = redis.connection().await;
    let mut command = redis::cmd("HGET");
    command.arg(channel::limits_drawn_by(caller().org_id)).arg(gateway.id.to_string());
    let text: Option<String> = command.query_async(&mut connection).await.unwrap();
    let millis = text.and_then(|text| text.split(':').next()?.parse::<i64>().ok());
    millis.unwrap_or(0) / 1_000
}

#[tokio::test]
async fn a_killed_redis_that_kept_its_data_goes_on_counting() {
    let mut redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([per_minute(100)]);
    let mut admitted = 0;
    for n in 0..40_i64 {
        if n == 20 {
            redis.kill();
            assert!(redis.restart());
            redis.set_to_run(&channel::restored(caller().org_id));
        }
        let start = Instant::now();
        while admitted <= n {
            assert!(start.elapsed() < Duration::from_secs(10), "it never recovered");
            match gateway.take(&snapshot, requests(1)).await {
                Ok(held) => {
                    held.settle(&requests(1));
                    admitted += 1;
                }
                Err(refused) => assert!(matches!(refused, Refused::Unknown(_))),
            }
        }
    }
    for _ in 0..60 {
        gateway.take(&snapshot, requests(1)).await.unwrap().settle(&requests(1));
    }
    gateway.take(&snapshot, requests(1)).await.unwrap_err();
}

/// Two gateways use 60 of 100 between them, the master of their counters dies, and they go on until
/// both are refused: never over, and in the end all of it.
async fn master_lost(kind: RedisKind) {
    let mut redis = RedisServer::start_as(kind);
    let clock = Clock::fixed(at(START));
    let gateways = [(); 2].map(|()| Gateway::start_within(&redis, &clock, Duration::from_secs(1)));
    let snapshot = under([per_minute(100)]);
    let mut admitted = 0;
    for gateway in &gateways {
        for _ in 0..30 {
            gateway.take(&snapshot, requests(1)).await.unwrap().settle(&requests(1));
            admitted += 1;
        }
    }
    let app = caller().app_id.to_string();
    let limit = per_minute(100).id.to_string();
    redis.kill_master_of(&channel::limit_drawn(caller().org_id, &limit, &app, START));
    let start = Instant::now();
    let (mut away, mut full) = (0, [false; 2]);
    while full != [true; 2] {
        assert!(start.elapsed() < Duration::from_secs(60), "no master took over: {away} refused");
        for (gateway, full) in gateways.iter().zip(&mut full) {
            match gateway.take(&snapshot, requests(1)).await {
                Ok(held) => {
                    held.settle(&requests(1));
                    admitted += 1;
                }
                Err(Refused::Limit(_)) => *full = true,
                Err(Refused::Unknown(_)) => {
                    away += 1;
                    // The replica had all that was acknowledged.
                    redis.set_to_run(&channel::restored(caller().org_id));
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
    assert_eq!(admitted, 100);
    for gateway in &gateways {
        gateway.reserve.give_back().await;
    }
    assert_eq!(counter(&redis, &per_minute(100), START).await, 100);
    println!("{kind:?}: {away} calls refused until a replica took over, {:?}", start.elapsed());
}

#[tokio::test]
async fn a_failover_under_sentinel_gives_no_limit_out_twice() {
    master_lost(RedisKind::Sentinel).await;
}

#[tokio::test]
async fn a_failover_in_a_cluster_gives_no_limit_out_twice() {
    master_lost(RedisKind::Cluster).await;
}

#[tokio::test]
async fn a_lost_master_of_a_cluster_costs_other_organisations_nothing() {
    let mut redis = RedisServer::start_as(RedisKind::Cluster);
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start_within(&redis, &clock, Duration::from_secs(1));
    let (lost, spared) = (caller(), other_shard(&redis));
    redis.set_to_run(&channel::restored(spared.org_id));
    let of = |who: &Caller| {
        let mut record = per_minute(10_000);
        record.scope = LimitScope::App(who.app_id);
        record.org_id = Some(who.org_id);
        record.id = contract::id::LimitId(id(u128::from(NEXT.fetch_add(1, Ordering::Relaxed))));
        record
    };
    let records = [of(&lost), of(&spared)];
    let snapshot = under(records.clone());
    let take = async |who: &Caller, n: i64| {
        gateway.reserve.reserve(&snapshot, who, &requests(n), clock.now()).await
    };
    for who in [&lost, &spared] {
        take(who, 1).await.unwrap().settle(&requests(1));
    }
    redis.kill_master_of(&format!("{{{}}}", lost.org_id));
    let start = Instant::now();
    // More each time than is in hand, so that each call draws.
    for _ in 0..20 {
        if let Err(refused) = take(&lost, 300).await {
            assert!(matches!(refused, Refused::Unknown(_)), "{refused:?}");
        }
        take(&spared, 300).await.expect("its master lives").settle(&requests(300));
    }
    println!("40 draws in {:?}", start.elapsed());
}

/// A caller whose organisation lies on another master than the usual one's.
fn other_shard(redis: &RedisServer) -> Caller<'static> {
    let usual = redis.master_of(&format!("{{{}}}", caller().org_id));
    let others = (2_000_u128..).map(|n| Caller {
        org_id: contract::id::OrgId(id(n)),
        app_id: contract::id::AppId(id(n)),
        ..caller()
    });
    let mut others = others.filter(|who| redis.master_of(&format!("{{{}}}", who.org_id)) != usual);
    others.next().unwrap()
}
