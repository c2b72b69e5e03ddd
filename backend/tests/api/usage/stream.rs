//! From the stream to the books: nothing leaves it before it is booked.

use super::open;
use crate::harness::{TestApp, TestRedis};
use backend::usage::{self, Consumer, ingest};
use contract::channel::USAGE;
use contract::role::Role;
use redis_link::Kind as RedisKind;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

pub async fn ship(redis: &TestRedis, body: &str) {
    redis::cmd("XADD")
        .arg(USAGE)
        .arg("*")
        .arg("e")
        .arg(body)
        .query_async::<()>(&mut redis.link())
        .await
        .unwrap();
}

pub async fn waiting(redis: &TestRedis) -> u64 {
    redis::cmd("XLEN").arg(USAGE).query_async(&mut redis.link()).await.unwrap()
}

#[tokio::test]
async fn an_event_leaves_the_stream_only_when_it_is_booked_even_if_its_reader_dies() {
    let (app, shop, caller) = open().await;
    let redis = TestRedis::start().await;
    let mut dying = Consumer::new(redis.link(), "dying".into());
    let mut living = Consumer::new(redis.link(), "living".into());
    let gone = dying.read(10, 0).await.unwrap_err();
    assert_eq!(gone.code(), Some("NOGROUP"));
    dying.ensure_group().await.unwrap();
    living.ensure_group().await.unwrap();
    let event = caller.event(&app, &shop, 7, 7);
    ship(&redis, &serde_json::to_string(&event).unwrap()).await;
    ship(&redis, &serde_json::to_string(&event).unwrap()).await;
    assert_eq!(dying.read(10, 0).await.unwrap().len(), 2);
    assert_eq!(living.read(10, 0).await.unwrap().len(), 0);
    // Not yet: its reader may only be slow.
    assert_eq!(living.claim(10).await.unwrap().len(), 0);
    let left = living.claim_idle(10, 0).await.unwrap();
    assert_eq!(left.len(), 2);
    let booked = ingest(&app.app, &left).await.unwrap();
    assert_eq!((booked.new, waiting(&redis).await), (1, 2));
    living.finish(&left).await.unwrap();
    assert_eq!(waiting(&redis).await, 0);
    assert_eq!(app.count("usage_events").await, 1);
}

#[tokio::test]
async fn a_call_is_in_usage_and_costs_within_five_seconds_also_after_redis_was_emptied() {
    let (app, shop, caller) = open().await;
    let mut redis = TestRedis::start().await;
    let link = backend::redis_link::connect_blocking(&redis.config(), usage::BLOCK).unwrap();
    let stop = CancellationToken::new();
    let worker = {
        let (app, stop) = (app.app.clone(), stop.clone());
        tokio::spawn(async move {
            usage::work(&app, vec![Consumer::new(link, "one".into())], &stop).await;
        })
    };
    let owner = app.member(&caller.test_org(), Role::Owner).await;
    let requests = async || {
        owner.get("/v1/orgs/acme/usage").await.expect(200).json()["totals"]["requests"].clone()
    };
    for round in 1..=2 {
        let event = caller.event(&app, &shop, 1_000, 500);
        ship(&redis, &serde_json::to_string(&event).unwrap()).await;
        let began = Instant::now();
        while requests().await != json!(round) {
            assert!(began.elapsed() < Duration::from_secs(if round == 1 { 5 } else { 15 }));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        redis.replace().await;
    }
    let costs = owner.get("/v1/orgs/acme/costs?group_by=app").await.expect(200).json();
    assert_eq!(costs["total_usd"], "0.005");
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn under_sentinel_and_on_a_cluster_usage_is_booked_once_through_a_failover() {
    for kind in [RedisKind::Sentinel, RedisKind::Cluster] {
        let (app, shop, caller) = open().await;
        let mut redis = TestRedis::start_as(kind).await;
        let link = backend::redis_link::connect_blocking(&redis.config(), usage::BLOCK).unwrap();
        let stop = CancellationToken::new();
        let worker = {
            let (app, stop) = (app.app.clone(), stop.clone());
            tokio::spawn(async move {
                usage::work(&app, vec![Consumer::new(link, "one".into())], &stop).await;
            })
        };
        let booked = async |count: i64| {
            let began = Instant::now();
            while app.count("usage_events").await != count {
                assert!(began.elapsed() < Duration::from_secs(30), "{kind:?}: {count} not booked");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let event = caller.event(&app, &shop, 1_000, 500);
        let first = serde_json::to_string(&event).unwrap();
        ship(&redis, &first).await;
        booked(1).await;
        redis.kill_master_of(USAGE);
        let second = serde_json::to_string(&caller.event(&app, &shop, 10, 5)).unwrap();
        let began = Instant::now();
        // The new master, as a gateway finds it; what the first told is told once more.
        for body in [&first, &second] {
            let mut add = redis::cmd("XADD");
            add.arg(USAGE).arg("*").arg("e").arg(body);
            while add.query_async::<()>(&mut redis.link()).await.is_err() {
                assert!(began.elapsed() < Duration::from_secs(30), "{kind:?}: no new master");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        booked(2).await;
        assert_eq!(app.count("ledger_transactions").await, 2);
        stop.cancel();
        worker.await.unwrap();
    }
}

#[tokio::test]
async fn nothing_leaves_the_stream_while_postgres_is_away() {
    let (app, shop, caller) = open().await;
    let redis = TestRedis::start().await;
    ship(&redis, &serde_json::to_string(&caller.event(&app, &shop, 7, 7)).unwrap()).await;
    let link = backend::redis_link::connect_blocking(&redis.config(), usage::BLOCK).unwrap();
    let stop = CancellationToken::new();
    let worker = {
        let stop = stop.clone();
        tokio::spawn(async move {
            let away = TestApp::without_postgres();
            usage::work(&away.app, vec![Consumer::new(link, "one".into())], &stop).await;
        })
    };
    let read = async || {
        let pending: redis::RedisResult<redis::streams::StreamPendingReply> =
            redis::cmd("XPENDING")
                .arg(USAGE)
                .arg(contract::channel::USAGE_GROUP)
                .query_async(&mut redis.link())
                .await;
        pending.is_ok_and(|pending| pending.count() == 1)
    };
    let began = Instant::now();
    while !read().await {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The round in hand is finished first.
    stop.cancel();
    worker.await.unwrap();
    assert!(read().await);
    assert_eq!(waiting(&redis).await, 1);
}
