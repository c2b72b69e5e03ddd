//! What is drawn ahead: enough that calls do not wait for Redis, and given back when it is idle.

use super::{Gateway, budget, counter, money, per_minute, requests, under};
use crate::redis_server::RedisServer;
use crate::world::{START, at, caller, limit};
use contract::money::Nanos;
use contract::snapshot::{LimitScope, Metric, Window};
use futures::future::join_all;
use gateway::clock::Clock;
use gateway::reserve::Amounts;
use gateway::telemetry::Count;
use std::time::{Duration, Instant};

#[tokio::test]
async fn what_is_in_hand_extends_a_reservation_without_redis() {
    let mut redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([budget(1_000_000)]);
    let mut held = gateway.take(&snapshot, money(10)).await.unwrap();
    for millis in 0..500 {
        clock.set(at(START) + chrono::TimeDelta::milliseconds(millis));
        gateway.take(&snapshot, money(5)).await.unwrap().settle(&money(5));
    }
    redis.kill();
    assert!(held.try_extend(&money(5), clock.now()));
    assert!(!held.try_extend(&money(900_000), clock.now()), "more than was drawn");
    assert_eq!(held.money(), Nanos(15));
}

#[tokio::test]
async fn idle_allowance_is_given_back_without_being_asked_for() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let record = per_minute(100_000);
    let snapshot = under([record.clone()]);
    for millis in 0..500 {
        clock.set(at(START) + chrono::TimeDelta::milliseconds(millis));
        gateway.take(&snapshot, requests(1)).await.unwrap().settle(&requests(1));
    }
    assert!(counter(&redis, &record, START).await > 500, "nothing was drawn ahead");
    clock.set(at(START + 10));
    let start = Instant::now();
    while counter(&redis, &record, START).await != 500 {
        assert!(start.elapsed() < Duration::from_secs(10), "idle allowance never came back");
    }
}

#[tokio::test]
async fn callers_that_wait_together_share_draws() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([per_minute(10_000), budget(1_000_000)]);
    let taken = join_all((0..500).map(|_| gateway.take(&snapshot, money(10)))).await;
    assert!(taken.iter().all(Result::is_ok));
    assert_eq!(gateway.telemetry.total(Count::DrawGranted), 500);
    let calls = gateway.telemetry.total(Count::RedisDrawOk);
    assert!(calls <= 5, "{calls} calls to Redis for 500 callers");
}

#[tokio::test]
async fn steady_use_draws_ahead_and_rarely_waits() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([per_minute(1_000_000)]);
    for millis in 0..5_000 {
        clock.set(at(START) + chrono::TimeDelta::milliseconds(millis));
        gateway.take(&snapshot, requests(1)).await.unwrap().settle(&requests(1));
        tokio::task::yield_now().await;
    }
    let waited = gateway.telemetry.total(Count::DrawGranted);
    let calls = gateway.telemetry.total(Count::RedisDrawOk);
    assert!(waited < 50, "{waited} of 5000 calls waited for a draw");
    assert!(calls < 200, "{calls} calls to Redis");
}

/// Commands that a server has run, those of scripts included.
async fn commands(redis: &RedisServer) -> (u64, u64) {
    let mut connection = redis.connection().await;
    let mut info = redis::cmd("INFO");
    let text: String = info.arg("commandstats").query_async(&mut connection).await.unwrap();
    let calls = |line: &str| {
        let (_, rest) = line.split_once("calls=")?;
        rest.split(',').next()?.parse::<u64>().ok()
    };
    let of = |name: &str| {
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.filter_map(calls).sum::<u64>()
    };
    (of("cmdstat_eval"), of("cmdstat_"))
}

#[tokio::test]
async fn calls_under_seven_limits_wait_for_no_redis_in_steady_use() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let app = LimitScope::App(caller().app_id);
    let org = LimitScope::Org(caller().org_id);
    let large = 1_000_000_000;
    let snapshot = under([
        limit(70, app, Metric::Requests, Window::Minute, large),
        limit(71, app, Metric::Tokens, Window::Day, large),
        limit(72, org, Metric::Money, Window::Month, large),
        limit(73, org, Metric::InputTokens, Window::Hour, large),
        limit(74, org, Metric::OutputTokens, Window::Lifetime, large),
        limit(75, org, Metric::Concurrency, Window::Lifetime, 10_000),
        limit(76, org, Metric::Requests, Window::Quarter, large),
    ]);
    let estimate = Amounts {
        requests: 1,
        input_tokens: 100,
        output_tokens: 200,
        money: Nanos(1_000),
        running: 1,
        ..Amounts::default()
    };
    let used = Amounts { output_tokens: 50, money: Nanos(400), running: 0, ..estimate };
    let mut waited = 0;
    let mut before = (0, 0);
    for call in 0..12_000_i64 {
        if call == 2_000 {
            waited = gateway.telemetry.total(Count::DrawGranted);
            before = commands(&redis).await;
        }
        // A thousand calls a second.
        clock.set(at(START) + chrono::TimeDelta::milliseconds(call));
        gateway.take(&snapshot, estimate).await.unwrap().settle(&used);
        if call % 10 == 0 {
            gateway.reserve.balanced().await;
        }
    }
    let after = commands(&redis).await;
    let waited = gateway.telemetry.total(Count::DrawGranted) - waited;
    let (calls, all) = (after.0 - before.0, after.1 - before.1);
    println!("per 1,000 requests: {} calls of the script, {} commands", calls / 10, all / 10);
    assert_eq!(waited, 0, "calls waited for Redis");
    assert!(calls < 500, "{calls} calls of the script for 10,000 requests");
}

#[tokio::test]
async fn no_call_is_refused_at_the_turn_of_a_window() {
    let redis = RedisServer::start();
    let clock = Clock::default();
    let gateway = Gateway::start(&redis, &clock);
    let mut record = per_minute(100_000_000);
    record.window = Window::Second;
    let snapshot = under([record]);
    let end = Instant::now() + Duration::from_secs(4);
    let mut calls = 0_u64;
    while Instant::now() < end {
        let held = gateway.take(&snapshot, requests(1)).await;
        held.unwrap_or_else(|refused| panic!("call {calls}: {refused:?}")).settle(&requests(1));
        calls += 1;
        tokio::task::yield_now().await;
    }
    assert!(calls > 1_000, "{calls} calls");
}
