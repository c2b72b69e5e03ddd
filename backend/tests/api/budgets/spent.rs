//! What is spent, who hears of it, and the forecast.

use super::{Desk, at, one};
use crate::harness::{Caller, entry};
use backend::{jobs, usage};
use chrono::TimeDelta;
use contract::money::Nanos;
use contract::role::Role;
use serde_json::{Value, json};

#[tokio::test]
async fn a_threshold_is_told_once_a_period_to_owners_and_finance_whoever_looks() {
    let desk = Desk::open().await;
    let org = desk.caller.test_org();
    for role in [Role::Admin, Role::Developer] {
        desk.app.member(&org, role).await;
    }
    let budget =
        desk.make("0.001", json!({"thresholds": [50, 100], "action": {"kind": "alert"}})).await;
    desk.spend(&[499_000]).await;
    assert_eq!(desk.app.count("budget_alerts").await, 0);
    let late = desk.event(1_000);
    let entries = [entry(1, &late)];
    usage::ingest(&desk.app.app, &entries).await.unwrap();
    // Two workers at once, and once more each.
    let (one, two) = tokio::join!(usage::refresh(&desk.app.app), usage::refresh(&desk.app.app));
    assert!(one.is_ok() && two.is_ok());
    desk.sum_up().await;
    desk.spend(&[100_000]).await;
    assert_eq!(desk.app.count("budget_alerts").await, 1);
    jobs::run_due(&desk.app.app).await.unwrap();
    let expected = [
        ("finance@acme.example", "acme: the budget Research reached 50 %"),
        ("owner@acme.example", "acme: the budget Research reached 50 %"),
    ];
    let told = desk.mails().await;
    assert_eq!(told, expected.map(|(to, subject)| (to.to_owned(), subject.to_owned())));

    // A worker that died after its commit leaves the job; the second run tells nobody again.
    let again = "insert into jobs (id, kind, payload, run_at, created_at)
      select gen_random_uuid(), 'tell_budget_alert', jsonb_build_object('alert', $1::text), $2, $2";
    let alerts =
        desk.finance.get(&format!("{}/alerts", self::one(&budget))).await.expect(200).json();
    sqlx::query(again)
        .bind(alerts["items"][0]["id"].as_str().unwrap())
        .bind(desk.app.clock.now())
        .execute(&mut desk.app.sql().await)
        .await
        .unwrap();
    jobs::run_due(&desk.app.app).await.unwrap();
    assert_eq!(desk.mails().await.len(), 2);
    assert_eq!(desk.app.count("jobs where failed_at is not null").await, 0);

    // The rest of the way; and the next period from the start.
    desk.app.clock.advance(TimeDelta::seconds(1));
    desk.spend(&[400_000]).await;
    desk.app.clock.advance(TimeDelta::days(31));
    desk.spend(&[600_000]).await;
    jobs::run_due(&desk.app.app).await.unwrap();
    assert_eq!(desk.mails().await.len(), 6);
    // The month was longer than a session.
    let auditor = desk.app.member(&org, Role::Auditor).await;
    let alerts = auditor.get(&format!("{}/alerts", self::one(&budget))).await.expect(200).json();
    let told: Vec<_> = alerts["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (one["percent"].as_i64().unwrap(), one["spent_usd"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(told, [(50, "0.0006".into()), (100, "0.001".into()), (50, "0.0005".into())]);
}

#[tokio::test]
async fn a_budget_made_or_changed_after_the_money_was_spent_tells_at_once() {
    let desk = Desk::open().await;
    desk.spend(&[600_000]).await;
    let budget = desk.make("0.001", json!({})).await;
    assert_eq!(budget["period"]["spent_usd"], "0.0006");
    desk.sum_up().await;
    assert_eq!(desk.app.count("budget_alerts where percent = 50").await, 1);
    desk.finance.patch(&one(&budget), json!({"amount_usd": "0.0006"}), 1).await.expect(200);
    desk.sum_up().await;
    assert_eq!(desk.app.count("budget_alerts").await, 3);
}

#[tokio::test]
async fn what_is_spent_is_what_calls_in_the_scope_cost_in_the_local_period() {
    let desk = Desk::open().await;
    let Caller { team, app, key, .. } = desk.caller;
    let of = |name: &str, more: Value| {
        let mut more = more;
        more["name"] = json!(name);
        more
    };
    // 1 March 12:00 UTC. In Kolkata the day began at 18:30 UTC of the day before.
    let day = json!({"window": "day", "zone": "Asia/Kolkata"});
    let mut made = Vec::new();
    for (name, more) in [
        ("day", day),
        ("team", json!({"scope": {"kind": "team", "id": team}})),
        ("app", json!({"scope": {"kind": "app", "id": app}, "window": "week"})),
        ("key", json!({"scope": {"kind": "key", "id": key}, "window": "quarter"})),
        ("model", json!({"model_id": desk.shop.model, "window": "year"})),
    ] {
        made.push(desk.make("9", of(name, more)).await);
    }
    let when = [
        "2025-12-31T23:59:59.999Z",
        "2026-01-01T00:00:00Z",
        "2026-02-22T23:59:59Z",
        "2026-02-23T00:00:00Z",
        "2026-02-28T18:29:59.999Z",
        "2026-02-28T18:30:00Z",
        "2026-03-01T00:00:00Z",
        "2026-03-01T11:59:59Z",
    ];
    let events: Vec<_> =
        when.into_iter().enumerate().map(|(n, when)| desk.event_at(at(when), 1_000 << n)).collect();
    desk.book(&events).await;
    let sum = |from: usize| (from..when.len()).map(|n| 1_000_i64 << n).sum::<i64>();
    let expected = [sum(5), sum(6), sum(3), sum(1), sum(1)];
    for (budget, nanos) in made.iter().zip(expected) {
        let spent = desk.shown(budget).await["period"]["spent_usd"].clone();
        assert_eq!(spent, json!(contract::money::Usd(Nanos(nanos))), "{}", budget["name"]);
    }
    let other = desk.make("9", of("elsewhere", json!({"tag": {"name": "f", "value": "x"}}))).await;
    assert_eq!(other["period"]["spent_usd"], "0.00");
}

#[tokio::test]
async fn a_forecast_needs_a_week_and_states_its_range() {
    let desk = Desk::open().await;
    let budget = desk.make("1", json!({})).await;
    assert_eq!(desk.shown(&budget).await["period"]["forecast"], Value::Null);
    for _ in 0..6 {
        desk.spend(&[2_000_000]).await;
        desk.app.clock.advance(TimeDelta::days(1));
    }
    desk.spend(&[4_000_000]).await;
    assert_eq!(desk.shown(&budget).await["period"]["forecast"], Value::Null);
    desk.app.clock.advance(TimeDelta::days(1));
    let days = desk.shown(&budget).await["period"]["days"].clone();
    assert_eq!(days.as_array().unwrap().len(), 7);
    assert_eq!(days[6], json!({"day": "2026-03-07T00:00:00Z", "cost_usd": "0.004"}));
    // 8 March 12:00: seven full days cost 16 million nano-dollars; 23.5 days are left.
    let forecast = desk.shown(&budget).await["period"]["forecast"].clone();
    let at_end = 16_000_000 + 16_000_000 * 47 / 14;
    assert_eq!(
        forecast,
        json!({
            "at_end_usd": contract::money::Usd(Nanos(at_end)),
            "low_usd": "0.063", "high_usd": contract::money::Usd(Nanos(at_end)), "days": 7,
        })
    );
}
