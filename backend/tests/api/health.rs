//! How well the money is: every fault that a person should know of is counted, and said.

use crate::harness::{Caller, Shop, TestApp, TestRedis, entry, idle};
use crate::unknowns::unsettled;
use backend::usage::{Entry, ingest};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::channel::{GatewayBeat, USAGE};
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;

async fn metrics(app: &TestApp) -> String {
    let router = backend::honesty::metrics::router(app.app.clone());
    let request = http::Request::get("/metrics").body(axum::body::Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// The last word of the gateway `n`, which has been silent for so long.
fn beat(now: Timestamp, n: u8, silent_s: i64, reservations: u64) -> GatewayBeat {
    GatewayBeat {
        at: now - TimeDelta::seconds(silent_s),
        spool_events: 3,
        spool_bytes: 4_096,
        intents_open: 1,
        reservations,
        oldest_reservation_ms: 5,
        held_nanos: 1_500_000_000,
        ..idle(now, n)
    }
}

#[tokio::test]
async fn what_waits_leaks_or_does_not_balance_is_counted_and_said_and_a_sound_platform_has_no_problem()
 {
    let redis = TestRedis::start().await;
    let app = TestApp::start_with(&["--redis-url", &redis.config().url]).await;
    let shop = Shop::open(&app).await;
    let caller = Caller::of(&app, &app.org("acme").await).await;
    let now = app.clock.now();
    redis.beat(&beat(now, 1, 1, 2)).await;
    let look = async || shop.operator.get("/v1/admin/health").await.expect(200).json();
    let health = look().await;
    assert_eq!(health["problems"], json!([]), "{health}");
    let live = &health["gateways"][0];
    assert_eq!((&live["live"], &live["held_usd"]), (&json!(true), &json!("1.50")));
    assert_eq!(health["stream"], json!({"length": 0, "pending": 0}));
    // A gateway that fell silent with calls under way, a call without an end, one entry that waits,
    // one that nobody can read, and a transaction that lost a leg.
    redis.beat(&beat(now, 2, 60, 4)).await;
    let lost = unsettled(&caller.event(&app, &shop, 1, 0), true);
    let body = |n: &str, text: String| Entry { stream_id: n.to_owned(), body: Some(text) };
    let batch = [
        body("1-1", serde_json::to_string(&lost).unwrap()),
        body("1-2", "not an event".to_owned()),
        entry(3, &caller.event(&app, &shop, 10, 10)),
    ];
    ingest(&app.app, &batch).await.unwrap();
    let waiting = now.timestamp_millis() - 45_000;
    redis::cmd("XADD")
        .arg(USAGE)
        .arg(format!("{waiting}-0"))
        .arg(&["e", "{}"])
        .query_async::<()>(&mut redis.link())
        .await
        .unwrap();
    let mut sql = app.sql().await;
    for text in
        ["set session_replication_role = replica", "delete from ledger_entries where position = 1"]
    {
        sqlx::query(text).execute(&mut sql).await.unwrap();
    }
    let health = look().await;
    for (name, count) in [("leaks", 4), ("unknowns", 1), ("dead_letters", 1), ("unbalanced", 1)] {
        assert_eq!(health[name], count, "{name}: {health}");
    }
    assert_eq!(health["ledger_lag_ms"], 45_000);
    let problems = health["problems"].to_string();
    for said in [
        "waits 45 seconds",
        "1 gateway fell silent",
        "1 event cannot be booked",
        "1 call is of unknown outcome",
        "1 transaction does not balance",
        "4 reservations leak",
    ] {
        assert!(problems.contains(said), "{said}: {problems}");
    }
    let metrics = metrics(&app).await;
    for line in [
        "tollgate_reservation_leaks 4",
        "tollgate_ledger_unbalanced 1",
        "tollgate_unknowns 1",
        "tollgate_dead_letters 1",
        "tollgate_gateway_spool_bytes 8192",
    ] {
        assert!(metrics.contains(&format!("\n{line}\n")), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn without_redis_what_only_it_knows_is_absent_and_that_is_a_problem() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let health = operator.get("/v1/admin/health").await.expect(200).json();
    assert_eq!((&health["gateways"], &health["stream"]), (&json!(null), &json!(null)));
    assert!(health["problems"].to_string().contains("Redis cannot be asked"), "{health}");
    let metrics = metrics(&app).await;
    assert!(
        !metrics.contains("reservation_leaks") && metrics.contains("tollgate_ledger_unbalanced 0")
    );
}
