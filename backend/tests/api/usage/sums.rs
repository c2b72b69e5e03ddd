//! Sums by minute, hour and day are those of the events.

use super::{open, sums};
use crate::harness::{RATES, entry};
use backend::usage::{self, ingest};
use chrono::TimeDelta;
use contract::money::Nanos;
use contract::snapshot::Tag;
use contract::usage::{LimitTouched, Tokens, Units, UsageEvent};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

/// A history: calls as (day, minute, tokens), and in which order they are told, some more than once
/// and some in the words of an older version; after each the sums may be made, or the minutes of days
/// gone by dropped.
type History = (Vec<(i64, i64, u64)>, Vec<(usize, bool, u8)>);

fn histories() -> impl Strategy<Value = History> {
    proptest::collection::vec((0..6_i64, 0..180_i64, 0..3_000_u64), 1..10).prop_flat_map(|calls| {
        let told = (0..calls.len(), any::<bool>(), 0..6_u8);
        (Just(calls), proptest::collection::vec(told, 1..24))
    })
}

#[test]
fn however_late_repeated_reordered_or_old_events_are_each_sum_is_that_of_the_distinct_ones() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (app, shop, caller) = runtime.block_on(open());
    let config = Config { cases: 16, failure_persistence: None, ..Config::default() };
    let begin = app.clock.now();
    let kept = std::cell::Cell::new((0, 0));
    let nth = std::cell::Cell::new(0);
    TestRunner::new(config)
        .run(&histories(), |(calls, told)| {
            runtime.block_on(async {
                let events: Vec<UsageEvent> = calls
                    .iter()
                    .map(|(day, minute, tokens)| {
                        let at = begin + TimeDelta::days(*day) + TimeDelta::minutes(*minute);
                        app.clock.advance(at - app.clock.now());
                        caller.event(&app, &shop, *tokens, 1)
                    })
                    .collect();
                app.clock.advance(begin + TimeDelta::days(6) - app.clock.now());
                for (which, old, then) in &told {
                    nth.set(nth.get() + 1);
                    let mut entry = entry(nth.get(), &events[*which]);
                    if *old {
                        let mut body: Value = serde_json::from_str(&entry.body.unwrap()).unwrap();
                        body.as_object_mut().unwrap().remove("units");
                        entry.body = Some(body.to_string());
                    }
                    ingest(&app.app, &[entry]).await.unwrap();
                    match then {
                        0 | 1 => while usage::refresh(&app.app).await.unwrap() > 0 {},
                        2 => {
                            sqlx::query("select usage_minutes_drop($1)")
                                .bind(app.clock.now() - TimeDelta::days(2))
                                .execute(&mut app.sql().await)
                                .await
                                .unwrap();
                        }
                        _ => {}
                    }
                }
                while usage::refresh(&app.app).await.unwrap() > 0 {}
                let mut seen: Vec<usize> = told.iter().map(|(which, ..)| *which).collect();
                seen.sort_unstable();
                seen.dedup();
                let (count, cost) = kept.get();
                let due: i64 = seen.iter().map(|which| events[*which].cost_nanos.0).sum();
                kept.set((count + i64::try_from(seen.len()).unwrap(), cost + due));
                for table in ["usage_hours", "usage_days"] {
                    prop_assert_eq!(sums(&app, table).await, kept.get(), "{}", table);
                }
                prop_assert_eq!(app.count(BESIDE).await, 0);
                Ok(())
            })
        })
        .unwrap();
}

/// Minutes, hours and days beside what their events, read by themselves, sum to.
const BESIDE: &str = "(
    with said as (
      select 'minute' as kind, date_trunc('minute', minute) as at, app_id, requests, cost_nanos, input_tokens from usage_minutes
      union all select 'hour', hour, app_id, requests, cost_nanos, input_tokens from usage_hours
      union all select 'day', day, app_id, requests, cost_nanos, input_tokens from usage_days),
    spans as (select distinct kind, at, case kind when 'day' then interval '24 hours' when 'hour'
      then interval '1 hour' else interval '1 minute' end as long from said)
    select 1 from spans cross join lateral (
      select sum(requests) as calls, sum(cost_nanos) as nanos, sum(input_tokens) as input
        from said where said.kind = spans.kind and said.at = spans.at) s
    cross join lateral (select count(*) as calls, sum(cost_nanos) as nanos, sum(input_tokens) as input
      from usage_events e where e.at >= spans.at and e.at < spans.at + spans.long) e
    where (s.calls, s.nanos, s.input) is distinct from (e.calls, e.nanos, e.input)) beside";

/// An event whose every count is another number.
fn telling(event: UsageEvent) -> UsageEvent {
    let tokens = Tokens {
        input: 1,
        cached_input: 2,
        cache_write: 3,
        cache_write_1h: 4,
        audio_input: 5,
        image_input: 6,
        output: 7,
        reasoning: 8,
        audio_output: 9,
        image_output: 10,
    };
    let units =
        Units { images: 11, characters: 12, audio_ms: 13, searches: 14, rows: 15, compute_ms: 16 };
    let event = UsageEvent {
        tokens,
        units,
        reserved_nanos: Nanos(17),
        attempts: 18,
        duration_ms: 19,
        first_token_ms: Some(20),
        config_version: 21,
        error_code: Some("some.code".into()),
        stream: true,
        topped_up: 2,
        odd_usage: true,
        tags: vec![Tag { name: "cost-centre".into(), value: "42".into() }],
        limits: vec![LimitTouched {
            limit_id: contract::id::LimitId(uuid::Uuid::nil()),
            window_start: 1,
            held: 2,
            used: 3,
        }],
        ..event
    };
    UsageEvent { cost_nanos: event.cost_under(&RATES), ..event }
}

#[tokio::test]
async fn each_part_of_an_event_is_in_its_own_column_and_its_own_sum() {
    let (app, shop, caller) = open().await;
    let event = telling(caller.event(&app, &shop, 0, 0));
    assert_eq!(ingest(&app.app, &[entry(1, &event)]).await.unwrap().new, 1);
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    let mut rows = Vec::new();
    for table in ["usage_events", "usage_minutes", "usage_hours", "usage_days"] {
        let text = format!("select to_jsonb(t) from {table} t");
        let row: Value = sqlx::query_scalar(sqlx::AssertSqlSafe(text))
            .fetch_one(&mut app.sql().await)
            .await
            .unwrap();
        rows.push(row);
    }
    let numbers = [
        ("input_tokens", 1),
        ("cached_input_tokens", 2),
        ("cache_write_tokens", 3),
        ("cache_write_1h_tokens", 4),
        ("audio_input_tokens", 5),
        ("image_input_tokens", 6),
        ("output_tokens", 7),
        ("reasoning_tokens", 8),
        ("audio_output_tokens", 9),
        ("image_output_tokens", 10),
        ("images", 11),
        ("characters", 12),
        ("audio_ms", 13),
        ("searches", 14),
        ("rows", 15),
        ("compute_ms", 16),
        ("cost_nanos", event.cost_nanos.0),
    ];
    for (column, value) in numbers {
        for row in &rows {
            assert_eq!(row[column], value, "{column}");
        }
    }
    for (column, value) in [
        ("reserved_nanos", json!(17)),
        ("attempts", json!(18)),
        ("duration_ms", json!(19)),
        ("first_token_ms", json!(20)),
        ("config_version", json!(21)),
        ("error_code", json!("some.code")),
        ("tags", json!([{"name": "cost-centre", "value": "42"}])),
        (
            "details",
            json!({"topped_up": 2, "odd_usage": true, "limits": [
                {"limit_id": event.limits[0].limit_id, "window_start": 1, "held": 2, "used": 3}]}),
        ),
        ("operation", json!("chat")),
        ("outcome", json!("ok")),
        ("status", json!(200)),
        ("stream", json!(true)),
        ("estimated", json!(false)),
        ("deployment_id", Value::Null),
        ("request_id", json!(event.request_id.0)),
        ("org_id", json!(event.org_id.0)),
        ("team_id", json!(event.team_id.0)),
        ("app_id", json!(event.app_id.0)),
        ("key_id", json!(event.key_id.0)),
        ("subscription_id", json!(event.subscription_id.0)),
        ("product_id", json!(event.product_id.0)),
        ("plan_id", json!(event.plan_id.0)),
        ("model_id", json!(event.model_id.0)),
        ("price_id", json!(event.price_id.0)),
        ("gateway_id", json!(event.gateway_id.0)),
    ] {
        assert_eq!(rows[0][column], value, "{column}");
    }
}

#[tokio::test]
async fn sums_stay_those_of_the_events_when_minutes_are_dropped_and_late_events_arrive() {
    let (app, shop, caller) = open().await;
    let first = caller.event(&app, &shop, 100, 50);
    ingest(&app.app, &[entry(1, &first)]).await.unwrap();
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    app.clock.advance(TimeDelta::minutes(1));
    let second = caller.event(&app, &shop, 10, 5);
    app.clock.advance(TimeDelta::days(4));
    // Its minutes are no longer kept, and yet its hour is the sum of both.
    ingest(&app.app, &[entry(2, &second)]).await.unwrap();
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(app.count("usage_minutes").await, 0);
    let due = (2, first.cost_nanos.0 + second.cost_nanos.0);
    assert_eq!((sums(&app, "usage_hours").await, sums(&app, "usage_days").await), (due, due));
    // Its minutes come back, whole, with a clock that goes wrong.
    app.clock.advance(TimeDelta::days(-4));
    let third = caller.event(&app, &shop, 1, 1);
    ingest(&app.app, &[entry(3, &third)]).await.unwrap();
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    let due = (3, due.1 + third.cost_nanos.0);
    for table in ["usage_minutes", "usage_hours", "usage_days"] {
        assert_eq!(sums(&app, table).await, due, "{table}");
    }
}

#[tokio::test]
async fn a_key_knows_its_last_use_to_five_seconds() {
    let (app, shop, caller) = open().await;
    let mut shown = Vec::new();
    for (n, wait) in [0, 3, 3, 60].into_iter().enumerate() {
        app.clock.advance(TimeDelta::seconds(wait));
        ingest(&app.app, &[entry(n, &caller.event(&app, &shop, 1, 1))]).await.unwrap();
        while usage::refresh(&app.app).await.unwrap() > 0 {}
        let at: chrono::DateTime<chrono::Utc> =
            sqlx::query_scalar("select last_used_at from api_keys")
                .fetch_one(&mut app.sql().await)
                .await
                .unwrap();
        shown.push((app.clock.now() - at).num_seconds());
    }
    assert_eq!(shown, [0, 3, 0, 0]);
}
