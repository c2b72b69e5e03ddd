//! Limits as callers meet them: what they count, whom they bind, and what is told of them.

use crate::support::{Stack, chat, error, wait_for};
use chrono::TimeDelta;
use contract::id::ModelId;
use contract::snapshot::{LimitScope, Metric, Override, Record, Tag, Window};
use gateway::clock::Clock;
use http::HeaderMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

async fn tagged(stack: &Stack, tags: &str) -> reqwest::Response {
    let call = stack.post("/v1/chat/completions").header("x-tollgate-tags", tags);
    call.json(&chat("")).send().await.unwrap()
}

fn of<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_limit_on_a_tag_binds_only_the_calls_that_declare_it() {
    let stack = Stack::of(|world| {
        world.limit(Metric::Requests, Window::Lifetime, 1);
        world.limits[0].tag = Some(Tag::new("feature", "search").unwrap());
    })
    .await;
    assert_eq!(tagged(&stack, "cost-centre=42, feature=search").await.status(), 200);
    let refused = error(tagged(&stack, "feature=search").await).await;
    assert_eq!((refused.0, refused.1.as_str()), (429, "limit.requests"));
    assert_eq!(tagged(&stack, "feature=ads").await.status(), 200);
    assert_eq!(stack.chat("").await.status(), 200);
}

#[tokio::test]
async fn tags_that_are_not_well_formed_are_refused_before_the_call() {
    let stack = Stack::start().await;
    for bad in ["feature", "Feature=1", "a=1,a=2", "a=", "a=b c"] {
        let (status, code, _) = error(tagged(&stack, bad).await).await;
        assert_eq!((status, code.as_str()), (400, "request.header_invalid"), "{bad}");
    }
    assert_eq!(stack.sim.stats().calls, 0);
}

#[tokio::test]
async fn a_limit_on_another_model_does_not_bind() {
    let stack = Stack::of(|world| {
        world.limit(Metric::Requests, Window::Lifetime, 1);
        world.limits[0].model_id = Some(ModelId(Uuid::from_u128(77)));
        world.limit(Metric::Requests, Window::Day, 2);
        world.limits[1].model_id = Some(world.models[0].id);
    })
    .await;
    assert_eq!(stack.chat("").await.status(), 200);
    assert_eq!(stack.chat("").await.status(), 200);
    let (status, code, _) = error(stack.chat("").await).await;
    assert_eq!((status, code.as_str()), (429, "limit.requests"));
}

#[tokio::test]
async fn the_limit_that_lasts_longest_is_named_and_all_are_told() {
    let stack = Stack::of(|world| {
        world.limit(Metric::Requests, Window::Hour, 1);
        world.limit(Metric::Requests, Window::Year, 1);
        world.limit(Metric::Requests, Window::Day, 100);
    })
    .await;
    let response = stack.chat("").await;
    let policy = of(response.headers(), "ratelimit-policy").to_owned();
    for name in ["app-requests-per-hour", "app-requests-per-year", "app-requests-per-day"] {
        assert_eq!(policy.matches(&format!("\"{name}\"")).count(), 1, "{policy}");
    }
    let response = stack.chat("").await;
    assert_eq!(response.status(), 429);
    let said = of(response.headers(), "ratelimit");
    assert!(said.starts_with("\"app-requests-per-year\";r=0;t="), "{said}");
    let wait: i64 = of(response.headers(), "retry-after").parse().unwrap();
    let (_, end) = stack.world.limits[1].bounds(Clock::System.now());
    let true_wait = end - Clock::System.now().timestamp();
    assert!((wait - true_wait).abs() <= 2, "{wait} against {true_wait}");
    assert_eq!(of(response.headers(), "x-should-retry"), "false");
    assert_eq!(of(response.headers(), "ratelimit-policy").matches(";q=").count(), 3);
}

#[tokio::test]
async fn a_limit_of_nothing_refuses_free_calls_too_and_promises_no_end() {
    let stack = Stack::of(|world| world.limit(Metric::Money, Window::Day, 0)).await;
    let response = stack.chat("").await;
    assert_eq!(response.status(), 402);
    assert_eq!(of(response.headers(), "retry-after"), "");
    let count = stack.post("/v1/messages/count_tokens");
    let free = count.json(&chat("")).send().await.unwrap();
    assert_eq!(free.status(), 402);
    assert_eq!(stack.sim.stats().calls, 0);
}

#[tokio::test]
async fn a_plans_quota_is_told_apart_from_a_rate() {
    let stack = Stack::of(|world| {
        world.limit(Metric::Requests, Window::Month, 1);
        world.limits[0].scope = LimitScope::Plan(world.plan.id);
        world.limits[0].org_id = None;
    })
    .await;
    assert_eq!(stack.chat("").await.status(), 200);
    let (status, code, _) = error(stack.chat("").await).await;
    assert_eq!((status, code.as_str()), (403, "limit.quota"));
}

#[tokio::test]
async fn calls_at_the_same_time_are_bounded_and_a_place_is_free_once_one_ends() {
    let stack = Stack::of(|world| world.limit(Metric::Concurrency, Window::Lifetime, 2)).await;
    let slow = || stack.chat("latency_ms=600");
    let (a, b, late) = tokio::join!(slow(), slow(), async {
        wait_for("two calls run", || stack.sim.stats().calls == 2).await;
        stack.chat("").await
    });
    assert_eq!((a.status().as_u16(), b.status().as_u16()), (200, 200));
    assert_eq!(of(late.headers(), "retry-after"), "1");
    let (status, code, _) = error(late).await;
    assert_eq!((status, code.as_str()), (429, "limit.concurrency"));
    drop((a.bytes().await, b.bytes().await));
    let end = Instant::now() + Duration::from_secs(5);
    while stack.chat("").await.status() != 200 {
        assert!(Instant::now() < end, "the places of calls that ended are free again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn input_and_output_are_counted_each_on_its_own() {
    let stack = Stack::of(|world| {
        world.limit(Metric::OutputTokens, Window::Lifetime, 10_000);
        world.limit(Metric::InputTokens, Window::Lifetime, 1_000_000);
    })
    .await;
    let response = stack.chat("tokens=4000").await;
    assert_eq!(response.status(), 200);
    drop(response.bytes().await);
    let event = stack.event().await;
    assert_eq!(event.tokens.output_total(), 4_000);
    // Each call may take 4,096 tokens of output, and 6,000 are left.
    assert_eq!(stack.chat("tokens=4000").await.status(), 200);
    let (status, code, _) = error(stack.chat("").await).await;
    assert_eq!((status, code.as_str()), (429, "limit.tokens"));
}

#[tokio::test]
async fn a_change_is_in_force_within_a_second_and_what_was_used_stays_used() {
    let stack = Stack::of(|world| world.limit(Metric::Requests, Window::Lifetime, 10)).await;
    for _ in 0..3 {
        assert_eq!(stack.chat("").await.status(), 200);
    }
    let mut limit = stack.world.limits[0].clone();
    limit.max = 3;
    let published = Instant::now();
    stack.publish(Record::Limit(limit.clone())).await;
    let refused = stack.chat("").await;
    assert!(published.elapsed() < Duration::from_secs(1), "{:?}", published.elapsed());
    assert_eq!(refused.status(), 429);
    assert_eq!(of(refused.headers(), "x-ratelimit-remaining-requests"), "0");
    limit.max = 5;
    stack.publish(Record::Limit(limit)).await;
    for left in ["1", "0"] {
        let response = stack.chat("").await;
        assert_eq!(response.status(), 200, "{left}");
        assert_eq!(of(response.headers(), "x-ratelimit-remaining-requests"), left);
    }
    assert_eq!(stack.chat("").await.status(), 429, "three and two are five");
}

#[tokio::test]
async fn an_override_begins_and_ends_by_the_gateways_clock_and_use_goes_on() {
    let stack = Stack::of(|world| world.limit(Metric::Requests, Window::Lifetime, 1)).await;
    let now = Clock::System.now();
    let until = now + TimeDelta::seconds(4);
    let mut limit = stack.world.limits[0].clone();
    limit.overrides = vec![Override { max: 3, from: now, until }];
    stack.publish(Record::Limit(limit)).await;
    for _ in 0..3 {
        assert_eq!(stack.chat("").await.status(), 200);
    }
    let refused = stack.chat("").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(of(refused.headers(), "x-ratelimit-limit-requests"), "3");
    wait_for("the override ends", || Clock::System.now() > until).await;
    let refused = stack.chat("").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(of(refused.headers(), "x-ratelimit-limit-requests"), "1");
}
