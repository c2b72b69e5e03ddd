//! What a gateway says of itself: to the others, and to who watches it.

use super::{Gateway, settings};
use crate::redis_server::{RedisKind, RedisServer};
use crate::settle::{call, take};
use crate::world::{START, at, caller, eventually, publish_all, records};
use contract::channel::{self, GatewayBeat};
use contract::money::Nanos;
use gateway::admin::{metrics, readiness};
use gateway::background::start;
use gateway::clock::Clock;
use gateway::reserve::Amounts;
use gateway::telemetry::{Ended, Finished};
use std::collections::HashMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What every gateway last said of itself.
async fn beats(redis: &RedisServer) -> Vec<GatewayBeat> {
    let mut connection = redis.connection().await;
    let mut command = redis::cmd("HGETALL");
    let words: HashMap<String, String> =
        command.arg(channel::GATEWAYS).query_async(&mut connection).await.unwrap();
    words.values().map(|text| serde_json::from_str(text).unwrap()).collect()
}

#[tokio::test]
async fn gateways_say_that_they_live_and_hear_each_other_also_on_a_cluster() {
    for kind in [RedisKind::Server, RedisKind::Cluster] {
        let redis = RedisServer::start_as(kind);
        let one = Gateway::start(&redis);
        let mut alone = Vec::new();
        while alone.is_empty() {
            alone = beats(&redis).await;
        }
        assert_eq!(alone[0].gateway_id, one.tools.gateway_id);
        assert_eq!((alone[0].spool_events, alone[0].config_version), (0, 0));
        assert!(alone[0].is_live(at(START + 10)) && !alone[0].is_live(at(START + 11)));

        let two = Gateway::start(&redis);
        eventually("each counts both", || {
            [&one, &two].iter().all(|gateway| gateway.tools.peers.count() == 2)
        })
        .await;
        drop(two);
        // Silent for ten seconds by the clock: gone. For an hour: forgotten.
        one.clock.set(at(START + 11));
        eventually("one is alone", || one.tools.peers.count() == 1).await;
        assert_eq!(beats(&redis).await.len(), 2);
        one.clock.set(at(START + 3_601));
        let start = Instant::now();
        while beats(&redis).await.len() > 1 {
            assert!(start.elapsed() < Duration::from_secs(10), "the silent one is never forgotten");
        }
    }
}

/// Those of whom the backend was told that they are gone.
async fn gone(redis: &RedisServer) -> Vec<String> {
    let mut command = redis::cmd("ZRANGE");
    command.arg(channel::GATEWAYS_GONE).arg(0).arg(-1);
    let mut gone: Vec<String> = command.query_async(&mut redis.connection().await).await.unwrap();
    gone.sort();
    gone
}

#[tokio::test]
async fn a_gateway_that_stops_says_that_it_is_gone_once_the_backend_has_all_that_it_recorded() {
    let redis = RedisServer::start();
    let first = Gateway::start(&redis);
    let first_id = first.tools.gateway_id.to_string();
    call(&first.tools.settle, 1).unwrap();
    // Nobody takes it.
    let state = first.into_state();
    assert!(gone(&redis).await.is_empty());

    let second = Gateway::start_in(state, &redis.url());
    let second_id = second.tools.gateway_id.to_string();
    call(&second.tools.settle, 2).unwrap();
    let start = Instant::now();
    while !second.tools.settle.is_all_taken() {
        take(&redis).await;
        assert!(start.elapsed() < Duration::from_secs(10), "not all is shipped");
    }
    let state = second.into_state();
    let mut both = [first_id, second_id];
    both.sort();
    assert_eq!(gone(&redis).await, both);
    // Whoever follows says it again until it was heard.
    let list = std::fs::read_to_string(state.path().join("gateways")).unwrap();
    assert!(both.iter().all(|id| list.contains(id)), "{list}");
}

#[tokio::test]
async fn a_gateway_tells_how_much_its_calls_hold_and_for_how_long() {
    let redis = RedisServer::start();
    let gateway = Gateway::start(&redis);
    let tools = &gateway.tools;
    let snapshot = tools.snapshot.load();
    let hold = Amounts { requests: 1, money: Nanos(70), ..Amounts::default() };
    let mut one = tools.reserve.reserve(&snapshot, &caller(), &hold, at(START)).await.unwrap();
    assert!(one.try_extend(&Amounts { money: Nanos(30), ..Amounts::default() }, at(START)));
    let two = tools.reserve.reserve(&snapshot, &caller(), &hold, at(START + 2)).await.unwrap();
    gateway.clock.set(at(START + 3));
    let told = async |reservations: u64, oldest_ms: u64, held: i64| {
        let start = Instant::now();
        loop {
            let beats = beats(&redis).await;
            let said = beats.first().map(|beat| {
                (beat.reservations, beat.oldest_reservation_ms, beat.held_nanos, beat.intents_open)
            });
            if said == Some((reservations, oldest_ms, held, 0)) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "it says {said:?}");
        }
    };
    told(2, 3_000, 170).await;
    assert!(metrics(tools).contains("tollgate_reservation_oldest_seconds 3\n"));
    one.settle(&Amounts::default());
    told(1, 1_000, 70).await;
    drop(two);
    told(0, 0, 0).await;
}

#[tokio::test]
async fn the_admin_port_tells_alive_from_ready_and_counts() {
    let redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let state = TempDir::new().unwrap();
    let clock = Clock::fixed(at(START));
    let settings = settings(&redis.url(), state.path());
    let (tools, background) = start(settings, clock, 1, Some(listener)).unwrap();
    eventually("it is ready", || readiness(&tools).config_version == version).await;

    let get = async |path: &str| {
        let answer = reqwest::get(format!("{base}{path}")).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(get("/livez").await, (200, "alive\n".into()));
    let (status, body) = get("/readyz").await;
    let said: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &said["ready"]), (200, &true.into()));
    assert_eq!(said["config_version"], version);
    assert_eq!(get("/metrics").await.0, 200);
    assert_eq!(get("/elsewhere").await.0, 404);

    tools.start_draining();
    let (status, body) = get("/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains("shutting down"), "{body}");
    assert_eq!(get("/livez").await.0, 200);
    background.stop(Duration::from_secs(5));
}

#[tokio::test]
async fn every_metric_has_a_clean_name_help_and_type_and_stands_once() {
    let redis = RedisServer::start();
    let gateway = Gateway::start(&redis);
    gateway.tools.telemetry.finished(&Finished {
        operation: Some(contract::usage::Operation::Chat),
        stream: true,
        ended: Ended::Refused,
        code: Some(contract::error::ErrorCode::LimitMoney),
        duration: Duration::from_millis(3),
        first_token: Some(Duration::from_millis(2)),
    });
    let text = metrics(&gateway.tools);
    let labels = r#"{operation="chat",outcome="refused",code="limit.money"} 1"#;
    assert!(text.contains(&format!("tollgate_requests_total{labels}")), "{text}");
    assert!(
        text.contains(r#"tollgate_first_token_seconds_bucket{operation="chat",le="0.0025"} 1"#)
    );
    lint(&text);
}

/// The rules of promtool's linter that a hand-written exposition can break.
fn lint(text: &str) {
    let mut types = std::collections::BTreeMap::new();
    let mut series = std::collections::BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(types.insert(name, kind).is_none(), "{name} is declared twice");
            let total = name.ends_with("_total");
            assert_eq!(kind == "counter", total, "{name}: counters, and only they, end in _total");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            for abbreviated in ["_ms", "_sec", "_us", "_count", "_sum", "_bucket", "_min"] {
                assert!(!name.ends_with(abbreviated), "{name}");
            }
        } else if let Some(rest) = line.strip_prefix("# HELP ") {
            assert!(rest.split_once(' ').is_some_and(|(_, help)| help.ends_with('.')), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(series.insert(name), "{name} stands twice");
            value.parse::<f64>().unwrap();
            let base = name.split('{').next().unwrap();
            let parts = ["_bucket", "_sum", "_count"];
            let family = parts.iter().find_map(|part| base.strip_suffix(part)).unwrap_or(base);
            assert!(types.contains_key(base) || types.get(family) == Some(&"histogram"), "{base}");
        }
    }
    assert!(types.len() > 15);
}
