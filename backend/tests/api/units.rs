//! What is not counted in tokens: booked at what it costs, summed up exactly, shown everywhere.

use crate::harness::{Caller, Shop, TestApp, entry};
use backend::usage::{self, Booked, Entry, ingest};
use chrono::TimeDelta;
use contract::money::{Nanos, Rates, UnitRates};
use contract::role::Role;
use contract::usage::{Operation, Tokens, Units, UsageEvent};
use serde_json::json;

const RATES: Rates = Rates {
    input: Nanos(5_000_000_000),
    image_output: Some(Nanos(40_000_000_000)),
    cache_write_1h: Some(Nanos(10_000_000_000)),
    units: UnitRates {
        image: Nanos(40_000_000),
        million_characters: Nanos(15_000_000_000),
        audio_minute: Nanos(6_000_000),
        thousand_searches: Nanos(2_000_000_000),
        thousand_rows: Nanos(100_000_000),
        compute_hour: Nanos(3_600_000_000),
    },
    ..Rates::FREE
};

const USED: Units =
    Units { images: 2, characters: 333, audio_ms: 7_001, searches: 3, rows: 17, compute_ms: 1_234 };

/// Somebody whose model has a price for every unit.
async fn open() -> (TestApp, Shop, Caller) {
    let app = TestApp::start().await;
    let mut shop = Shop::open(&app).await;
    app.clock.advance(TimeDelta::seconds(1));
    let price = json!({"input_usd": "5", "image_output_usd": "40", "cache_write_1h_usd": "10",
        "image_usd": "0.04", "million_characters_usd": "15", "audio_minute_usd": "0.006",
        "thousand_searches_usd": "2", "thousand_rows_usd": "0.1", "compute_hour_usd": "3.6"});
    let path = format!("/v1/admin/models/{}/prices", shop.model);
    let price = shop.operator.post(&path, price).await.expect(201).json();
    shop.price = price["id"].as_str().unwrap().parse().unwrap();
    let org = app.org("acme").await;
    let caller = Caller::of(&app, &org).await;
    (app, shop, caller)
}

fn event(of: (&TestApp, &Shop, &Caller), tokens: Tokens, units: Units) -> UsageEvent {
    let (app, shop, caller) = of;
    let operation = Operation::Images;
    let event = UsageEvent { operation, tokens, units, ..caller.event(app, shop, 0, 0) };
    UsageEvent { cost_nanos: event.cost_under(&RATES), ..event }
}

fn pictures() -> Tokens {
    Tokens { input: 11, cache_write_1h: 7, image_output: 1_056, ..Tokens::default() }
}

async fn sum_up(app: &TestApp) {
    while usage::refresh(&app.app).await.unwrap() > 0 {}
}

#[tokio::test]
async fn units_are_booked_at_what_they_cost_and_no_other_cost_is_taken() {
    let (app, shop, caller) = open().await;
    let good = event((&app, &shop, &caller), pictures(), USED);
    // By hand, in nano-dollars: 11 × 5000 + 7 × 10000 + 1056 × 40000 of tokens; 2 pictures at 0.04,
    // 333 characters at 0.000015, 7.001 s at 0.0001, 3 searches at 0.002, 17 rows at 0.0001, 1.234 s
    // at 0.001.
    let tokens = 55_000 + 70_000 + 42_240_000;
    let units = 80_000_000 + 4_995_000 + 700_100 + 6_000_000 + 1_700_000 + 1_234_000;
    assert_eq!(good.cost_nanos, Nanos(tokens + units));
    let without =
        UsageEvent { cost_nanos: Nanos(tokens), ..event((&app, &shop, &caller), pictures(), USED) };
    let absurd = event((&app, &shop, &caller), Tokens::NONE, Units { rows: 1 << 62, ..USED });
    let entries = [entry(1, &good), entry(2, &without), entry(3, &absurd)];
    assert_eq!(ingest(&app.app, &entries).await.unwrap(), Booked { new: 1, known: 0, dead: 2 });
    let reasons: Vec<String> =
        sqlx::query_scalar("select reason from usage_dead_letters order by stream_id")
            .fetch_all(&mut app.sql().await)
            .await
            .unwrap();
    assert!(reasons[0].contains("what was used and the price make 136994100"), "{reasons:?}");
    assert!(reasons[1].contains("`rows` does not fit"), "{reasons:?}");
    let owed: i64 = sqlx::query_scalar(
        "select sum(amount_nanos)::bigint from ledger_entries where amount_nanos > 0",
    )
    .fetch_one(&mut app.sql().await)
    .await
    .unwrap();
    assert_eq!(Nanos(owed), good.cost_nanos);
}

#[tokio::test]
async fn units_sum_up_exactly_by_hour_and_day_beside_calls_that_have_none() {
    let (app, shop, caller) = open().await;
    let of = (&app, &shop, &caller);
    let mut entries = vec![entry(0, &event(of, Tokens { input: 5, ..Tokens::NONE }, Units::NONE))];
    for n in 0..7_u64 {
        let one = Units { images: n, audio_ms: 1_000 + n, ..USED };
        entries.push(entry(usize::try_from(n).unwrap() + 1, &event(of, pictures(), one)));
        app.clock.advance(TimeDelta::hours(6));
    }
    assert_eq!(ingest(&app.app, &entries).await.unwrap().new, 8);
    sum_up(&app).await;
    let nulls = "usage_events where images is null and rows is null and compute_ms is null
        and cache_write_1h_tokens is null";
    assert_eq!(app.count(nulls).await, 1, "what is not used is stored as nothing");
    let finance = app.member(&caller.test_org(), Role::Finance).await;
    let want = json!({"images": 21, "characters": 7 * 333, "audio_ms": 7_021, "searches": 21,
        "rows": 7 * 17, "compute_ms": 7 * 1_234});
    for bucket in ["hour", "day"] {
        let path = format!("/v1/orgs/acme/usage?bucket={bucket}");
        let report = finance.get(&path).await.expect(200).json();
        assert_eq!(report["totals"]["units"], want, "{bucket}");
        assert_eq!(report["totals"]["tokens"]["image_output"], 7 * 1_056);
        assert_eq!(report["totals"]["tokens"]["cache_write_1h"], 49);
        assert_eq!(report["by_model"][0]["totals"]["units"], want);
    }
    let costs = finance.get("/v1/orgs/acme/costs?group_by=day").await.expect(200).json();
    let rows = costs["rows"].as_array().unwrap();
    assert!(rows.len() > 1);
    let sum: u64 = rows.iter().map(|row| row["units"]["audio_ms"].as_u64().unwrap()).sum();
    assert_eq!(sum, 7_021);
}

#[tokio::test]
async fn the_file_of_costs_has_a_column_for_every_unit_after_those_it_had_before() {
    let (app, shop, caller) = open().await;
    let one = event((&app, &shop, &caller), pictures(), USED);
    ingest(&app.app, &[entry(1, &one)]).await.unwrap();
    sum_up(&app).await;
    let finance = app.member(&caller.test_org(), Role::Finance).await;
    let file = finance.get("/v1/orgs/acme/costs.csv?group_by=model").await.expect(200).text;
    let mut lines = file.lines();
    assert_eq!(
        lines.next(),
        Some(
            "model_id,model,requests,input_tokens,output_tokens,cost_usd,images,characters,\
             audio_ms,searches,rows,compute_ms"
        )
    );
    let row = lines.next().unwrap();
    assert!(row.ends_with(",1,18,1056,0.1369941,2,333,7001,3,17,1234"), "{row}");
}

#[tokio::test]
async fn an_event_of_before_there_were_units_is_booked_and_shown_with_none() {
    let (app, shop, caller) = open().await;
    let mut old = serde_json::to_value(event(
        (&app, &shop, &caller),
        Tokens { input: 3, ..Tokens::NONE },
        Units::NONE,
    ))
    .unwrap();
    old.as_object_mut().unwrap().remove("units");
    old["tokens"] = json!({"input": 3, "output": 0, "cached_input": 0});
    let entries = [Entry { stream_id: "1-0".into(), body: Some(old.to_string()) }];
    assert_eq!(ingest(&app.app, &entries).await.unwrap(), Booked { new: 1, known: 0, dead: 0 });
    let developer = app.member(&caller.test_org(), Role::Developer).await;
    let rows = developer.get("/v1/orgs/acme/requests").await.expect(200).json();
    let units = rows["items"][0]["units"].as_object().unwrap();
    assert_eq!(units.len(), 6);
    assert!(units.values().all(|count| count.as_u64() == Some(0)));
    assert_eq!(rows["items"][0]["cost_usd"], "0.000015");
}

#[tokio::test]
async fn a_request_shows_what_it_used_of_everything() {
    let (app, shop, caller) = open().await;
    let one = event((&app, &shop, &caller), pictures(), USED);
    ingest(&app.app, &[entry(1, &one)]).await.unwrap();
    let developer = app.member(&caller.test_org(), Role::Developer).await;
    let path = format!("/v1/orgs/acme/requests/{}", one.request_id);
    let row = developer.get(&path).await.expect(200).json();
    assert_eq!(row["units"], serde_json::to_value(USED).unwrap());
    assert_eq!(row["tokens"], serde_json::to_value(pictures()).unwrap());
    assert_eq!(row["operation"], "images");
}
