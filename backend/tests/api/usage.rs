//! Usage: taken from the stream once, and reported.

use crate::harness::{Caller, RATES, Shop, TestApp, TestRedis, entry};
use backend::billing::reconcile;
use backend::usage::{self, Booked, Consumer, Entry, ingest};
use chrono::TimeDelta;
use contract::channel::USAGE;
use contract::money::Nanos;
use contract::role::Role;
use contract::snapshot::Tag;
use contract::usage::{LimitTouched, Outcome, Tokens, Units, UsageEvent};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis_link::Kind as RedisKind;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

async fn open() -> (TestApp, Shop, Caller) {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let org = app.org("acme").await;
    let caller = Caller::of(&app, &org).await;
    (app, shop, caller)
}

async fn ship(redis: &TestRedis, body: &str) {
    redis::cmd("XADD")
        .arg(USAGE)
        .arg("*")
        .arg("e")
        .arg(body)
        .query_async::<()>(&mut redis.link())
        .await
        .unwrap();
}

async fn waiting(redis: &TestRedis) -> u64 {
    redis::cmd("XLEN").arg(USAGE).query_async(&mut redis.link()).await.unwrap()
}

#[tokio::test]
async fn a_poisoned_event_is_kept_with_its_reason_and_holds_nothing_up() {
    let (app, shop, caller) = open().await;
    let good = caller.event(&app, &shop, 100, 50);
    let text = |event: &UsageEvent| Some(serde_json::to_string(event).unwrap());
    let dear = UsageEvent { cost_nanos: Nanos(1), ..caller.event(&app, &shop, 5, 5) };
    let unpriced =
        UsageEvent { price_id: contract::id::PriceId(uuid::Uuid::nil()), ..good.clone() };
    let foreign = UsageEvent { org_id: contract::id::OrgId(uuid::Uuid::nil()), ..good.clone() };
    let future = UsageEvent { at: good.at + TimeDelta::days(2), ..good.clone() };
    let bodies = [
        None,
        Some("{".to_owned()),
        Some("\0".to_owned()),
        text(&dear),
        text(&unpriced),
        text(&foreign),
        text(&future),
        text(&good),
    ];
    let entries: Vec<Entry> = bodies
        .into_iter()
        .enumerate()
        .map(|(n, body)| Entry { stream_id: format!("{n}-0"), body })
        .collect();
    assert_eq!(ingest(&app.app, &entries).await.unwrap(), Booked { new: 1, known: 0, dead: 7 });
    assert_eq!(app.count("usage_events").await, 1);
    let reasons: Vec<String> =
        sqlx::query_scalar("select reason from usage_dead_letters order by stream_id")
            .fetch_all(&mut app.sql().await)
            .await
            .unwrap();
    assert!(reasons[3].contains("1 nano-dollars; what was used and the price make"), "{reasons:?}");
    assert!(
        reasons[4].contains("no price") && reasons[5].contains("no organisation"),
        "{reasons:?}"
    );
    // The same batch once more, as after a crash before the acknowledgement.
    assert_eq!(ingest(&app.app, &entries).await.unwrap(), Booked { new: 0, known: 1, dead: 7 });
    assert_eq!(app.count("usage_dead_letters").await, 7);
    assert_eq!(app.count("ledger_transactions").await, 1);
}

#[tokio::test]
async fn a_dead_letter_is_told_listed_and_booked_once_its_reason_is_mended() {
    let (app, shop, caller) = open().await;
    let at = app.clock.now();
    let early = UsageEvent { ..caller.event(&app, &shop, 100, 50) };
    let lost = contract::id::OrgId(uuid::Uuid::nil());
    let foreign = UsageEvent { org_id: lost, ..caller.event(&app, &shop, 1, 1) };
    app.clock.advance(TimeDelta::hours(-2));
    let told = [entry(1, &early), entry(2, &foreign)];
    assert_eq!(ingest(&app.app, &told).await.unwrap().dead, 2);
    app.clock.advance(at - app.clock.now());
    let mails = async || {
        sqlx::query_scalar::<_, String>(
            "select body from mails where subject like '%not be booked'",
        )
        .fetch_all(&mut app.sql().await)
        .await
        .unwrap()
    };
    backend::jobs::run_due(&app.app).await.unwrap();
    let mail = mails().await;
    assert!(mail.len() == 1 && mail[0].contains("2 are open"), "{mail:?}");
    ingest(&app.app, &[Entry { stream_id: "3-0".into(), body: Some("{".into()) }]).await.unwrap();
    app.clock.advance(TimeDelta::minutes(59));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(mails().await.len(), 1, "one mail an hour, whatever comes");
    app.clock.advance(TimeDelta::minutes(2));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert!(mails().await.len() == 2 && mails().await.iter().any(|m| m.contains("3 are open")));
    app.clock.advance(TimeDelta::minutes(62));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(mails().await.len(), 2, "nothing new is no mail");

    let owner = app.member(&caller.test_org(), Role::Owner).await;
    owner.get("/v1/admin/dead-letters").await.refused("role.forbidden");
    let usage = owner.get("/v1/orgs/acme/usage").await.expect(200).json();
    assert_eq!((&usage["not_booked"], &usage["totals"]["requests"]), (&json!(1), &json!(0)));
    let list = shop.operator.get("/v1/admin/dead-letters").await.expect(200).json();
    let find = |request: String| {
        list["items"].as_array().unwrap().iter().find(|l| l["request_id"] == request).unwrap()
    };
    let (mended, hopeless) =
        (find(early.request_id.to_string()), find(foreign.request_id.to_string()));
    assert_eq!(mended["said_usd"], "0.00025");
    assert!(mended["reason"].as_str().unwrap().contains("more than an hour from now"));
    let replay = async |letter: &Value| {
        let path = format!("/v1/admin/dead-letters/{}/replay", letter["id"].as_str().unwrap());
        shop.operator.post(&path, json!({})).await
    };
    let refused = replay(hopeless).await.refused("object.conflict");
    assert!(refused.text.contains("there is no organisation"), "{}", refused.text);
    for _ in 0..2 {
        assert!(replay(mended).await.expect(200).json()["replayed_at"].is_string());
    }
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    let usage = owner.get("/v1/orgs/acme/usage").await.expect(200).json();
    assert_eq!((&usage["not_booked"], &usage["totals"]["requests"]), (&json!(0), &json!(1)));
    assert_eq!(app.count("ledger_transactions").await, 1);
    let count = async |state: &str| {
        let path = format!("/v1/admin/dead-letters?state={state}");
        shop.operator.get(&path).await.expect(200).json()["items"].as_array().unwrap().len()
    };
    assert_eq!((count("open").await, count("all").await), (2, 3));
    shop.operator.get("/v1/admin/dead-letters?state=some").await.refused("request.invalid");
    let audited = "(select 1 from audit_entries where action = 'replay_dead_letter') a";
    assert_eq!(app.count(audited).await, 1);
}

/// What a gateway of another version, or none, may have written.
#[tokio::test]
async fn what_is_strange_is_a_dead_letter_and_what_is_only_newer_or_older_is_booked() {
    let (app, shop, caller) = open().await;
    let other = Caller::of(&app, &app.org("umbrella").await).await;
    let event = |change: &dyn Fn(&mut Value)| {
        let mut body = serde_json::to_value(caller.event(&app, &shop, 3, 4)).unwrap();
        change(&mut body);
        body
    };
    let with = |name: &'static str, value: Value| event(&|body| body[name] = value.clone());
    let refused = [
        (with("operation", json!("hologram")), "unknown variant `hologram`"),
        (with("cost_nanos", json!(-1)), "`cost_nanos` does not fit: -1"),
        (with("cost_nanos", json!(1e30)), "not a usage event"),
        (with("reserved_nanos", json!(-1)), "does not fit"),
        (event(&|body| body["tokens"]["input"] = json!(-5)), "not a usage event"),
        (event(&|body| body["tokens"]["input"] = json!(u64::MAX)), "`tokens` does not fit"),
        (event(&|body| body["tokens"]["input"] = json!(4)), "what was used and the price make"),
        (with("status", json!(7)), "`status` does not fit"),
        (with("key_id", json!(other.key)), "is not of the organisation"),
        (with("app_id", json!(other.app)), "is not of the organisation"),
        (with("team_id", json!(other.team)), "is not of the organisation"),
        (with("org_id", json!(other.org)), "is not of the organisation"),
        (with("plan_id", json!(shop.product.0.to_string())), "not a usage event"),
    ];
    let booked = [
        with("colour_of_the_sky", json!({"blue": true})),
        event(&|body| body["tokens"]["of_a_class_to_come"] = json!(7)),
        event(&|body| {
            let body = body.as_object_mut().unwrap();
            for later in ["units", "attempts_made", "topped_up", "tags", "odd_usage", "limits"] {
                body.remove(later);
            }
        }),
    ];
    let redis = TestRedis::start().await;
    let bodies = refused.iter().map(|(body, _)| body).chain(&booked);
    for body in bodies.map(Value::to_string) {
        ship(&redis, &body).await;
    }
    for (field, bytes) in [("e", &b"\xff\xfe\0\x80"[..]), ("z", b"{}")] {
        let mut add = redis::cmd("XADD");
        add.arg(USAGE).arg("*").arg(field).arg(bytes);
        let _: String = add.query_async(&mut redis.link()).await.unwrap();
    }
    let link = backend::redis_link::connect_blocking(&redis.config(), usage::BLOCK).unwrap();
    let stop = CancellationToken::new();
    let worker = {
        let (app, stop) = (app.app.clone(), stop.clone());
        tokio::spawn(async move {
            usage::work(&app, vec![Consumer::new(link, "one".into())], &stop).await;
        })
    };
    let began = Instant::now();
    while waiting(&redis).await > 0 {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    worker.await.unwrap();
    let letters: Vec<(String, String)> =
        sqlx::query_as("select reason, body from usage_dead_letters order by stream_id")
            .fetch_all(&mut app.sql().await)
            .await
            .unwrap();
    assert_eq!(letters.len(), refused.len() + 2);
    for ((body, reason), (told, kept)) in refused.iter().zip(&letters) {
        assert!(told.contains(reason), "{told} is not {reason}");
        assert_eq!(serde_json::from_str::<Value>(kept).unwrap(), *body);
    }
    assert!(letters[refused.len()].1.contains('\u{fffd}'), "{letters:?}");
    assert_eq!(app.count("usage_events").await, 3);
    assert_eq!(app.count("ledger_transactions").await, 3);
}

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

#[tokio::test]
async fn a_call_said_to_be_made_twice_is_billed_once_and_the_contradiction_kept() {
    let (app, shop, caller) = open().await;
    let first = caller.event(&app, &shop, 100, 50);
    let tokens = Tokens { input: 1, ..Tokens::default() };
    let cheaper = UsageEvent { tokens, cost_nanos: Nanos(1_000), ..first.clone() };
    let elsewhen = UsageEvent { at: first.at - TimeDelta::days(40), ..first.clone() };
    ingest(&app.app, &[entry(1, &first)]).await.unwrap();
    let told = [entry(2, &cheaper), entry(3, &elsewhen)];
    assert_eq!(ingest(&app.app, &told).await.unwrap().dead, 2);
    assert_eq!(app.count("ledger_transactions").await, 1);
    assert_eq!(app.count("usage_events").await, 1);
}

#[tokio::test]
async fn a_free_call_told_again_with_another_instant_is_in_usage_once() {
    let (app, shop, caller) = open().await;
    let free = UsageEvent {
        outcome: Outcome::UpstreamError,
        tokens: Tokens::default(),
        cost_nanos: Nanos(0),
        ..caller.event(&app, &shop, 0, 0)
    };
    let within = UsageEvent { at: free.at + TimeDelta::microseconds(700), ..free.clone() };
    let later = UsageEvent { at: free.at + TimeDelta::milliseconds(3), ..free.clone() };
    let another_month = UsageEvent { at: free.at - TimeDelta::days(40), ..free.clone() };
    let told = [entry(1, &free), entry(2, &within), entry(3, &later), entry(4, &another_month)];
    let booked = Booked { new: 1, known: 1, dead: 2 };
    assert_eq!(ingest(&app.app, &told).await.unwrap(), booked);
    assert_eq!(ingest(&app.app, &told).await.unwrap(), Booked { new: 0, known: 2, ..booked });
    assert_eq!(app.count("usage_events").await, 1);
    let reason: String = sqlx::query_scalar("select min(reason) from usage_dead_letters")
        .fetch_one(&mut app.sql().await)
        .await
        .unwrap();
    assert!(reason.contains("its id is of another instant"), "{reason}");
}

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

/// Sums over all of a table: calls, money.
async fn sums(app: &TestApp, table: &str) -> (i64, i64) {
    let text = format!(
        "select coalesce(sum(requests), 0)::bigint, coalesce(sum(cost_nanos), 0)::bigint from {table}"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(text)).fetch_one(&mut app.sql().await).await.unwrap()
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

async fn months(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar(
        "select c.relname::text from pg_inherits join pg_class c on c.oid = inhrelid
         where inhparent = 'usage_events'::regclass order by 1",
    )
    .fetch_all(&mut app.sql().await)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_month_that_is_no_longer_kept_is_dropped_and_its_money_stays_comparable() {
    let (app, shop, caller) = open().await;
    let old = [caller.event(&app, &shop, 100, 50), caller.event(&app, &shop, 7, 7)];
    ingest(&app.app, &[entry(1, &old[0]), entry(2, &old[1])]).await.unwrap();
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    // March ends 15 months before this one: still kept, to the last day.
    app.clock
        .advance("2027-06-30T23:00:00Z".parse::<contract::Timestamp>().unwrap() - app.clock.now());
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(months(&app).await[0], "usage_events_2026_03");
    let new = caller.event(&app, &shop, 1, 1);
    ingest(&app.app, &[entry(3, &new)]).await.unwrap();
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    app.clock.advance(TimeDelta::days(1));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(months(&app).await[0], "usage_events_2027_06");
    assert_eq!(app.count("usage_events").await, 1);
    let seals: (i64, i64, i64) =
        sqlx::query_as("select events, priced, cost_nanos from usage_seals")
            .fetch_one(&mut app.sql().await)
            .await
            .unwrap();
    assert_eq!(seals, (2, 2, old[0].cost_nanos.0 + old[1].cost_nanos.0));
    let (figures, differences) = reconcile(&app.app).await.unwrap();
    assert_eq!(differences, []);
    let due = seals.2 + new.cost_nanos.0;
    assert_eq!((figures[0].events.0, figures[0].paid.0), (due, due));
    // What the seal says is held against the ledger like the events were.
    sqlx::query("update usage_seals set priced = 3").execute(&mut app.sql().await).await.unwrap();
    assert!(reconcile(&app.app).await.unwrap().1[0].detail.contains("1 calls"));
    // And what is told of the dropped month again is no new call.
    assert_eq!(ingest(&app.app, &[entry(4, &old[0])]).await.unwrap().dead, 1);
}

#[tokio::test]
async fn a_month_whose_sums_are_not_those_of_its_events_is_not_dropped() {
    let (app, shop, caller) = open().await;
    ingest(&app.app, &[entry(1, &caller.event(&app, &shop, 100, 50))]).await.unwrap();
    app.clock.advance(TimeDelta::days(600));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(months(&app).await[0], "usage_events_2026_03");
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    let planted = "update usage_days set cost_nanos = cost_nanos + 1";
    sqlx::query(planted).execute(&mut app.sql().await).await.unwrap();
    app.clock.advance(TimeDelta::days(1));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(months(&app).await[0], "usage_events_2026_03");
    let mended = "update usage_days set cost_nanos = cost_nanos - 1";
    sqlx::query(mended).execute(&mut app.sql().await).await.unwrap();
    app.clock.advance(TimeDelta::days(1));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_ne!(months(&app).await[0], "usage_events_2026_03");
    assert_eq!(reconcile(&app.app).await.unwrap().1, []);
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

#[tokio::test]
async fn an_event_leaves_the_stream_only_when_it_is_booked_even_if_its_reader_dies() {
    let (app, shop, caller) = open().await;
    let redis = TestRedis::start().await;
    let mut dying = Consumer::new(redis.link(), "dying".into());
    let mut living = Consumer::new(redis.link(), "living".into());
    let gone = dying.read(10, 0).await.unwrap_err();
    assert_eq!(gone.code(), Some("NOGROUP"));
    dying.ensure_group().await.unwrap();
    living.ensure_group().await.unwrap();
    let event = caller.event(&app, &shop, 7, 7);
    ship(&redis, &serde_json::to_string(&event).unwrap()).await;
    ship(&redis, &serde_json::to_string(&event).unwrap()).await;
    assert_eq!(dying.read(10, 0).await.unwrap().len(), 2);
    assert_eq!(living.read(10, 0).await.unwrap().len(), 0);
    // Not yet: its reader may only be slow.
    assert_eq!(living.claim(10).await.unwrap().len(), 0);
    let left = living.claim_idle(10, 0).await.unwrap();
    assert_eq!(left.len(), 2);
    let booked = ingest(&app.app, &left).await.unwrap();
    assert_eq!((booked.new, waiting(&redis).await), (1, 2));
    living.finish(&left).await.unwrap();
    assert_eq!(waiting(&redis).await, 0);
    assert_eq!(app.count("usage_events").await, 1);
}

#[tokio::test]
async fn a_call_is_in_usage_and_costs_within_five_seconds_also_after_redis_was_emptied() {
    let (app, shop, caller) = open().await;
    let mut redis = TestRedis::start().await;
    let link = backend::redis_link::connect_blocking(&redis.config(), usage::BLOCK).unwrap();
    let stop = CancellationToken::new();
    let worker = {
        let (app, stop) = (app.app.clone(), stop.clone());
        tokio::spawn(async move {
            usage::work(&app, vec![Consumer::new(link, "one".into())], &stop).await;
        })
    };
    let owner = app.member(&caller.test_org(), Role::Owner).await;
    let requests = async || {
        owner.get("/v1/orgs/acme/usage").await.expect(200).json()["totals"]["requests"].clone()
    };
    for round in 1..=2 {
        let event = caller.event(&app, &shop, 1_000, 500);
        ship(&redis, &serde_json::to_string(&event).unwrap()).await;
        let began = Instant::now();
        while requests().await != json!(round) {
            assert!(began.elapsed() < Duration::from_secs(if round == 1 { 5 } else { 15 }));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        redis.replace().await;
    }
    let costs = owner.get("/v1/orgs/acme/costs?group_by=app").await.expect(200).json();
    assert_eq!(costs["total_usd"], "0.005");
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn under_sentinel_and_on_a_cluster_usage_is_booked_once_through_a_failover() {
    for kind in [RedisKind::Sentinel, RedisKind::Cluster] {
        let (app, shop, caller) = open().await;
        let mut redis = TestRedis::start_as(kind).await;
        let link = backend::redis_link::connect_blocking(&redis.config(), usage::BLOCK).unwrap();
        let stop = CancellationToken::new();
        let worker = {
            let (app, stop) = (app.app.clone(), stop.clone());
            tokio::spawn(async move {
                usage::work(&app, vec![Consumer::new(link, "one".into())], &stop).await;
            })
        };
        let booked = async |count: i64| {
            let began = Instant::now();
            while app.count("usage_events").await != count {
                assert!(began.elapsed() < Duration::from_secs(30), "{kind:?}: {count} not booked");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let event = caller.event(&app, &shop, 1_000, 500);
        let first = serde_json::to_string(&event).unwrap();
        ship(&redis, &first).await;
        booked(1).await;
        redis.kill_master_of(USAGE);
        let second = serde_json::to_string(&caller.event(&app, &shop, 10, 5)).unwrap();
        let began = Instant::now();
        // The new master, as a gateway finds it; what the first told is told once more.
        for body in [&first, &second] {
            let mut add = redis::cmd("XADD");
            add.arg(USAGE).arg("*").arg("e").arg(body);
            while add.query_async::<()>(&mut redis.link()).await.is_err() {
                assert!(began.elapsed() < Duration::from_secs(30), "{kind:?}: no new master");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        booked(2).await;
        assert_eq!(app.count("ledger_transactions").await, 2);
        stop.cancel();
        worker.await.unwrap();
    }
}

#[tokio::test]
async fn nothing_leaves_the_stream_while_postgres_is_away() {
    let (app, shop, caller) = open().await;
    let redis = TestRedis::start().await;
    ship(&redis, &serde_json::to_string(&caller.event(&app, &shop, 7, 7)).unwrap()).await;
    let link = backend::redis_link::connect_blocking(&redis.config(), usage::BLOCK).unwrap();
    let stop = CancellationToken::new();
    let worker = {
        let stop = stop.clone();
        tokio::spawn(async move {
            let away = TestApp::without_postgres();
            usage::work(&away.app, vec![Consumer::new(link, "one".into())], &stop).await;
        })
    };
    let read = async || {
        let pending: redis::RedisResult<redis::streams::StreamPendingReply> =
            redis::cmd("XPENDING")
                .arg(USAGE)
                .arg(contract::channel::USAGE_GROUP)
                .query_async(&mut redis.link())
                .await;
        pending.is_ok_and(|pending| pending.count() == 1)
    };
    let began = Instant::now();
    while !read().await {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The round in hand is finished first.
    stop.cancel();
    worker.await.unwrap();
    assert!(read().await);
    assert_eq!(waiting(&redis).await, 1);
}

/// Two apps, two days, one failed call.
async fn month() -> (TestApp, Shop, Caller) {
    let (app, shop, caller) = open().await;
    let owner = app.member(&caller.test_org(), Role::Owner).await;
    let evil = json!({"name": "=HYPERLINK(1)"});
    let second = owner.post("/v1/orgs/acme/apps", evil).await.expect(201).json();
    let other = Caller { app: second["id"].as_str().unwrap().parse().unwrap(), ..caller };
    let mut entries = Vec::new();
    for (n, by) in [caller, caller, other].iter().enumerate() {
        entries.push(entry(n, &by.event(&app, &shop, 1_000, 100)));
    }
    let failed = UsageEvent {
        outcome: Outcome::UpstreamError,
        status: 502,
        error_code: Some("upstream.failed".into()),
        tokens: Tokens::default(),
        cost_nanos: Nanos(0),
        ..caller.event(&app, &shop, 0, 0)
    };
    entries.push(entry(10, &failed));
    app.clock.advance(TimeDelta::days(1));
    entries.push(entry(11, &caller.event(&app, &shop, 1, 1)));
    assert_eq!(ingest(&app.app, &entries).await.unwrap().new, 5);
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    (app, shop, caller)
}

#[tokio::test]
async fn the_rows_of_a_report_sum_to_its_total_to_the_nano_dollar() {
    let (app, _, caller) = month().await;
    let finance = app.member(&caller.test_org(), Role::Finance).await;
    let report = finance.get("/v1/orgs/acme/usage").await.expect(200).json();
    assert_eq!(report["totals"]["requests"], 5);
    assert_eq!(report["totals"]["errors"], 1);
    // 3 × (1000 × $1 + 100 × $3) / 10⁶ and (1 × $1 + 1 × $3) / 10⁶.
    assert_eq!(report["totals"]["cost_usd"], "0.003904");
    let series = report["series"].as_array().unwrap();
    assert_eq!(series.len(), 30);
    assert_eq!(series[28]["requests"], 4);
    assert_eq!(series[29]["cost_usd"], "0.000004");
    assert_eq!(report["by_app"].as_array().unwrap().len(), 2);
    for groups in ["team", "app", "key", "model", "product", "day", "app&group_by=day", "model,key"]
    {
        let path = format!("/v1/orgs/acme/costs?group_by={groups}");
        let costs = finance.get(&path).await.expect(200).json();
        assert_eq!(costs["total_usd"], "0.003904", "{groups}");
        let sum: i64 = costs["rows"].as_array().unwrap().iter().map(nanos).sum();
        assert_eq!(sum, 3_904_000, "{groups}");
    }
    for bad in
        ["group_by=shoe", "group_by=team,app,key", "from=never", "from=2026-03-05&to=2026-03-01"]
    {
        finance.get(&format!("/v1/orgs/acme/costs?{bad}")).await.refused("request.invalid");
    }
    let hours = "/v1/orgs/acme/usage?bucket=hour&from=2026-03-01&to=2026-03-03";
    assert_eq!(finance.get(hours).await.expect(200).json()["series"].as_array().unwrap().len(), 48);
}

fn nanos(row: &Value) -> i64 {
    row["cost_usd"].as_str().unwrap().parse::<contract::money::Usd>().unwrap().0.0
}

#[tokio::test]
async fn the_file_of_costs_is_the_table_and_runs_no_formula() {
    let (app, _, caller) = month().await;
    let finance = app.member(&caller.test_org(), Role::Finance).await;
    let file = finance.get("/v1/orgs/acme/costs.csv?group_by=app").await.expect(200);
    assert!(file.header("content-type").starts_with("text/csv"));
    assert!(file.header("content-disposition").contains("costs-2026"));
    let lines: Vec<&str> = file.text.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "app_id,app,requests,input_tokens,output_tokens,cost_usd,\
         images,characters,audio_ms,searches,rows,compute_ms"
    );
    assert!(lines[1].ends_with(",First,4,2001,201,0.002604,0,0,0,0,0,0"), "{lines:?}");
    assert!(lines[2].contains(",'=HYPERLINK(1),1,1000,100,0.0013"), "{lines:?}");
}

#[tokio::test]
async fn each_role_sees_of_usage_what_it_may_and_no_org_sees_anothers() {
    let (app, _, caller) = month().await;
    let stranger_org = app.org("other").await;
    let stranger = app.member(&stranger_org, Role::Owner).await;
    assert_eq!(stranger.get("/v1/orgs/other/usage").await.json()["totals"]["requests"], 0);
    let path = "/v1/orgs/acme/requests";
    let developer = app.member(&caller.test_org(), Role::Developer).await;
    let rows = developer.get(path).await.expect(200).json();
    assert_eq!(rows["items"].as_array().unwrap().len(), 5);
    developer.get("/v1/orgs/acme/costs").await.refused("role.forbidden");
    developer.get("/v1/orgs/acme/costs.csv").await.refused("role.forbidden");
    let finance = app.member(&caller.test_org(), Role::Finance).await;
    finance.get(path).await.refused("role.forbidden");
    let one = format!("{path}/{}", rows["items"][0]["id"].as_str().unwrap());
    let detail = developer.get(&one).await.expect(200).json();
    for (name, value) in rows["items"][0].as_object().unwrap() {
        assert_eq!(&detail[name], value, "{name}");
    }
    assert_eq!(detail.get("ledger"), None, "that is of money");
    let theirs = one.replace("acme", "other");
    stranger.get(&theirs).await.refused("object.not_found");
}

#[tokio::test]
async fn requests_are_paged_and_filtered() {
    let (app, shop, caller) = month().await;
    let developer = app.member(&caller.test_org(), Role::Developer).await;
    let (mut path, mut seen) = ("/v1/orgs/acme/requests?limit=2".to_owned(), Vec::new());
    loop {
        let page = developer.get(&path).await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|row| row["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/orgs/acme/requests?limit=2&cursor={next}");
    }
    assert_eq!(seen.len(), 5);
    seen.dedup();
    assert_eq!(seen.len(), 5);
    let count = async |query: &str| {
        let path = format!("/v1/orgs/acme/requests?{query}");
        developer.get(&path).await.expect(200).json()["items"].as_array().unwrap().len()
    };
    assert_eq!(count(&format!("app={}", caller.app)).await, 4);
    assert_eq!(count(&format!("key={}&model={}", caller.key, shop.model)).await, 5);
    assert_eq!(count("outcome=upstream_error").await, 1);
    assert_eq!(count("outcome=ok&from=2026-03-02").await, 1);
    for bad in ["app=x", "outcome=fine", "from=x"] {
        developer.get(&format!("/v1/orgs/acme/requests?{bad}")).await.refused("request.invalid");
    }
}

#[tokio::test]
async fn a_new_org_sees_its_steps_turn_true() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Auditor).await;
    let steps = async || owner.get("/v1/orgs/acme/onboarding").await.expect(200).json();
    assert_eq!(steps().await["first_key_at"], Value::Null);
    let caller = Caller::of(&app, &org).await;
    let step = steps().await;
    assert!(step["first_key_at"].is_string() && step["first_call_at"].is_null());
    assert_eq!(step["app_id"], json!(org.app));
    ingest(&app.app, &[entry(1, &caller.event(&app, &shop, 1, 1))]).await.unwrap();
    let step = steps().await;
    assert!(step["first_call_at"].is_string() && step["first_usage_at"].is_string());
}
