//! The configuration: how fast it comes, and what is served when it does not.

use super::{Gateway, SOON, settings};
use crate::redis_server::{RedisKind, RedisServer};
use crate::world::{
    CREDENTIAL, PUBLIC_ID, START, add_change, at, caller, change, eventually, key, limit, publish,
    publish_all, put_text, records, removal,
};
use contract::channel;
use contract::snapshot::{Kind, LimitScope, Metric, Record, Window};
use gateway::admin::readiness;
use gateway::background::start;
use gateway::clock::Clock;
use gateway::snapshot::{Source, Stale};
use gateway::telemetry::Count;
use redis_link::Connection;

/// What is published, its version, and a gateway that serves it.
async fn served(redis: &RedisServer) -> (Connection, u64, Gateway) {
    let mut connection = redis.connection().await;
    let version = publish_all(&mut connection, records()).await;
    let gateway = Gateway::start(redis).at_version(version).await;
    (connection, version, gateway)
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_two_gateways_within_one_second() {
    for kind in RedisKind::ALL {
        revoked_key(RedisServer::start_as(kind)).await;
    }
}

async fn revoked_key(redis: RedisServer) {
    let (mut connection, version, one) = served(&redis).await;
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
    let (mut connection, version, gateway) = served(&redis).await;
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
    let (mut connection, version, gateway) = served(&redis).await;

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
    let (mut connection, version, gateway) = served(&redis).await;

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
    let (_, version, gateway) = served(&redis).await;

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
    let (mut connection, version, gateway) = served(&redis).await;
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
    let (mut connection, version, gateway) = served(&redis).await;

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
    let (_, version, gateway) = served(&redis).await;
    let state = gateway.into_state();
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
    let (_, _, gateway) = served(&redis).await;
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
    let (_, _, gateway) = served(&redis).await;
    let state = gateway.into_state();
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
    let (_, _, gateway) = served(&redis).await;
    let state = gateway.into_state();
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
