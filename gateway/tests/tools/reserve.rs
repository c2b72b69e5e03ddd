//! Reservations of several gateways against one Redis: never over, all of it usable.

use crate::redis_server::{RedisKind, RedisServer};
use crate::world::{START, arc_master, at, caller, id, limit};
use contract::channel;
use contract::id::GatewayId;
use contract::money::Nanos;
use contract::snapshot::{LimitRecord, LimitScope, Metric, Record, Window, WithoutRedis};
use futures::future::join_all;
use gateway::clock::Clock;
use gateway::link::{Link, Purpose};
use gateway::reserve::{Amounts, Caller, Refused, Reservation, Reserve};
use gateway::snapshot::Snapshot;
use gateway::telemetry::{Count, Telemetry};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One gateway's reservations, with its drawer in the background of the test.
struct Gateway {
    id: GatewayId,
    drawer: tokio::task::JoinHandle<()>,
    reserve: Reserve,
    telemetry: Arc<Telemetry>,
    clock: Clock,
}

static NEXT: AtomicU64 = AtomicU64::new(1_000);

impl Gateway {
    fn start(redis: &RedisServer, clock: &Clock) -> Self {
        Self::start_within(redis, clock, Duration::from_secs(20))
    }

    fn start_within(redis: &RedisServer, clock: &Clock, within: Duration) -> Self {
        let gateway_id = GatewayId(id(u128::from(NEXT.fetch_add(1, Ordering::Relaxed))));
        let telemetry = Arc::new(Telemetry::default());
        redis.set_to_run(&channel::restored(caller().org_id));
        let (reserve, drawer) = Reserve::new(gateway_id, clock.clone(), Arc::clone(&telemetry));
        let link = Link::new(redis.address(), Purpose::Draw, within, Arc::clone(&telemetry));
        let drawer = tokio::spawn(drawer.run(link));
        Self { id: gateway_id, drawer, reserve, telemetry, clock: clock.clone() }
    }

    /// Ends what speaks for it to Redis, as `kill -9` does.
    fn kill(&self) {
        self.drawer.abort();
    }

    async fn take(&self, snapshot: &Snapshot, amounts: Amounts) -> Result<Reservation, Refused> {
        self.reserve.reserve(snapshot, &caller(), &amounts, self.clock.now()).await
    }
}

fn requests(n: i64) -> Amounts {
    Amounts { requests: n, ..Amounts::default() }
}

fn money(n: i64) -> Amounts {
    Amounts { requests: 1, money: Nanos(n), ..Amounts::default() }
}

fn under(limits: impl IntoIterator<Item = LimitRecord>) -> Snapshot {
    Snapshot::of(arc_master(), limits.into_iter().map(Record::Limit))
}

fn per_minute(max: i64) -> LimitRecord {
    limit(50, LimitScope::App(caller().app_id), Metric::Requests, Window::Minute, max)
}

fn budget(max: i64) -> LimitRecord {
    limit(51, LimitScope::Org(caller().org_id), Metric::Money, Window::Month, max)
}

fn bound(refused: &Refused) -> (&LimitRecord, i64) {
    match refused {
        Refused::Limit(standing) => (&standing.limit, standing.remaining),
        Refused::Unknown(limit) => panic!("the limit {limit:?} could not be asked"),
    }
}

async fn counter(redis: &RedisServer, limit: &LimitRecord, window: i64) -> i64 {
    let subject = match limit.scope {
        LimitScope::Org(id) => id.to_string(),
        LimitScope::App(id) => id.to_string(),
        _ => caller().subscription_id.to_string(),
    };
    let name = channel::limit_drawn(caller().org_id, &limit.id.to_string(), &subject, window);
    let mut connection = redis.connection().await;
    let mut command = redis::cmd("HGET");
    let drawn: Option<i64> = command.arg(name).arg("t").query_async(&mut connection).await.unwrap();
    drawn.unwrap_or(0)
}

#[tokio::test]
async fn a_limit_admits_exactly_its_maximum_and_names_itself_then() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START + 12));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([per_minute(25)]);
    for _ in 0..25 {
        gateway.take(&snapshot, requests(1)).await.unwrap().settle(&requests(1));
    }
    let refused = gateway.take(&snapshot, requests(1)).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "limit.requests");
    let Refused::Limit(standing) = refused else { panic!("a limit refuses") };
    assert_eq!((standing.limit.max, standing.remaining), (25, 0));
    assert_eq!(standing.resets_at, Some(at(START + 60)));
    assert_eq!(standing.retry_after(clock.now()), Some(Duration::from_secs(48)));
}

#[tokio::test]
async fn a_new_window_starts_full() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START + 59));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([per_minute(3)]);
    for _ in 0..3 {
        gateway.take(&snapshot, requests(1)).await.unwrap().settle(&requests(1));
    }
    gateway.take(&snapshot, requests(1)).await.unwrap_err();
    clock.set(at(START + 60));
    let first = gateway.take(&snapshot, requests(1)).await.unwrap();
    assert_eq!(first.standings().next().unwrap().remaining, 2);
    first.settle(&requests(1));
    for _ in 0..2 {
        gateway.take(&snapshot, requests(1)).await.unwrap().settle(&requests(1));
    }
    gateway.take(&snapshot, requests(1)).await.unwrap_err();
}

#[tokio::test]
async fn a_reservation_that_settles_in_a_later_window_does_not_touch_it() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START + 59));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([per_minute(10)]);
    let held = gateway.take(&snapshot, requests(8)).await.unwrap();
    clock.set(at(START + 60));
    gateway.take(&snapshot, requests(10)).await.unwrap().settle(&requests(10));
    held.settle(&requests(0));
    gateway.take(&snapshot, requests(1)).await.unwrap_err();
}

#[tokio::test]
async fn what_one_limit_refuses_takes_nothing_from_the_others() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([per_minute(100), budget(1_000)]);
    let refused = gateway.take(&snapshot, money(1_001)).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "limit.money");
    assert_eq!(bound(&refused).1, 1_000);
    assert_eq!(counter(&redis, &per_minute(100), START).await, 0);
    assert_eq!(counter(&redis, &budget(1_000), START).await, 0);
    gateway.take(&snapshot, requests(100)).await.unwrap().settle(&requests(100));
}

#[tokio::test]
async fn a_dropped_reservation_goes_back() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([per_minute(10)]);
    drop(gateway.take(&snapshot, requests(10)).await.unwrap());
    gateway.take(&snapshot, requests(10)).await.unwrap().settle(&requests(10));
}

#[tokio::test]
async fn a_call_that_cost_less_frees_the_rest_for_other_gateways() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let (one, two) = (Gateway::start(&redis, &clock), Gateway::start(&redis, &clock));
    let snapshot = under([budget(1_000)]);
    one.take(&snapshot, money(900)).await.unwrap().settle(&money(100));
    one.reserve.give_back().await;
    assert_eq!(counter(&redis, &budget(1_000), START).await, 100);
    two.take(&snapshot, money(900)).await.unwrap().settle(&money(900));
    two.take(&snapshot, money(1)).await.unwrap_err();
}

#[tokio::test]
async fn a_call_that_cost_more_is_taken_in_full_even_past_the_limit() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let (one, two) = (Gateway::start(&redis, &clock), Gateway::start(&redis, &clock));
    let snapshot = under([budget(1_000)]);
    one.take(&snapshot, money(900)).await.unwrap().settle(&money(1_500));
    one.reserve.give_back().await;
    assert_eq!(counter(&redis, &budget(1_000), START).await, 1_500);
    // Less what it may have had in hand besides.
    assert!((590..=600).contains(&one.telemetry.total(Count::OverdrawnNanos)));
    let refused = two.take(&snapshot, money(1)).await.unwrap_err();
    assert_eq!(bound(&refused).1, 0);
}

#[tokio::test]
async fn a_reservation_is_extended_in_all_its_limits_or_in_none() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let snapshot = under([per_minute(100), budget(1_000)]);
    let more = |n| Amounts { requests: 1, money: Nanos(n), ..Amounts::default() };
    let mut held = gateway.take(&snapshot, money(600)).await.unwrap();
    held.extend(&more(300), clock.now()).await.unwrap();
    assert_eq!(held.money(), Nanos(900));
    let refused = held.extend(&more(101), clock.now()).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "limit.money");
    assert!(!held.try_extend(&more(101), clock.now()));
    held.settle(&Amounts { requests: 2, money: Nanos(850), ..Amounts::default() });
    gateway.reserve.give_back().await;
    assert_eq!(counter(&redis, &budget(1_000), START).await, 850);
    assert_eq!(counter(&redis, &per_minute(100), START).await, 2);
}

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
async fn a_limit_of_nothing_refuses_calls_that_cost_nothing_too() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    for max in [0, -1, i64::MIN] {
        let snapshot = under([budget(max)]);
        let refused = gateway.take(&snapshot, requests(1)).await.unwrap_err();
        assert_eq!(refused.code().as_str(), "limit.money");
        assert_eq!(bound(&refused).1, 0);
    }
}

#[tokio::test]
async fn what_a_call_uses_beyond_its_hold_after_its_window_counts_in_that_window() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START + 58));
    let gateway = Gateway::start(&redis, &clock);
    let record = per_minute(100);
    let snapshot = under([record.clone()]);
    let held = gateway.take(&snapshot, requests(8)).await.unwrap();
    let mut long = gateway.take(&snapshot, requests(10)).await.unwrap();
    clock.set(at(START + 61));
    gateway.take(&snapshot, requests(20)).await.unwrap().settle(&requests(20));
    // This one goes on into the new window, and uses both parts up.
    long.extend(&requests(5), clock.now()).await.unwrap();
    long.settle(&requests(15));
    held.settle(&requests(30));
    let start = Instant::now();
    while counter(&redis, &record, START).await != 40 {
        assert!(start.elapsed() < Duration::from_secs(10), "the counter never heard of it");
    }
    gateway.reserve.give_back().await;
    assert_eq!(counter(&redis, &record, START + 60).await, 25);
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
async fn a_limit_raised_or_lowered_live_keeps_its_use() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let (one, two) = (Gateway::start(&redis, &clock), Gateway::start(&redis, &clock));
    let wide = under([per_minute(100)]);
    for _ in 0..20 {
        one.take(&wide, requests(1)).await.unwrap().settle(&requests(1));
        two.take(&wide, requests(1)).await.unwrap().settle(&requests(1));
    }
    // 40 used, and both gateways have some in hand.
    let narrow = under([per_minute(40)]);
    one.take(&narrow, requests(1)).await.unwrap_err();
    two.take(&narrow, requests(1)).await.unwrap_err();

    clock.set(at(START + 1));
    let wider = under([per_minute(45)]);
    let mut admitted = 0;
    for _ in 0..10 {
        for gateway in [&one, &two] {
            if let Ok(held) = gateway.take(&wider, requests(1)).await {
                held.settle(&requests(1));
                admitted += 1;
            }
        }
    }
    assert_eq!(admitted, 5);
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
async fn every_subscription_of_a_plan_is_counted_on_its_own() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let mut record =
        limit(52, LimitScope::Plan(caller().plan_id), Metric::Requests, Window::Day, 2);
    record.org_id = None;
    let snapshot = under([record]);
    let one = requests(1);
    let mut other = caller();
    other.subscription_id = contract::id::SubscriptionId(id(77));
    for who in [caller(), other] {
        let take = || gateway.reserve.reserve(&snapshot, &who, &one, at(START));
        take().await.unwrap().settle(&requests(1));
        take().await.unwrap().settle(&requests(1));
        take().await.unwrap_err();
    }
}

#[tokio::test]
async fn amounts_beyond_what_a_float_can_tell_apart_are_counted_exactly() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateway = Gateway::start(&redis, &clock);
    let mut record = budget(9_000_000_000_000_000_001);
    record.window = Window::Lifetime;
    let snapshot = under([record.clone()]);
    // Calls that cost far more than was expected of them.
    let first = 4_500_000_000_000_000_001;
    let second = 4_499_999_999_999_998_999;
    for cost in [first, second] {
        gateway.take(&snapshot, money(1)).await.unwrap().settle(&money(cost));
        gateway.reserve.balanced().await;
    }
    gateway.reserve.give_back().await;
    assert_eq!(counter(&redis, &record, 0).await, first + second);
    // 1001 nano-dollars are left.
    let refused = gateway.take(&snapshot, money(1_002)).await.unwrap_err();
    assert_eq!(bound(&refused).1, 1_001);
    clock.set(at(START + 1));
    gateway.take(&snapshot, money(1_001)).await.unwrap().settle(&money(1_001));
    gateway.take(&snapshot, money(1)).await.unwrap_err();
}

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

fn running(max: i64) -> LimitRecord {
    limit(53, LimitScope::App(caller().app_id), Metric::Concurrency, Window::Lifetime, max)
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
async fn a_sliding_limit_holds_in_every_stretch_of_its_length_and_is_nearly_all_usable() {
    let redis = RedisServer::start();
    let clock = Clock::fixed(at(START));
    let gateways = [Gateway::start(&redis, &clock), Gateway::start(&redis, &clock)];
    let max = 1_000;
    let snapshot = under([LimitRecord { sliding: true, ..per_minute(max) }]);
    let mut admitted: Vec<(i64, i64)> = Vec::new();
    let mut last_minute = 0;
    for step in 0..1_500_i64 {
        let now_ms = step * 100;
        clock.set(at(START) + chrono::TimeDelta::milliseconds(now_ms));
        let gateway = &gateways[usize::try_from(step % 2).unwrap()];
        // Estimated at more than is used, as tokens are.
        if let Ok(held) = gateway.take(&snapshot, requests(10)).await {
            held.settle(&requests(4));
            admitted.push((now_ms, 4));
        }
        let since = |ms: i64| {
            let recent = admitted.iter().filter(|(at, _)| *at > ms);
            recent.map(|(_, used)| used).sum::<i64>()
        };
        assert!(since(now_ms - 60_000) <= max);
        last_minute = since(now_ms - 60_000);
    }
    assert!(last_minute * 100 >= max * 95, "{last_minute} of {max}");
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

/// What happens in the property test.
#[derive(Debug, Clone)]
struct Step {
    gateway: usize,
    reserve: i64,
    /// Of what was reserved, in percent, when it settles.
    used: i64,
    /// How many steps later it settles.
    later: usize,
    wait_ms: i64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_usize..5, 1_i64..60, 0_i64..=100, 0_usize..6, 0_i64..8).prop_map(
        |(gateway, reserve, used, later, wait_ms)| Step { gateway, reserve, used, later, wait_ms },
    );
    proptest::collection::vec(step, 300..500)
}

/// Runs the steps until the first refusal; says how much was used or held then. Panics when the
/// gateways together hold more than the limit.
async fn run(redis: &RedisServer, limit: LimitRecord, steps: &[Step]) -> (i64, bool) {
    let max = limit.max;
    let clock = Clock::fixed(at(START));
    let gateways: Vec<_> = (0..5).map(|_| Gateway::start(redis, &clock)).collect();
    let snapshot = under([limit]);
    let mut held: Vec<(usize, usize, Reservation, i64, i64)> = Vec::new();
    let mut total = 0_i64;
    for (n, step) in steps.iter().enumerate() {
        let mut settled = std::collections::BTreeSet::new();
        let mut i = 0;
        while i < held.len() {
            if held[i].0 <= n {
                let (_, gateway, reservation, reserved, used) = held.swap_remove(i);
                settled.insert(gateway);
                reservation.settle(&requests(used));
                total -= reserved - used;
            } else {
                i += 1;
            }
        }
        clock.set(clock.now() + chrono::TimeDelta::milliseconds(step.wait_ms));
        if step.wait_ms > 0 {
            // Long enough for what was settled to reach the counter.
            join_all(settled.into_iter().map(|n| gateways[n].reserve.balanced())).await;
        }
        match gateways[step.gateway].take(&snapshot, requests(step.reserve)).await {
            Ok(reservation) => {
                total += step.reserve;
                let used = step.reserve * step.used / 100;
                held.push((n + step.later, step.gateway, reservation, step.reserve, used));
            }
            Err(refused) => {
                assert_eq!(refused.code().as_str(), "limit.requests");
                return (total, true);
            }
        }
        assert!(total <= max, "{total} of {max}");
    }
    (total, false)
}

#[test]
fn several_gateways_never_pass_a_limit_and_can_use_nearly_all_of_it() {
    several_gateways(RedisKind::Server, 8);
}

#[test]
fn several_gateways_never_pass_a_limit_under_sentinel() {
    several_gateways(RedisKind::Sentinel, 4);
}

#[test]
fn several_gateways_never_pass_a_limit_on_a_cluster() {
    several_gateways(RedisKind::Cluster, 4);
}

fn several_gateways(kind: RedisKind, cases: u32) {
    let redis = RedisServer::start_as(kind);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let (number, refusals) = (AtomicU64::new(500_000), AtomicU64::new(0));
    runner
        .run(&(steps(), 2_000_i64..4_500), |(steps, max)| {
            let mut record = per_minute(max);
            // A counter of its own for each case.
            record.id =
                contract::id::LimitId(id(u128::from(number.fetch_add(1, Ordering::Relaxed))));
            let (total, refused) = runtime.block_on(run(&redis, record, &steps));
            if refused {
                refusals.fetch_add(1, Ordering::Relaxed);
                // `total` counts what is used and held; the call that was refused wanted up to 60.
                prop_assert!((total + 60) * 100 >= max * 95, "refused at {} of {}", total, max);
            }
            Ok(())
        })
        .unwrap();
    assert!(
        refusals.load(Ordering::Relaxed) * 3 >= u64::from(cases),
        "the cases hardly reach their limits"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_that_race_for_a_limit_get_exactly_its_maximum() {
    for kind in RedisKind::ALL {
        threads_race(RedisServer::start_as(kind)).await;
    }
}

async fn threads_race(redis: RedisServer) {
    let clock = Clock::fixed(at(START));
    let gateways = [Gateway::start(&redis, &clock), Gateway::start(&redis, &clock)];
    let snapshot = under([per_minute(2_000), budget(1_000_000)]);
    let mut tasks = Vec::new();
    for n in 0..32 {
        let (reserve, snapshot) = (gateways[n % 2].reserve.clone(), snapshot.clone());
        tasks.push(tokio::spawn(async move {
            let mut admitted = 0;
            for _ in 0..100 {
                if let Ok(held) = reserve.reserve(&snapshot, &caller(), &money(50), at(START)).await
                {
                    held.settle(&money(20));
                    admitted += 1;
                }
            }
            admitted
        }));
    }
    let admitted: i64 = join_all(tasks).await.into_iter().map(Result::unwrap).sum();
    assert!(admitted <= 2_000);
    for gateway in &gateways {
        gateway.reserve.give_back().await;
    }
    assert_eq!(counter(&redis, &per_minute(2_000), START).await, admitted);
    assert_eq!(counter(&redis, &budget(1_000_000), START).await, admitted * 20);
    assert!(admitted >= 1_900, "{admitted}");
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
