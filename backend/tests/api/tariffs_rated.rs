//! What tariffs post: exactly what the pure function makes of a month, once, however often and by however
//! many it is rated, and whatever arrives late.

use crate::harness::RATES;
use crate::tariffs::{Desk, instant, priced, tariff};
use backend::billing::reconcile;
use backend::billing::tariffs::Month;
use backend::billing::tariffs::close::RateMonths;
use backend::jobs::Job as _;
use chrono::TimeDelta;
use contract::money::{Nanos, Rates};
use contract::rating::{Tariff, Tier, Volume};
use contract::usage::{Outcome, Tokens, Units, UsageEvent};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use std::time::Duration;

const MARCH: &str = "2026-03-01T12:00:00Z";

/// The plan's tariff as it is rated.
fn rated(included: u64, above: u64, minimum: i64) -> Tariff {
    let tokens = Tokens { input: included, ..Tokens::NONE };
    let rates = Rates { input: Nanos(500_000_001), output: Nanos(7_000_000_003), ..Rates::FREE };
    Tariff {
        included: Volume { calls: 2, tokens, units: Units::NONE },
        tiers: vec![Tier { above, rates }],
        minimum: Nanos(minimum),
    }
}

/// What the pure function makes of calls, model by model and call by call.
fn cost(tariff: &Tariff, calls: &[UsageEvent], rates: &dyn Fn(&UsageEvent) -> Rates) -> i64 {
    let mut models: std::collections::BTreeMap<_, Vec<&UsageEvent>> = Default::default();
    for call in calls.iter().filter(|call| call.outcome.is_charged()) {
        models.entry(call.model_id).or_default().push(call);
    }
    let mut sum = 0;
    for calls in models.values() {
        let mut before = Volume::default();
        for call in calls {
            let used = Volume::of_call(&call.used());
            sum += tariff.bill(&rates(call), &before, &used).0;
            before = before.and(&used);
        }
    }
    sum
}

#[tokio::test]
async fn bills_and_what_is_posted_sum_to_the_tariff_in_whatever_order_and_however_often_it_is_rated()
 {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..4 {
        let mut desk = Desk::open().await;
        let tariff = rated(
            random.random_range(0..3_000_000),
            random.random_range(1..4_000_000),
            random.random_range(0..20_000_000_000),
        );
        let shown = backend::billing::tariffs::model::shown(&tariff);
        desk.shop.plan = desk.plan("rated", serde_json::to_value(shown).unwrap()).await;
        desk.shop.subscribe(&desk.owner, &desk.caller).await;
        let dear =
            Rates { input: Nanos(3_000_000_000), output: Nanos(9_000_000_000), ..Rates::FREE };
        let second = desk.shop.add_model("chat-two", "3", "9").await;
        let price = sqlx::query_scalar("select id from prices where model_id = $1")
            .bind(second.0)
            .fetch_one(&mut desk.app.sql().await)
            .await
            .map(contract::id::PriceId)
            .unwrap();
        let mut calls = Vec::new();
        for _ in 0..random.random_range(1..25) {
            let at = instant(MARCH) + TimeDelta::minutes(random.random_range(0..60 * 24 * 30));
            let (input, output) = (random.random_range(0..900_001), random.random_range(0..5_001));
            let mut call = desk.call(&at.to_rfc3339(), input, output);
            if random.random_bool(0.4) {
                (call.model_id, call.price_id) = (second, price);
                call = priced(call, &dear);
            }
            if random.random_bool(0.2) {
                (call.outcome, call.status) = (Outcome::UpstreamError, 502);
                call.cost_nanos = Nanos::ZERO;
            }
            calls.push(call);
        }
        let rates = |call: &UsageEvent| if call.model_id == second { dear } else { RATES };
        let mut rest = calls.clone();
        let wanted = |calls: &[UsageEvent]| {
            let cost = cost(&tariff, calls, &rates);
            cost + tariff.top_up(Nanos(cost)).0
        };
        desk.wait_until("2026-04-02T00:00:00Z");
        while !rest.is_empty() {
            let at = random.random_range(0..rest.len());
            rest.rotate_left(at);
            let batch = rest.split_off(rest.len().saturating_sub(random.random_range(1..6)));
            desk.book(&batch).await;
            for _ in 0..random.random_range(0..3) {
                desk.rate().await;
            }
            if random.random_bool(0.5) {
                desk.agrees().await;
            }
        }
        desk.rate().await;
        // The subscription began with the month's first day, so the minimum is whole.
        assert_eq!(desk.earned().await, wanted(&calls), "seed {seed}");
        desk.agrees().await;
    }
}

#[tokio::test]
async fn calls_that_arrive_late_post_only_what_they_change() {
    let desk = Desk::with(tariff()).await;
    desk.shop.subscribe(&desk.owner, &desk.caller).await;
    desk.book(&[desk.call(MARCH, 5_000_000, 0)]).await;
    desk.wait_until("2026-04-01T23:59:59Z");
    desk.rate().await;
    assert_eq!(desk.posted("tariff").await, [], "not before a day has passed");
    desk.wait_until("2026-04-02T00:00:00Z");
    for _ in 0..3 {
        desk.rate().await;
    }
    let month = "2026-03".to_owned();
    assert_eq!(desk.posted("tariff").await, [(month.clone(), 1, -2_000_000_000)]);
    assert_eq!(desk.posted("minimum").await, [(month.clone(), 1, 28_000_000_000)]);
    desk.agrees().await;
    // 10 dollars by the price, 5 by the tier; that much less is missing to the minimum.
    desk.book(&[desk.call("2026-03-20T12:00:00Z", 10_000_000, 0)]).await;
    desk.rate().await;
    desk.rate().await;
    assert_eq!(desk.posted("tariff").await[1..], [(month.clone(), 2, -5_000_000_000)]);
    assert_eq!(desk.posted("minimum").await[1..], [(month, 2, -5_000_000_000)]);
    assert_eq!(desk.earned().await, 31_000_000_000);
    desk.agrees().await;
}

#[tokio::test]
async fn workers_that_rate_at_once_or_die_in_between_post_once() {
    let desk = Desk::with(tariff()).await;
    desk.shop.subscribe(&desk.owner, &desk.caller).await;
    desk.book(&[desk.call(MARCH, 5_000_000, 0)]).await;
    desk.wait_until("2026-04-02T00:00:00Z");
    for millis in [0, 1, 2, 4, 8, 12, 16] {
        let cut = tokio::time::timeout(Duration::from_millis(millis), desk.rate());
        let _dropped = cut.await;
        desk.agrees_so_far().await;
    }
    let app = &desk.app.app;
    let (a, b, c) = tokio::join!(RateMonths.run(app), RateMonths.run(app), RateMonths.run(app));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!((desk.posted("tariff").await.len(), desk.posted("minimum").await.len()), (1, 1));
    assert_eq!(desk.earned().await, 31_000_000_000);
    desk.agrees().await;
}

impl Desk {
    /// Nothing is posted twice or in half, whether or not the month is rated yet.
    async fn agrees_so_far(&self) {
        let (tariff, minimum) =
            (self.posted("tariff").await.len(), self.posted("minimum").await.len());
        assert!(tariff == minimum && tariff <= 1, "{tariff} {minimum}");
        self.agrees().await;
    }
}

#[tokio::test]
async fn tiers_and_what_is_included_go_on_where_a_price_changes_within_the_month() {
    let mut desk = Desk::with(json!({
        "included": {"tokens": {"input": 1_000_000}},
        "tiers": [{"above": 3_000_000, "input_usd": "0.10", "output_usd": "0"}],
    }))
    .await;
    desk.book(&[desk.call(MARCH, 2_000_000, 0)]).await;
    let path = format!("/v1/admin/models/{}/prices", desk.shop.model);
    let price =
        json!({"input_usd": "2", "output_usd": "3", "effective_from": "2026-03-10T00:00:00Z"});
    let price = desk.shop.operator.post(&path, price).await.expect(201).json();
    desk.shop.price = price["id"].as_str().unwrap().parse().unwrap();
    desk.wait_until("2026-04-02T00:00:00Z");
    let dear = Rates { input: Nanos(2_000_000_000), ..RATES };
    desk.book(&[priced(desk.call("2026-03-10T00:00:00Z", 4_000_000, 0), &dear)]).await;
    desk.rate().await;
    // 1 million free and 1 at the old price; then 2 at the new one up to the tier, and 2 in it.
    assert_eq!(desk.earned().await, 1_000_000_000 + 4_000_000_000 + 200_000_000);
    desk.agrees().await;
}

#[tokio::test]
async fn a_call_of_next_month_that_was_booked_before_its_tariff_was_set_is_rated_by_it() {
    let desk = Desk::open().await;
    desk.shop.subscribe(&desk.owner, &desk.caller).await;
    desk.wait_until("2026-03-31T23:30:00Z");
    desk.book(&[desk.call("2026-04-01T00:10:00Z", 5_000_000, 0)]).await;
    let (_, operator) = desk.app.person("late@platform.example", true).await;
    let path = format!("/v1/admin/plans/{}", desk.shop.plan);
    let included = json!({"included": {"tokens": {"input": 2_000_000}}});
    operator.patch(&path, json!({"tariff": included}), 1).await.expect(200);
    desk.wait_until("2026-05-02T00:00:00Z");
    desk.rate().await;
    assert_eq!(desk.posted("tariff").await, [("2026-04".to_owned(), 1, -2_000_000_000)]);
    desk.agrees().await;
}

#[tokio::test]
async fn a_subscription_of_some_days_owes_their_part_of_the_minimum() {
    let desk = Desk::with(json!({"minimum_usd": "31"})).await;
    desk.wait_until("2026-03-10T23:00:00Z");
    desk.shop.subscribe(&desk.owner, &desk.caller).await;
    let list = desk.owner.get("/v1/orgs/acme/subscriptions").await.expect(200).json();
    desk.wait_until("2026-03-14T01:00:00Z");
    let path = format!("/v1/orgs/acme/subscriptions/{}", list["items"][0]["id"].as_str().unwrap());
    desk.owner.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    desk.wait_until("2026-05-03T00:00:00Z");
    desk.rate().await;
    // The 10th to the 14th are five days of 31; in April there was none.
    assert_eq!(desk.posted("minimum").await, [("2026-03".to_owned(), 1, 5_000_000_000)]);
    assert_eq!(desk.app.count("plan_months").await, 1);
    // What was counted when the month was rated stays, whatever becomes of the app.
    sqlx::query("delete from subscriptions").execute(&mut desk.app.sql().await).await.unwrap();
    desk.rate().await;
    desk.agrees().await;
}

#[tokio::test]
async fn a_prepaid_org_gets_credit_back_and_pays_the_minimum_from_its_wallet_down_to_its_floor() {
    let desk = Desk::with(tariff()).await;
    desk.shop.subscribe(&desk.owner, &desk.caller).await;
    let credit = json!({"kind": "purchase", "amount_usd": "15", "note": "Invoice 7"});
    desk.shop.operator.post("/v1/admin/orgs/acme/credits", credit).await.expect(201);
    let version = desk.shop.operator.get("/v1/admin/orgs/acme").await.json()["version"].as_i64();
    let billing = json!({"billing": "prepaid", "floor_usd": "0"});
    let path = "/v1/admin/orgs/acme/billing";
    desk.shop.operator.patch(path, billing, version.unwrap()).await.expect(200);
    // A floor that gateways were told of long ago.
    let floor = sqlx::query("update wallets set floor_nanos = 2000000000");
    floor.execute(&mut desk.app.sql().await).await.unwrap();
    desk.book(&[desk.call(MARCH, 5_000_000, 0)]).await;
    desk.wait_until("2026-04-02T00:00:00Z");
    desk.rate().await;
    // 15 - 5 for calls + 2 back = 12; of 28 that are missing the wallet pays 10, and 18 are owed.
    assert_eq!(wallet(&desk).await, (2_000_000_000, 18_000_000_000));
    let sql = "select amount_nanos from credits where kind = 'refund'";
    let back: i64 = sqlx::query_scalar(sql).fetch_one(&mut desk.app.sql().await).await.unwrap();
    assert_eq!(back, 2_000_000_000);
    desk.agrees().await;
    // Calls that come late owe less of the minimum: what is owed shrinks before credit is given.
    desk.book(&[desk.call("2026-03-20T12:00:00Z", 10_000_000, 0)]).await;
    desk.rate().await;
    let owed = "select sum(amount_nanos)::bigint from ledger_entries e
         join ledger_accounts a on a.id = e.account_id where a.kind = 'receivable'";
    let owed: i64 = sqlx::query_scalar(owed).fetch_one(&mut desk.app.sql().await).await.unwrap();
    assert_eq!((owed, wallet(&desk).await.0), (18_000_000_000, 2_000_000_000));
    assert_eq!(desk.earned().await, 31_000_000_000);
    desk.agrees().await;
}

/// Balance and overrun.
async fn wallet(desk: &Desk) -> (i64, i64) {
    let sql = "select balance_nanos, overrun_nanos from wallets";
    sqlx::query_as(sql).fetch_one(&mut desk.app.sql().await).await.unwrap()
}

/// As somebody whom no trigger stops.
async fn execute(desk: &Desk, sql: &'static str) {
    let mut conn = desk.app.sql().await;
    sqlx::query("set session_replication_role = replica").execute(&mut conn).await.unwrap();
    let done = sqlx::query(sql).execute(&mut conn).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    assert!(done.rows_affected() > 0, "{sql} changed nothing");
}

/// What is planted, how it is taken back, and what is said of it.
const PLANTED: [[&str; 3]; 5] = [
    [
        "update ledger_entries set amount_nanos = amount_nanos * 2 where transaction_id in
           (select id from ledger_transactions where kind = 'tariff')",
        "update ledger_entries set amount_nanos = amount_nanos / 2 where transaction_id in
           (select id from ledger_transactions where kind = 'tariff')",
        "the ledger has another tariff for 2026-03 than the plan's tariff makes of it",
    ],
    [
        "update ledger_transactions set month = '2026-02-01Z' where kind = 'minimum'",
        "update ledger_transactions set month = '2026-03-01Z' where kind = 'minimum'",
        "the ledger rates 2026-02 of a plan that is not rated",
    ],
    [
        "update usage_priced_hours set input_tokens = input_tokens + 1",
        "update usage_priced_hours set input_tokens = input_tokens - 1",
        "1 hours that tariffs are rated from are not the sum of their events",
    ],
    [
        "update plan_months set days = days - 1",
        "update plan_months set days = days + 1",
        "the ledger has another minimum for 2026-03",
    ],
    [
        "update plan_months set plan_id = (select id from plans where slug = 'starter')",
        "update plan_months set plan_id = (select id from plans where slug = 'rated')",
        "2026-03 is over and nobody has rated it",
    ],
];

#[tokio::test]
async fn reconcile_finds_whatever_is_not_as_the_tariff_makes_it() {
    let desk = Desk::with(tariff()).await;
    desk.shop.subscribe(&desk.owner, &desk.caller).await;
    desk.book(&[desk.call(MARCH, 5_000_000, 0)]).await;
    desk.wait_until("2026-04-02T02:00:00Z");
    let found = async || -> Vec<String> {
        let (_, differences) = reconcile(&desk.app.app).await.unwrap();
        differences.into_iter().map(|difference| difference.detail).collect()
    };
    assert!(found().await[0].contains("nobody has rated it"), "an hour late is a fault");
    desk.rate().await;
    assert_eq!(found().await, [""; 0]);
    for [plant, undo, said] in PLANTED {
        execute(&desk, plant).await;
        let differences = found().await;
        assert!(differences.iter().any(|one| one.contains(said)), "{plant}: {differences:?}");
        execute(&desk, undo).await;
        assert_eq!(found().await, [""; 0], "after {undo}");
    }
    assert_eq!(Month::of(instant(MARCH)).to_string(), "2026-03");
}
