//! Calls that began: each ends, or is told as one whose end nobody saw.

use super::{ROOM, Ship, call, entries, event, intent, once, open, shipped, take, unsettled};
use crate::redis_server::RedisServer;
use crate::world::{START, at, id};
use contract::channel;
use contract::id::{GatewayId, RequestId};
use contract::money::Nanos;
use contract::usage::UsageIntent;
use gateway::clock::Clock;
use gateway::former::Former;
use gateway::link::{Link, Purpose};
use gateway::settle::Shipped;
use gateway::telemetry::Count;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

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
    let texts = entries(&redis, "i").await;
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
        .args(["--exact", "settle::ends::child_that_records_until_it_is_killed"])
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
    // One more may have been written without a word of it: whole, or torn at the edge of a page, where
    // the kernel stops a write of a process that is killed.
    let torn = usize::try_from(telemetry.total(Count::SpoolDamaged)).unwrap();
    assert!(known.len() + torn <= begun.len() + 1, "{} and {torn}: {}", known.len(), begun.len());
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
    let mut said = async || {
        let start = std::time::Instant::now();
        loop {
            let said: Vec<String> = gone.query_async(&mut connection).await.unwrap();
            if said == [dead.to_string()] {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{said:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    said().await;
    // Redis forgets it before the backend has acted on it.
    redis.flush();
    said().await;
    let list = || std::fs::read_to_string(state.path().join("gateways")).unwrap();
    assert_eq!(list(), format!("{dead}\n{next}\n"));
    let mut left = redis::cmd("ZADD");
    left.arg(channel::GATEWAYS_LEFT).arg(1).arg(dead.to_string());
    left.query_async::<i64>(&mut redis.connection().await).await.unwrap();
    let start = std::time::Instant::now();
    while list() != format!("{next}\n") {
        assert!(start.elapsed() < Duration::from_secs(20), "it is still said");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    saying.abort();
}
