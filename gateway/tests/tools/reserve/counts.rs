//! What a limit admits, what a call holds of it, and what it keeps in the end.

use super::{Gateway, bound, budget, counter, money, per_minute, requests, under};
use crate::redis_server::RedisServer;
use crate::world::{START, at, caller, id, limit};
use contract::money::Nanos;
use contract::snapshot::{LimitRecord, LimitScope, Metric, Window};
use gateway::clock::Clock;
use gateway::reserve::{Amounts, Refused};
use gateway::telemetry::Count;
use std::time::{Duration, Instant};

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
