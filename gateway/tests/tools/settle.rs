//! The spool: what was recorded reaches Redis, whatever dies in between.

use crate::redis_server::{RedisKind, RedisServer};
use crate::world::{START, at, caller, id};
use contract::channel::{self, USAGE};
use contract::id::{GatewayId, ModelId, PriceId, ProductId, RequestId};
use contract::money::Nanos;
use contract::usage::{Operation, Outcome, Tokens, Units, Unsettled, UsageEvent, UsageIntent};
use gateway::clock::Clock;
use gateway::former::Former;
use gateway::link::{Link, Purpose};
use gateway::settle::{Settle, Shipped, Shipper, SpoolFull};
use gateway::telemetry::{Count, Telemetry};
use redis::streams::StreamRangeReply;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

const ROOM: u64 = 1 << 30;

fn event(n: u128) -> UsageEvent {
    let who = caller();
    UsageEvent {
        request_id: RequestId(id(n)),
        at: at(START),
        org_id: who.org_id,
        team_id: who.team_id,
        app_id: who.app_id,
        key_id: who.key_id,
        subscription_id: who.subscription_id,
        product_id: ProductId(id(12)),
        plan_id: who.plan_id,
        model_id: ModelId(id(11)),
        deployment_id: None,
        provider_id: None,
        operation: Operation::Chat,
        stream: false,
        outcome: Outcome::Ok,
        status: 200,
        error_code: None,
        tokens: Tokens { input: 10, output: 20, ..Tokens::default() },
        units: Units::default(),
        estimated: false,
        price_id: PriceId(id(14)),
        cost_nanos: Nanos(30),
        reserved_nanos: Nanos(100),
        attempts: 1,
        attempts_made: Vec::new(),
        topped_up: 0,
        tags: Vec::new(),
        odd_usage: false,
        limits: Vec::new(),
        duration_ms: 5,
        first_token_ms: None,
        gateway_id: GatewayId(id(99)),
        config_version: 1,
    }
}

fn intent(n: u128) -> UsageIntent {
    let event = event(n);
    UsageIntent {
        request_id: event.request_id,
        at: event.at,
        org_id: event.org_id,
        team_id: event.team_id,
        app_id: event.app_id,
        key_id: event.key_id,
        subscription_id: event.subscription_id,
        product_id: event.product_id,
        plan_id: event.plan_id,
        model_id: event.model_id,
        operation: event.operation,
        stream: event.stream,
        price_id: event.price_id,
        reserved_nanos: event.reserved_nanos,
        gateway_id: event.gateway_id,
        config_version: event.config_version,
        tags: Vec::new(),
        limits: Vec::new(),
    }
}

/// Writes a call down, from its beginning to its end.
fn call(settle: &Settle, n: u128) -> Result<(), SpoolFull> {
    let begun = settle.intend(&intent(n))?;
    settle.record(begun, &event(n));
    Ok(())
}

fn open(state: &Path, bytes_max: u64) -> (Settle, Arc<Telemetry>) {
    let telemetry = Arc::new(Telemetry::default());
    let settle = Settle::open(state, bytes_max, 2, Arc::clone(&telemetry)).unwrap();
    (settle, telemetry)
}

static NEXT: AtomicU64 = AtomicU64::new(100);

struct Ship {
    gateway: String,
    shipper: Shipper,
    link: Link,
}

impl Ship {
    fn new(settle: &Settle, redis: &RedisServer, telemetry: &Arc<Telemetry>) -> Self {
        let link = Link::new(
            redis.address(),
            Purpose::Ship,
            Duration::from_secs(20),
            Arc::clone(telemetry),
        );
        let gateway_id = GatewayId(id(NEXT.fetch_add(1, Ordering::Relaxed).into()));
        let shipper = Shipper::new(settle.clone(), gateway_id, Arc::clone(telemetry));
        Self { gateway: gateway_id.to_string(), shipper, link }
    }

    /// Hands everything to Redis.
    async fn all(&mut self) {
        self.shipper.finish(&mut self.link).await;
    }

    /// The same, and has the backend take it.
    async fn through(&mut self, redis: &RedisServer) -> BTreeMap<RequestId, usize> {
        self.all().await;
        let taken = take(redis).await;
        self.shipper.let_go(&mut self.link).await;
        taken
    }
}

/// How often each request is in the stream.
async fn shipped(redis: &RedisServer) -> BTreeMap<RequestId, usize> {
    let mut connection = redis.connection().await;
    let mut command = redis::cmd("XRANGE");
    let reply: StreamRangeReply =
        command.arg(USAGE).arg("-").arg("+").query_async(&mut connection).await.unwrap();
    let mut seen = BTreeMap::new();
    for entry in reply.ids {
        let Some(text) = entry.get::<String>("e") else { continue };
        let event: UsageEvent = serde_json::from_str(&text).unwrap();
        *seen.entry(event.request_id).or_default() += 1;
    }
    seen
}

/// Whose end the stream says is not known, in order: each request, and whether its gateway is gone.
async fn unsettled(redis: &RedisServer) -> Vec<(RequestId, bool)> {
    let mut connection = redis.connection().await;
    let mut command = redis::cmd("XRANGE");
    let reply: StreamRangeReply =
        command.arg(USAGE).arg("-").arg("+").query_async(&mut connection).await.unwrap();
    let texts = reply.ids.iter().filter_map(|entry| entry.get::<String>("i"));
    let read = texts.map(|text| serde_json::from_str::<Unsettled>(&text).unwrap());
    let mut all: Vec<_> = read.map(|told| (told.intent.request_id, told.ended)).collect();
    all.sort_unstable();
    all
}

/// Takes everything out of the stream, as the backend does after its commit.
async fn take(redis: &RedisServer) -> BTreeMap<RequestId, usize> {
    let taken = shipped(redis).await;
    let mut connection = redis.connection().await;
    let mut command = redis::cmd("XTRIM");
    command.arg(USAGE).arg("MAXLEN").arg(0).query_async::<i64>(&mut connection).await.unwrap();
    taken
}

fn once(numbers: impl IntoIterator<Item = u128>) -> BTreeMap<RequestId, usize> {
    numbers.into_iter().map(|n| (RequestId(id(n)), 1)).collect()
}

fn segments(state: &Path, extension: &str) -> usize {
    let files = std::fs::read_dir(state.join("spool")).unwrap();
    files
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == extension))
        .count()
}

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
    let mut connection = redis.connection().await;
    let mut command = redis::cmd("XREVRANGE");
    command.arg(USAGE).arg("+").arg("-").arg("COUNT").arg(1);
    let last: StreamRangeReply = command.query_async(&mut connection).await.unwrap();
    let text: String = last.ids[0].get("e").unwrap();
    assert_eq!(serde_json::from_str::<UsageEvent>(&text).unwrap(), event(2_000));
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
    redis::cmd("XTRIM")
        .arg(USAGE)
        .arg("MAXLEN")
        .arg(0)
        .query_async::<i64>(&mut connection)
        .await
        .unwrap();
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
async fn a_crowded_disk_keeps_what_redis_does_not_have() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), 100_000);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    // The backend takes nothing: ten times what the disk may hold.
    for n in 0..1_500 {
        call(&settle, n).unwrap();
        if n % 50 == 0 {
            ship.all().await;
        }
        assert!(settle.writable());
    }
    assert_eq!(ship.through(&redis).await, once(0..1_500));
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
        path.extension().is_some_and(|e| e == "seg").then_some(path)
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

#[test]
fn a_full_spool_refuses_new_work_and_has_room_for_what_is_under_way() {
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), 100_000);
    let mut under_way = Vec::new();
    let mut n = 0;
    let full = loop {
        match settle.intend(&intent(n)) {
            Ok(begun) => under_way.push((begun, n)),
            Err(full) => break full,
        }
        n += 1;
    };
    assert_eq!(full, SpoolFull::Limit);
    assert!(!settle.writable() && under_way.len() > 10, "{}", under_way.len());
    assert_eq!(settle.depth().intents, n as u64);
    for (begun, n) in under_way {
        settle.record(begun, &event(n));
    }
    assert!(settle.depth().bytes <= 100_000);
    assert_eq!((u128::from(settle.depth().events), settle.depth().intents), (n, 0));
    assert_eq!(telemetry.total(Count::SpoolRefused), 1);
}

#[tokio::test]
async fn a_full_spool_opens_again_when_redis_has_taken_it() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), 100_000);
    let mut n = 0;
    while call(&settle, n).is_ok() {
        n += 1;
    }
    assert!(!settle.writable());
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    ship.all().await;
    assert!(settle.writable());
    call(&settle, n).unwrap();
    assert_eq!(ship.through(&redis).await, once(0..=n));
}

#[tokio::test]
async fn a_disk_that_fills_up_between_a_calls_beginning_and_its_end_loses_neither() {
    let disk = TempDir::new().unwrap();
    let Some(_mounted) = Mounted::tmpfs(disk.path(), "10m") else {
        println!("skipped: mounting a small tmpfs takes root");
        return;
    };
    let redis = RedisServer::start();
    let (settle, telemetry) = open(disk.path(), ROOM);
    let under_way: Vec<_> = (0..4).map(|n| (settle.intend(&intent(n)).unwrap(), n)).collect();
    // Something else takes all the room there is, the reserve included.
    std::fs::remove_file(disk.path().join("spool/ballast")).unwrap();
    let hog = disk.path().join("hog");
    let mut file = std::fs::File::create(&hog).unwrap();
    while file.write_all(&[0; 4_096]).is_ok() {}
    drop(file);
    for (begun, n) in under_way {
        settle.record(begun, &event(n));
    }
    assert!(!settle.writable(), "no new call is begun");
    // What did not fit on the last page waits in memory; killed now, it would be told as a call
    // whose end is not known.
    assert!(settle.depth().intents > 0);
    assert_eq!(settle.intend(&intent(9)).unwrap_err(), SpoolFull::Disk);

    std::fs::remove_file(hog).unwrap();
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    let running = ship.shipper.run(&mut ship.link);
    tokio::select! {
        () = running => unreachable!("it ships for ever"),
        _ = crate::world::eventually("the disk is used again", || settle.writable()) => {}
    }
    assert_eq!(settle.depth().intents, 0);
    call(&settle, 4).unwrap();
    ship.all().await;
    assert_eq!(shipped(&redis).await, once(0..=4));
    assert_eq!(unsettled(&redis).await, []);
}

#[tokio::test]
async fn a_full_disk_refuses_new_work_and_loses_nothing_that_was_recorded() {
    let disk = TempDir::new().unwrap();
    let Some(_mounted) = Mounted::tmpfs(disk.path(), "10m") else {
        println!("skipped: mounting a small tmpfs takes root");
        return;
    };
    let redis = RedisServer::start();
    let (settle, telemetry) = open(disk.path(), ROOM);
    let mut under_way = Vec::new();
    let mut recorded = 0;
    let full = loop {
        match settle.intend(&intent(recorded)) {
            // Some go on, and end on the reserve.
            Ok(begun) if recorded % 4 == 0 => under_way.push((begun, recorded)),
            Ok(begun) => settle.record(begun, &event(recorded)),
            Err(full) => break full,
        }
        recorded += 1;
    };
    assert_eq!(full, SpoolFull::Disk);
    assert!(!settle.writable() && under_way.len() > 100, "{}", under_way.len());
    for (begun, n) in under_way {
        settle.record(begun, &event(n));
    }
    assert_eq!(settle.depth().intents, 0, "the reserve was enough");
    drop(settle);

    mount(&["-o", "remount,size=30m", disk.path().to_str().unwrap()]);
    let (settle, _) = open(disk.path(), ROOM);
    Ship::new(&settle, &redis, &telemetry).all().await;
    assert_eq!(shipped(&redis).await, once(0..recorded));
    assert_eq!(unsettled(&redis).await, []);
    assert!(settle.writable());
}

#[tokio::test]
async fn a_call_that_an_earlier_process_began_and_never_ended_is_told_once_as_unsettled() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, _) = open(state.path(), ROOM);
    call(&settle, 1).unwrap();
    let lost = settle.intend(&intent(2)).unwrap();
    let grown = settle.intend(&intent(3)).unwrap();
    settle.intend_more(&grown, &UsageIntent { reserved_nanos: Nanos(700), ..intent(3) });
    let never_made = settle.intend(&intent(4)).unwrap();
    settle.withdraw(never_made, intent(4).request_id);
    drop((settle, lost, grown));

    // It dies again before it has shipped anything.
    let (settle, telemetry) = open(state.path(), ROOM);
    assert_eq!(telemetry.total(Count::SpoolUnsettled), 2);
    drop(settle);
    let (settle, telemetry) = open(state.path(), ROOM);
    assert_eq!(telemetry.total(Count::SpoolUnsettled), 0);
    assert_eq!(settle.depth().events, 3);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    ship.all().await;
    let [two, three] = [2, 3].map(|n| (RequestId(id(n)), true));
    assert_eq!(unsettled(&redis).await, [two, three]);
    let mut connection = redis.connection().await;
    let entries: StreamRangeReply = redis::cmd("XRANGE")
        .arg(USAGE)
        .arg("-")
        .arg("+")
        .query_async(&mut connection)
        .await
        .unwrap();
    let texts: Vec<String> = entries.ids.iter().filter_map(|entry| entry.get("i")).collect();
    assert!(texts.iter().any(|text| text.contains("\"reserved_nanos\":700")), "{texts:?}");
    assert_eq!(ship.through(&redis).await, once([1]));
    assert_eq!((settle.depth().events, settle.depth().bytes), (0, 0));
    drop((settle, ship));
    let (settle, telemetry) = open(state.path(), ROOM);
    assert_eq!((settle.depth().events, telemetry.total(Count::SpoolUnsettled)), (0, 0));
}

#[tokio::test]
async fn calls_that_never_ended_hold_nothing_up_where_no_other_call_was_made() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, _) = open(state.path(), ROOM);
    let begun = settle.intend(&intent(1)).unwrap();
    drop((settle, begun));

    // Its file holds nothing to ship, and comes before the one that tells of its call.
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    call(&settle, 2).unwrap();
    assert_eq!(ship.shipper.round(&mut ship.link).await, Shipped::Some);
    assert_eq!(ship.shipper.round(&mut ship.link).await, Shipped::Nothing);
    assert_eq!(unsettled(&redis).await, [(RequestId(id(1)), true)]);
    assert_eq!(ship.through(&redis).await, once([2]));
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
async fn a_call_that_runs_long_is_told_once_while_it_runs_and_its_event_follows() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let begun = settle.intend(&intent(1)).unwrap();
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    ship.shipper.tell_long(&mut ship.link, Duration::from_secs(60)).await;
    assert_eq!(unsettled(&redis).await, [], "it has just begun");
    for _ in 0..2 {
        ship.shipper.tell_long(&mut ship.link, Duration::ZERO).await;
        assert_eq!(unsettled(&redis).await, [(RequestId(id(1)), false)]);
    }
    settle.record(begun, &event(1));
    ship.all().await;
    assert_eq!(shipped(&redis).await, once([1]));
}

#[tokio::test]
async fn a_file_stays_until_its_calls_end_and_a_long_one_holds_few() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    let long = settle.intend(&intent(1)).unwrap();
    call(&settle, 2).unwrap();
    assert_eq!(ship.through(&redis).await, once([2]));
    assert!(settle.depth().bytes > 0, "the long call's intent is in it");
    let mut most = 0;
    for n in 0..20_000 {
        call(&settle, 10 + n).unwrap();
        if n % 1_000 == 999 {
            ship.through(&redis).await;
            most = most.max(settle.depth().bytes);
        }
    }
    assert!(most < 18 << 20, "{most} bytes for one call");
    // It dies: the long call is known, and nothing else is told again.
    let left = ship.through(&redis).await;
    assert_eq!(left, BTreeMap::new());
    drop((settle, ship, long));
    let (settle, telemetry) = open(state.path(), ROOM);
    Ship::new(&settle, &redis, &telemetry).all().await;
    assert_eq!(unsettled(&redis).await, [(RequestId(id(1)), true)]);
}

#[tokio::test]
async fn a_torn_tail_costs_only_itself_and_the_file_is_kept() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    for n in 0..3 {
        call(&settle, n).unwrap();
    }
    drop(settle);
    let path = state.path().join("spool").join(format!("{:020}.seg", 1));
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 5).unwrap();

    let (settle, _) = open(state.path(), ROOM);
    assert_eq!(Ship::new(&settle, &redis, &telemetry).through(&redis).await, once(0..2));
    assert_eq!(telemetry.total(Count::SpoolDamaged), 1);
    assert_eq!((segments(state.path(), "seg"), segments(state.path(), "damaged")), (0, 1));
    assert_eq!((settle.depth().events, settle.depth().bytes), (0, 0));
}

const CHILD_STATE: &str = "TOLLGATE_TEST_SPOOL";

/// Run by the next test in a process of its own: records, and says so, until it is killed.
#[test]
#[ignore = "the child half of the next test"]
fn child_that_records_until_it_is_killed() {
    let Some(state) = std::env::var_os(CHILD_STATE) else { return };
    let (settle, _) = open(Path::new(&state), ROOM);
    let mut out = std::io::stdout();
    for n in 0.. {
        let begun = settle.intend(&intent(n)).unwrap();
        writeln!(out, "\nbegun {n}").unwrap();
        // Every tenth goes on for ever.
        if n % 10 == 9 {
            continue;
        }
        settle.record(begun, &event(n));
        writeln!(out, "\nrecorded {n}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn every_call_begun_before_a_kill_9_is_settled_or_known_as_unsettled() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "settle::child_that_records_until_it_is_killed"])
        .args(["--ignored", "--nocapture"])
        .env(CHILD_STATE, state.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    let mut lines = said.lines();
    let (mut begun, mut recorded) = (BTreeSet::new(), BTreeSet::new());
    let mut hear = |line: &str| {
        let number = |said: &str| said.parse().map(|n: u128| RequestId(id(n))).ok();
        begun.extend(line.strip_prefix("begun ").and_then(number));
        recorded.extend(line.strip_prefix("recorded ").and_then(number));
        recorded.len()
    };
    while hear(&lines.next().unwrap().unwrap()) < 2_000 {}
    child.kill().unwrap();
    child.wait().unwrap();
    // Also what it said and nobody had read yet.
    lines.map_while(Result::ok).for_each(|line| {
        hear(&line);
    });

    let (settle, telemetry) = open(state.path(), ROOM);
    Ship::new(&settle, &redis, &telemetry).all().await;
    let settled = shipped(&redis).await;
    let unsettled: BTreeSet<RequestId> =
        unsettled(&redis).await.into_iter().map(|(request, _)| request).collect();
    assert!(settled.values().all(|times| *times == 1));
    assert!(settled.keys().all(|request| !unsettled.contains(request)));
    assert!(recorded.iter().all(|request| settled.contains_key(request)));
    let known: BTreeSet<RequestId> = settled.keys().copied().chain(unsettled).collect();
    assert!(begun.is_subset(&known));
    // One more may have been written without a word of it.
    assert!(known.len() <= begun.len() + 1, "{} of {}", known.len(), begun.len());
    assert_eq!(telemetry.total(Count::SpoolDamaged), 0);
}

struct Mounted<'a>(&'a Path);

fn mount(arguments: &[&str]) -> bool {
    let done = Command::new("mount").args(arguments).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

impl<'a> Mounted<'a> {
    fn tmpfs(at: &'a Path, size: &str) -> Option<Self> {
        let size = format!("size={size}");
        mount(&["-t", "tmpfs", "-o", &size, "tmpfs", at.to_str()?]).then_some(Self(at))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0).status().ok();
    }
}

#[tokio::test]
async fn a_dead_gateway_is_said_to_be_gone_only_when_the_backend_has_all_that_it_recorded() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let [dead, next] = [id(81), id(82)].map(GatewayId);
    let (settle, _) = open(state.path(), ROOM);
    Former::take_over(state.path(), dead).unwrap();
    call(&settle, 1).unwrap();
    // As after `kill -9`: of this one no end is ever said.
    let _begun = settle.intend(&intent(2)).unwrap();
    drop(settle);

    let (settle, telemetry) = open(state.path(), ROOM);
    let former = Former::take_over(state.path(), next).unwrap();
    let link =
        Link::new(redis.address(), Purpose::Ship, Duration::from_secs(20), Arc::clone(&telemetry));
    let saying = tokio::spawn(former.say(settle.clone(), Clock::fixed(at(START)), link));
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    // Its own calls go on meanwhile, and are not waited for.
    call(&settle, 3).unwrap();
    ship.all().await;
    assert!(!settle.is_earlier_taken());
    let mut connection = redis.connection().await;
    let mut gone = redis::cmd("ZRANGE");
    gone.arg(channel::GATEWAYS_GONE).arg(0).arg(-1);
    assert!(gone.query_async::<Vec<String>>(&mut connection).await.unwrap().is_empty());
    take(&redis).await;
    ship.shipper.let_go(&mut ship.link).await;
    call(&settle, 4).unwrap();
    let start = std::time::Instant::now();
    loop {
        let said: Vec<String> = gone.query_async(&mut connection).await.unwrap();
        if said == [dead.to_string()] {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{said:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    saying.abort();
    let list = std::fs::read_to_string(state.path().join("gateways")).unwrap();
    assert_eq!(list, format!("{next}\n"));
}
