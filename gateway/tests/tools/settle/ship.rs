//! On its way to Redis, which may die, be emptied, or be another one than before.

use super::{ROOM, Ship, call, empty, entries, event, intent, once, open, shipped, take};
use crate::redis_server::{RedisKind, RedisServer};
use contract::channel::{self, USAGE};
use contract::usage::UsageEvent;
use gateway::settle::Shipped;
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;

#[tokio::test]
async fn every_event_is_shipped_once_and_unchanged_and_leaves_the_disk_when_it_is_taken() {
    for kind in RedisKind::ALL {
        shipped_once(RedisServer::start_as(kind)).await;
    }
}

async fn shipped_once(redis: RedisServer) {
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    // Enough for several batches.
    for n in 0..2_000 {
        call(&settle, n).unwrap();
    }
    assert_eq!(settle.depth().events, 2_000);
    ship.all().await;
    assert_eq!(settle.depth().events, 0);
    assert!(settle.depth().bytes > 0, "Redis may still lose them");
    assert_eq!(ship.through(&redis).await, once(0..2_000));
    assert_eq!(settle.depth().bytes, 0);

    // The file that was emptied is written on.
    call(&settle, 2_000).unwrap();
    ship.all().await;
    let texts = entries(&redis, "e").await;
    assert_eq!(serde_json::from_str::<UsageEvent>(&texts[0]).unwrap(), event(2_000));
    assert_eq!(ship.through(&redis).await, once([2_000]));
    assert_eq!((settle.depth().events, settle.depth().bytes), (0, 0));
}

#[tokio::test]
async fn what_a_flushed_redis_lost_is_shipped_again() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    for n in 0..1_000 {
        call(&settle, n).unwrap();
    }
    ship.all().await;
    let mut connection = redis.connection().await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
    // Another gateway's events come in before this one looks.
    redis::cmd("XADD")
        .arg(USAGE)
        .arg("*")
        .arg("other")
        .arg("1")
        .query_async::<String>(&mut connection)
        .await
        .unwrap();
    empty(&redis).await;
    ship.shipper.let_go(&mut ship.link).await;
    assert_eq!(settle.depth().events, 1_000);
    assert_eq!(ship.through(&redis).await, once(0..1_000));
    assert_eq!((settle.depth().events, settle.depth().bytes), (0, 0));
}

#[tokio::test]
async fn a_batch_that_follows_a_flush_never_hides_that_those_before_it_were_lost() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    for n in 0..10 {
        call(&settle, n).unwrap();
    }
    ship.all().await;
    let mut connection = redis.connection().await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
    // More is shipped before anybody looked at what Redis still has.
    for n in 10..20 {
        call(&settle, n).unwrap();
    }
    ship.all().await;
    assert_eq!(ship.through(&redis).await, once(0..20));
    assert_eq!((settle.depth().events, settle.depth().bytes), (0, 0));
}

#[tokio::test]
async fn a_call_that_begins_after_a_flush_does_not_hold_up_one_that_ends() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    call(&settle, 1).unwrap();
    assert_eq!(ship.through(&redis).await, once([1]));
    let mut connection = redis.connection().await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
    let begun = settle.intend(&intent(2)).unwrap();
    assert_eq!(ship.shipper.round(&mut ship.link).await, Shipped::Some);
    call(&settle, 3).unwrap();
    assert_eq!(ship.shipper.round(&mut ship.link).await, Shipped::Some);
    assert_eq!(ship.shipper.round(&mut ship.link).await, Shipped::Nothing);
    assert_eq!(shipped(&redis).await, once([3]));
    settle.record(begun, &event(2));
    assert_eq!(ship.through(&redis).await, once([2, 3]));
}

#[tokio::test]
async fn events_reach_the_backend_through_a_failover_under_sentinel() {
    shipped_through_failover(RedisKind::Sentinel).await;
}

#[tokio::test]
async fn events_reach_the_backend_through_a_failover_in_a_cluster() {
    shipped_through_failover(RedisKind::Cluster).await;
}

async fn shipped_through_failover(kind: RedisKind) {
    let mut redis = RedisServer::start_as(kind);
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    for n in 0..500 {
        call(&settle, n).unwrap();
    }
    ship.all().await;
    redis.kill_master_of(USAGE);
    for n in 500..1_000 {
        call(&settle, n).unwrap();
    }
    // Until a replica has taken over; what the dead master alone had is sent again.
    let start = std::time::Instant::now();
    let mut taken = BTreeMap::new();
    while settle.depth().bytes > 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "no master took over");
        ship.link.rest().await;
        ship.all().await;
        if settle.depth().events == 0 {
            taken.extend(take(&redis).await);
            ship.shipper.let_go(&mut ship.link).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        taken.keys().copied().collect::<Vec<_>>(),
        once(0..1_000).into_keys().collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn what_a_restored_redis_lost_is_shipped_again() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    let mut connection = redis.connection().await;
    call(&settle, 1).unwrap();
    ship.all().await;
    let mark = channel::usage_mark(&ship.gateway);
    let before: u64 = redis::cmd("GET").arg(&mark).query_async(&mut connection).await.unwrap();
    call(&settle, 2).unwrap();
    ship.all().await;
    // As after a crash that cost Redis its last transaction, and nobody else was hurt.
    let mut back = redis::pipe();
    back.cmd("SET").arg(&mark).arg(before).ignore();
    back.cmd("XTRIM").arg(USAGE).arg("MAXLEN").arg(0).ignore();
    back.query_async::<()>(&mut connection).await.unwrap();

    ship.shipper.let_go(&mut ship.link).await;
    assert_eq!(ship.through(&redis).await, once(1..=2));
    assert_eq!(settle.depth().bytes, 0);
}

#[tokio::test]
async fn threads_that_record_at_once_lose_nothing() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let settle = settle.clone();
            std::thread::spawn(move || {
                for n in 0..1_000 {
                    call(&settle, thread * 1_000 + n).unwrap();
                }
            })
        })
        .collect();
    // Ship while they write.
    while threads.iter().any(|thread| !thread.is_finished()) {
        ship.all().await;
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(ship.through(&redis).await, once(0..4_000));
    assert_eq!((settle.depth().events, settle.depth().bytes), (0, 0));
}

#[tokio::test]
async fn while_redis_is_gone_events_wait_on_disk() {
    let mut redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    call(&settle, 1).unwrap();
    ship.all().await;
    redis.kill();
    for n in 2..=50 {
        call(&settle, n).unwrap();
        assert_eq!(ship.shipper.round(&mut ship.link).await, Shipped::Later);
    }
    assert_eq!(settle.depth().events, 49);
    assert!(settle.writable());
    assert!(redis.restart());
    while settle.depth().events > 0 {
        ship.link.rest().await;
        ship.all().await;
    }
    assert_eq!(shipped(&redis).await, once(1..=50));
}

#[tokio::test]
async fn a_batch_that_is_sent_again_carries_the_same_request_ids() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    for n in 0..10 {
        call(&settle, n).unwrap();
    }
    drop(settle);
    // As if the process had died after Redis had taken the batch, before the file was let go.
    let kept = TempDir::new().unwrap();
    let spool = state.path().join("spool");
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        path.extension().is_some_and(|e| e == "spool").then_some(path)
    };
    let path = std::fs::read_dir(&spool).unwrap().find_map(file).unwrap();
    std::fs::copy(&path, kept.path().join("copy")).unwrap();
    let (settle, _) = open(state.path(), ROOM);
    assert_eq!(Ship::new(&settle, &redis, &telemetry).through(&redis).await, once(0..10));
    drop(settle);
    assert!(!path.exists());
    std::fs::copy(kept.path().join("copy"), &path).unwrap();

    let (settle, _) = open(state.path(), ROOM);
    assert_eq!(settle.depth().events, 10);
    Ship::new(&settle, &redis, &telemetry).all().await;
    assert_eq!(shipped(&redis).await, once(0..10));
}
