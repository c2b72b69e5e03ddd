//! What gateways are told of a budget, and what it counts.

use super::{Desk, PATH, at, one};
use chrono::TimeDelta;
use contract::role::Role;
use contract::snapshot::{AtLimit, LimitKind};
use contract::usage::UsageEvent;
use serde_json::json;

#[tokio::test]
async fn gateways_are_told_a_budget_as_a_limit_of_money_with_its_raises() {
    let desk = Desk::open().await;
    let alert = desk.make("1", json!({"name": "only told", "action": {"kind": "alert"}})).await;
    assert_eq!(desk.record(&alert).await, None);
    let throttle = json!({"zone": "Europe/Berlin", "action": {"kind": "throttle", "percent": 10}});
    let budget = desk.make("1", throttle).await;
    let raise = json!({"add_usd": "2", "ends_at": "2026-03-01T16:00:00Z", "reason": "r"});
    desk.finance.post(&format!("{}/raises", one(&budget)), raise).await.expect(201);
    let record = desk.record(&budget).await.unwrap();
    assert_eq!(
        (record.kind, record.at_limit),
        (LimitKind::Budget, AtLimit::Throttle { percent: 10 })
    );
    assert_eq!(record.name.as_deref(), Some("Research"));
    let (during, after) = (at("2026-03-01T15:59:59Z"), at("2026-03-01T16:00:00Z"));
    assert_eq!(record.stated_at(during), (3_000_000_000, Some(after)));
    assert_eq!(record.stated_at(after).0, 1_000_000_000);
    assert_eq!(record.bounds(after).1, at("2026-03-31T22:00:00Z").timestamp());
    desk.finance.delete(&one(&budget)).await.expect(204);
    assert_eq!(desk.record(&budget).await, None);
}

#[tokio::test]
async fn what_was_spent_before_gateways_knew_of_a_budget_is_taken_off_once_and_exactly() {
    let desk = Desk::open().await;
    let known_without = |nanos| UsageEvent { config_version: 0, ..desk.event(nanos) };
    desk.book(&[known_without(100_000)]).await;
    let known: i64 = sqlx::query_scalar("select version from config_versions")
        .fetch_one(&mut desk.app.sql().await)
        .await
        .unwrap();
    let budget = desk.make("1", json!({})).await;
    let before = async || desk.record(&budget).await.unwrap().spent_before.map(|one| one.amount);
    assert_eq!(before().await, Some(100_000));
    // A call that was admitted before and booked after; and one that gateways counted.
    assert_eq!(known, 0);
    let late = known_without(20_000);
    desk.app.clock.advance(TimeDelta::seconds(1));
    desk.book(&[late.clone(), desk.event(3_000)]).await;
    assert_eq!(before().await, Some(120_000));
    desk.book(&[late]).await;
    assert_eq!(before().await, Some(120_000));
    let record = desk.record(&budget).await.unwrap();
    assert_eq!(record.max_at(desk.app.clock.now()).0, 1_000_000_000 - 120_000);
    assert_eq!(record.max_at(at("2026-04-01T00:00:00Z")).0, 1_000_000_000);
}

#[tokio::test]
async fn a_budget_on_a_plan_counts_the_orgs_calls_on_it_and_needs_a_subscription() {
    let desk = Desk::open().await;
    let on_plan = json!({"scope": {"kind": "plan", "id": desk.shop.plan}});
    let refused =
        desk.finance.post(PATH, desk.body("1", on_plan.clone())).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/scope"]);
    let admin = desk.app.member(&desk.caller.test_org(), Role::Admin).await;
    let subscribe = json!({"app_id": desk.caller.app, "plan_id": desk.shop.plan});
    admin.post("/v1/orgs/acme/subscriptions", subscribe).await.expect(201);
    let budget = desk.make("1", on_plan).await;
    assert!(budget["scope_name"].as_str().unwrap().contains(", "), "{budget}");
    desk.spend(&[30_000]).await;
    assert_eq!(desk.shown(&budget).await["period"]["spent_usd"], "0.00003");
    let record = desk.record(&budget).await.unwrap();
    assert_eq!(
        (record.org_id, record.scope),
        (Some(desk.caller.org), contract::snapshot::LimitScope::Plan(desk.shop.plan),)
    );
}

#[tokio::test]
async fn a_budget_on_a_tag_counts_only_calls_that_declare_it_and_tells_within_half_a_minute() {
    let desk = Desk::open().await;
    let tag = json!({"tag": {"name": "feature", "value": "search"}, "thresholds": [50]});
    let budget = desk.make("0.001", tag).await;
    let search = desk.event(300_000);
    desk.book(&[desk.event(300_000), search.clone(), desk.event(900_000)]).await;
    desk.tag(&search, "search").await;
    assert_eq!(desk.shown(&budget).await["period"]["spent_usd"], "0.0003");
    let more = desk.event(300_000);
    desk.book(std::slice::from_ref(&more)).await;
    desk.tag(&more, "search").await;
    desk.spend(&[1_000]).await;
    assert_eq!(desk.app.count("budget_alerts").await, 0, "it was looked at just now");
    desk.app.clock.advance(TimeDelta::seconds(30));
    desk.sum_up().await;
    assert_eq!(desk.app.count("budget_alerts where percent = 50").await, 1);
}
