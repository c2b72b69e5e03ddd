//! A whole gateway's background against a Redis that changes, dies, forgets and comes back.

use crate::redis_server::{RedisKind, RedisServer};
use crate::world::{
    CREDENTIAL, PUBLIC_ID, START, add_change, at, caller, change, eventually, key, limit, master,
    publish, publish_all, put_text, records, removal,
};
use contract::channel::{self, GatewayBeat};
use contract::money::Nanos;
use contract::snapshot::{Kind, LimitScope, Metric, Record, Window};
use gateway::admin::{metrics, readiness};
use gateway::background::{Background, Settings, Tools, start};
use gateway::clock::Clock;
use gateway::reserve::Amounts;
use gateway::snapshot::{Source, Stale};
use gateway::telemetry::{Count, Ended, Finished};
use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(1);

fn settings(url: &str, state: &Path) -> Settings {
    Settings {
        redis_url: url.into(),
        master_key: master(),
        state: state.into(),
        snapshot_age_max_s: 86_400,
        spool_bytes_max: 1 << 30,
    }
}

struct Gateway {
    tools: Tools,
    background: Option<Background>,
    state: TempDir,
    clock: Clock,
}

impl Gateway {
    fn start(redis: &RedisServer) -> Self {
        Self::start_in(TempDir::new().unwrap(), &redis.url())
    }

    fn start_in(state: TempDir, url: &str) -> Self {
        let clock = Clock::fixed(at(START));
        let (tools, background) =
            start(settings(url, state.path()), clock.clone(), 1, None).unwrap();
        Self { tools, background: Some(background), state, clock }
    }

    async fn at_version(self, version: u64) -> Self {
        self.reaches(version).await;
        self
    }

    async fn reaches(&self, version: u64) -> Duration {
        let handle = &self.tools.snapshot;
        let what = format!("version {version} is served");
        eventually(&what, || {
            handle.load().version() == version && handle.source() == Source::Current
        })
        .await
    }

    fn key_is_live(&self) -> bool {
        self.tools.snapshot.load().key(PUBLIC_ID).is_some_and(|key| key.revoked_at.is_none())
    }

    fn stop(&mut self) {
        if let Some(background) = self.background.take() {
            background.stop(Duration::from_secs(5));
        }
    }

    fn into_state(mut self) -> TempDir {
        self.stop();
        std::mem::replace(&mut self.state, TempDir::new().unwrap())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop();
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_two_gateways_within_one_second() {
    for kind in RedisKind::ALL {
        revoked_key(RedisServer::start_as(kind)).await;
    }
}

async fn revoked_key(redis: RedisServer) {
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let one = Gateway::start(&redis).at_version(version).await;
    let two = Gateway::start(&redis).at_version(version).await;
    assert!(one.key_is_live() && two.key_is_live());

    let revoked = change(version + 1, Record::Key(key(Some(at(START)))), at(START));
    publish(&mut connection, &[revoked]).await;
    let took = eventually("both refuse", || !one.key_is_live() && !two.key_is_live()).await;
    assert!(took < SOON, "{took:?}");
    assert_eq!(one.tools.snapshot.load().version(), version + 1);
}

#[tokio::test]
async fn a_missed_change_is_found_by_loading_everything_again() {
    let redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let gateway = Gateway::start(&redis).at_version(version).await;
    let reloads = gateway.tools.telemetry.total(Count::ConfigReloads);

    // The removal's own entry is lost; the next entry shows the gap.
    let gone = removal(version + 1, &Record::Key(key(None)), at(START));
    let mut pipe = redis::pipe();
    pipe.atomic().hdel(channel::records(Kind::Key), &gone.id).ignore();
    let next = change(version + 2, records().remove(0), at(START));
    add_change(&mut pipe, next.version, &serde_json::to_string(&next).unwrap());
    pipe.query_async::<()>(&mut connection).await.unwrap();

    let took = gateway.reaches(version + 2).await;
    assert!(took < SOON, "{took:?}");
    assert!(!gateway.key_is_live());
    assert_eq!(gateway.tools.telemetry.total(Count::ConfigReloads), reloads + 1);
}

#[tokio::test]
async fn a_trimmed_stream_is_found_by_comparing_versions() {
    let redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let gateway = Gateway::start(&redis).at_version(version).await;

    let mut pipe = redis::pipe();
    pipe.atomic();
    pipe.hdel(channel::records(Kind::Key), Record::Key(key(None)).id()).ignore();
    pipe.set(channel::VERSION, version + 7).ignore();
    pipe.query_async::<()>(&mut connection).await.unwrap();
    gateway.reaches(version + 7).await;
    assert!(!gateway.key_is_live());
}

#[tokio::test]
async fn one_record_that_cannot_be_read_does_not_keep_the_rest_out() {
    let redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    put_text(&mut connection, Kind::Org, "org_broken", "{\"version\":1").await;
    put_text(&mut connection, Kind::Model, "mdl_odd", "{\"version\":1,\"record\":{\"org\":1}}")
        .await;
    let gateway = Gateway::start(&redis).at_version(version).await;
    assert!(gateway.key_is_live());
    assert_eq!(gateway.tools.telemetry.total(Count::RecordsUnreadable), 2);
}

#[tokio::test]
async fn an_unreadable_change_closes_a_key_but_never_lifts_a_limit() {
    let redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let gateway = Gateway::start(&redis).at_version(version).await;

    let who = caller();
    let lim = limit(15, LimitScope::App(who.app_id), Metric::Requests, Window::Minute, 100);
    let mut pipe = redis::pipe();
    pipe.atomic();
    for (n, kind, id) in [(1, "key", who.key_id.to_string()), (2, "limit", lim.id.to_string())] {
        let version = version + n;
        let text = format!(
            r#"{{"version":{version},"kind":"{kind}","id":"{id}","record":{{"{kind}":{{}}}},"at":"2026-01-01T00:00:00Z"}}"#
        );
        add_change(&mut pipe, version, &text);
    }
    pipe.query_async::<()>(&mut connection).await.unwrap();
    gateway.reaches(version + 2).await;
    assert!(gateway.tools.snapshot.load().key(PUBLIC_ID).is_none());
    assert_eq!(gateway.tools.snapshot.load().limits(LimitScope::App(who.app_id))[0].max, 100);
}

#[tokio::test]
async fn a_killed_redis_is_followed_again_after_its_restart() {
    let mut redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let gateway = Gateway::start(&redis).at_version(version).await;

    redis.kill();
    eventually("the loss is noticed", || gateway.tools.snapshot.source() == Source::Unreachable)
        .await;
    assert!(gateway.key_is_live() && readiness(&gateway.tools).ready);

    assert!(redis.restart());
    let mut connection = redis.connection().await;
    let revoked = change(version + 1, Record::Key(key(Some(at(START)))), at(START));
    publish(&mut connection, &[revoked]).await;
    gateway.reaches(version + 1).await;
    assert!(!gateway.key_is_live());
}

#[tokio::test]
async fn a_failover_under_sentinel_is_followed_to_the_new_master() {
    failover_followed(RedisKind::Sentinel).await;
}

#[tokio::test]
async fn a_failover_in_a_cluster_is_followed_to_the_new_master() {
    failover_followed(RedisKind::Cluster).await;
}

async fn failover_followed(kind: RedisKind) {
    let mut redis = RedisServer::start_as(kind);
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let gateway = Gateway::start(&redis).at_version(version).await;
    // A change that no replica had would be lost with its master; the publisher sends it again.
    redis::cmd("WAIT").arg(1).arg(1_000).query_async::<u64>(&mut connection).await.unwrap();

    redis.kill_master_of(channel::VERSION);
    eventually("the loss is noticed", || gateway.tools.snapshot.source() != Source::Current).await;
    assert!(gateway.key_is_live() && readiness(&gateway.tools).ready);
    gateway.reaches(version).await;

    let mut connection = redis.connection().await;
    let revoked = change(version + 1, Record::Key(key(Some(at(START)))), at(START));
    publish(&mut connection, &[revoked]).await;
    gateway.reaches(version + 1).await;
    assert!(!gateway.key_is_live());
}

#[tokio::test]
async fn a_flushed_redis_takes_nothing_away_until_it_is_published_again() {
    let redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let gateway = Gateway::start(&redis).at_version(version).await;

    redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
    eventually("the loss is noticed", || gateway.tools.snapshot.source() == Source::Behind).await;
    assert!(gateway.key_is_live());

    // The backend publishes everything under versions after all earlier ones.
    let changes: Vec<_> = (version + 1..)
        .zip(records())
        .map(|(version, record)| change(version, record, at(START)))
        .collect();
    publish(&mut connection, &changes).await;
    gateway.reaches(version * 2).await;
    assert!(gateway.key_is_live());
}

#[tokio::test]
async fn a_redis_restored_from_an_old_copy_does_not_bring_a_revoked_key_back() {
    let redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let revoked = change(version + 1, Record::Key(key(Some(at(START)))), at(START));
    publish(&mut connection, &[revoked]).await;
    let gateway = Gateway::start(&redis).at_version(version + 1).await;
    assert!(!gateway.key_is_live());

    redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
    publish_all(&mut connection, records()).await;
    eventually("the step back is noticed", || gateway.tools.snapshot.source() == Source::Behind)
        .await;
    assert!(!gateway.key_is_live());
}

#[tokio::test]
async fn a_gateway_starts_from_disk_when_redis_is_gone() {
    let mut redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let state = Gateway::start(&redis).at_version(version).await.into_state();
    redis.kill();

    let gateway = Gateway::start_in(state, &redis.url());
    assert!(gateway.key_is_live());
    let view = gateway.tools.snapshot.load().model("small").cloned().unwrap();
    assert!(view.deployments[0].is_open());
    let said = readiness(&gateway.tools);
    assert!(said.ready, "{said:?}");
    assert_eq!((said.config_version, said.config_age_s), (version, Some(0.0)));
}

#[tokio::test]
async fn a_configuration_that_is_too_old_is_not_trusted() {
    let mut redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let gateway = Gateway::start(&redis).at_version(version).await;
    redis.kill();
    eventually("the loss is noticed", || gateway.tools.snapshot.source() == Source::Unreachable)
        .await;

    let check = || gateway.tools.snapshot.check(gateway.clock.now());
    gateway.clock.set(at(START + 86_400));
    assert_eq!(check(), Ok(()));
    gateway.clock.set(at(START + 86_401));
    assert_eq!(check(), Err(Stale::Old { age_s: 86_401, max_s: 86_400 }));
    assert!(!readiness(&gateway.tools).ready);
}

#[tokio::test]
async fn a_gateway_that_never_had_a_configuration_is_not_ready() {
    let mut redis = RedisServer::start();
    redis.kill();
    let gateway = Gateway::start(&redis);
    assert_eq!(gateway.tools.snapshot.check(at(START)), Err(Stale::Never));
    assert!(!readiness(&gateway.tools).ready);
}

#[tokio::test]
async fn a_damaged_copy_on_disk_is_not_served() {
    let redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let state = Gateway::start(&redis).at_version(version).await.into_state();
    drop(redis);
    let path = state.path().join("snapshot");
    let text = std::fs::read_to_string(&path).unwrap().replace("acme", "evil");
    std::fs::write(&path, text).unwrap();

    let gateway = Gateway::start_in(state, "redis://127.0.0.1:1");
    assert_eq!(gateway.tools.snapshot.check(at(START)), Err(Stale::Never));
}

#[tokio::test]
async fn no_credential_lies_open_on_disk_and_the_copy_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let redis = RedisServer::start();
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let state = Gateway::start(&redis).at_version(version).await.into_state();
    let mut seen = 0;
    for entry in std::fs::read_dir(state.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains(CREDENTIAL), "{}", path.display());
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0);
            seen += 1;
        }
    }
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn a_second_gateway_in_the_same_folder_is_told_to_take_its_own() {
    let redis = RedisServer::start();
    let gateway = Gateway::start(&redis);
    let again = start(settings(&redis.url(), gateway.state.path()), Clock::default(), 1, None);
    let why = again.unwrap_err().to_string();
    assert!(
        why.contains("another gateway uses") && why.contains("TOLLGATE_GATEWAY_STATE"),
        "{why}"
    );
}

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
