//! What became of calls by the way they were planned: counted once with their booking, told by side,
//! each owner's their own; and copies that the platform pays for, in no tenant's reports.

use crate::harness::{Caller, Client, Shop, TestApp, entry};
use backend::entropy;
use backend::jobs::Job as _;
use backend::routes::outcomes::merge::MergeOutcomes;
use backend::usage::{Booked, ingest};
use contract::id::{RequestId, RouteId};
use contract::money::Nanos;
use contract::role::Role;
use contract::usage::{Outcome, Routed, ShadowOf, UsageEvent};
use serde_json::{Value, json};

struct Desk {
    app: TestApp,
    shop: Shop,
    caller: Caller,
    owner: Client,
    route: RouteId,
}

impl Desk {
    /// With a route of the platform.
    async fn open() -> Self {
        let app = TestApp::start().await;
        let shop = Shop::open(&app).await;
        let org = app.org("acme").await;
        let caller = Caller::of(&app, &org).await;
        let owner = app.member(&caller.test_org(), Role::Owner).await;
        let rule = json!({"name": "all", "pick": "weighted"});
        let new = json!({"model_id": shop.model, "policy": {"rules": [rule]}, "activate": true});
        let made = shop.operator.post("/v1/admin/routes", new).await.expect(201).json();
        let route = made["id"].as_str().unwrap().parse().unwrap();
        Self { app, shop, caller, owner, route }
    }

    /// A call on a side of the rule that took so long.
    fn call(&self, part: Option<&str>, ms: u32) -> UsageEvent {
        let event = self.caller.event(&self.app, &self.shop, 10, 20);
        let (rule, part) = ("all".to_owned(), part.map(str::to_owned));
        let way = Some(Routed { route_id: self.route, number: 1, rule, part });
        UsageEvent { way, duration_ms: ms, ..event }
    }

    /// The copy of a call, which the platform pays for.
    fn copy(&self, of: RequestId) -> UsageEvent {
        let shadow = Some(ShadowOf { request_id: of, on_platform: true });
        UsageEvent { shadow, price_percent: 0, cost_nanos: Nanos::ZERO, ..self.call(None, 40) }
    }

    async fn book(&self, events: &[UsageEvent]) -> Booked {
        let entries: Vec<_> = events.iter().enumerate().map(|(n, one)| entry(n, one)).collect();
        ingest(&self.app.app, &entries).await.unwrap()
    }

    async fn told(&self) -> Value {
        let path = format!("/v1/admin/routes/{}/outcomes", self.route);
        self.shop.operator.get(&path).await.expect(200).json()
    }
}

#[tokio::test]
async fn calls_are_told_by_side_with_how_sure_their_differences_are_and_booked_twice_count_once() {
    let desk = Desk::open().await;
    let mut calls: Vec<UsageEvent> = (0..40).map(|_| desk.call(None, 100)).collect();
    calls.extend((0..40).map(|_| desk.call(Some("new"), 400)));
    for failed in &mut calls[40..60] {
        (failed.outcome, failed.status, failed.cost_nanos) =
            (Outcome::UpstreamError, 502, Nanos::ZERO);
    }
    assert_eq!(desk.book(&calls).await.new, 80);
    assert_eq!(desk.book(&calls).await, Booked { new: 0, known: 80, dead: 0 });
    let before = desk.told().await;
    let sides = before["sides"].as_array().unwrap();
    assert_eq!(sides.len(), 2, "{before}");
    let side = |n: usize| (&sides[n]["part"], &sides[n]["calls"], &sides[n]["errors"]);
    assert_eq!(side(0), (&Value::Null, &json!(40), &json!(0)));
    assert_eq!(side(1), (&json!("new"), &json!(40), &json!(20)));
    let p50 = |n: usize| sides[n]["p50_ms"].as_u64().unwrap();
    assert!((80..=125).contains(&p50(0)) && (320..=500).contains(&p50(1)), "{before}");
    let compared = &before["comparisons"][0];
    assert_eq!(compared["errors"]["per_million"], 500_000);
    assert_eq!(compared["errors"]["is_sure"], true);
    assert!(before["method"].as_str().unwrap().contains("Agresti"));
    // Put together, they say the same.
    desk.app.clock.advance(chrono::TimeDelta::hours(5));
    MergeOutcomes.run(&desk.app.app).await.unwrap();
    assert_eq!(desk.told().await["sides"], before["sides"]);
    let lines: i64 = sqlx::query_scalar("select count(*) from route_outcomes")
        .fetch_one(&mut desk.app.sql().await)
        .await
        .unwrap();
    assert_eq!(lines, 2);
}

#[tokio::test]
async fn a_copy_that_the_platform_pays_for_is_told_of_its_route_and_in_no_tenants_reports() {
    let desk = Desk::open().await;
    let call = desk.call(None, 100);
    let copy = UsageEvent {
        request_id: entropy::id(RequestId::new, call.at),
        ..desk.copy(call.request_id)
    };
    // Its gateway seemed dead, and told of its end after all; twice.
    let mut lost = crate::unknowns::unsettled(&copy, true);
    lost.intent.shadow = copy.shadow;
    let lost = backend::usage::Entry {
        stream_id: "9-9".into(),
        body: Some(serde_json::to_string(&lost).unwrap()),
    };
    assert_eq!(ingest(&desk.app.app, std::slice::from_ref(&lost)).await.unwrap().dead, 0);
    assert_eq!(
        desk.book(&[call.clone(), copy.clone()]).await,
        Booked { new: 2, known: 0, dead: 0 }
    );
    assert_eq!(desk.book(std::slice::from_ref(&copy)).await.new, 0);
    assert_eq!(ingest(&desk.app.app, &[lost]).await.unwrap().dead, 0);
    let told = desk.told().await;
    let sides = told["sides"].as_array().unwrap();
    assert_eq!(sides.len(), 2, "{told}");
    assert_eq!((&sides[1]["shadow"], &sides[1]["calls"]), (&json!(true), &json!(1)));
    assert_eq!(sides[1]["cost_usd"], sides[0]["cost_usd"], "by its price, whoever bears it");
    backend::usage::refresh(&desk.app.app).await.unwrap();
    let usage = desk.owner.get("/v1/orgs/acme/usage").await.expect(200).json();
    assert_eq!(usage["totals"]["requests"], 1, "{usage}");
    let costs: i64 = sqlx::query_scalar("select sum(cost_nanos)::bigint from usage_events")
        .fetch_one(&mut desk.app.sql().await)
        .await
        .unwrap();
    assert_eq!(Nanos(costs), call.cost_nanos);
    let unknowns = desk.owner.get("/v1/orgs/acme/unknowns").await.expect(200).json();
    assert_eq!(unknowns["items"], json!([]));
    // One that says that it cost its caller something is a lie.
    let dear = UsageEvent {
        request_id: entropy::id(RequestId::new, call.at),
        price_percent: 100,
        cost_nanos: call.cost_nanos,
        ..copy
    };
    assert_eq!(desk.book(&[dear]).await.dead, 1);
}

#[tokio::test]
async fn an_org_sees_what_became_of_its_own_routes_calls_and_of_no_other() {
    let desk = Desk::open().await;
    let path = format!("/v1/orgs/acme/routes/{}/outcomes", desk.route);
    desk.owner.get(&path).await.expect(404);
    desk.shop.subscribe(&desk.owner, &desk.caller).await;
    let rule = json!({"name": "all", "pick": "weighted"});
    let new = json!({"model_id": desk.shop.model, "policy": {"rules": [rule]}});
    let made = desk.owner.post("/v1/orgs/acme/routes", new).await.expect(201).json();
    let path = format!("/v1/orgs/acme/routes/{}/outcomes", made["id"].as_str().unwrap());
    let told = desk.owner.get(&path).await.expect(200).json();
    assert_eq!((&told["sides"], &told["comparisons"]), (&json!([]), &json!([])));
    let wrong = desk.owner.get(&format!("{path}?from=2026-03-02&to=2026-03-01")).await.expect(422);
    assert_eq!(wrong.json()["errors"][0]["pointer"], "?from");
}

#[tokio::test]
async fn an_org_says_where_alone_its_calls_may_be_answered_and_a_region_that_nobody_has_is_refused()
{
    let desk = Desk::open().await;
    let path = format!("/v1/admin/models/{}/deployments", desk.shop.model);
    let place = json!({
        "provider_id": desk.shop.provider, "upstream_model": "eu", "region": "eu-central-1",
        "weight": 100,
    });
    desk.shop.operator.post(&path, place).await.expect(201);
    let change = |regions: Value, version: i64| {
        let body = json!({"allowed_regions": regions});
        desk.owner.patch("/v1/orgs/acme", body, version)
    };
    let refused =
        change(json!(["eu-central-1", "moon", "eu-central-1"]), 1).await.expect(422).json();
    let places: Vec<_> =
        refused["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(places, ["/allowed_regions/1", "/allowed_regions/2"]);
    let org = change(json!(["eu-central-1"]), 1).await.expect(200).json();
    assert_eq!(org["allowed_regions"], json!(["eu-central-1"]));
    let renamed = json!({"name": "Acme Two"});
    let org = desk.owner.patch("/v1/orgs/acme", renamed, 2).await.expect(200).json();
    assert_eq!(org["allowed_regions"], json!(["eu-central-1"]), "a name changes nothing of them");
    desk.shop.subscribe(&desk.owner, &desk.caller).await;
    let model = format!("/v1/admin/models/{}", desk.shop.model);
    let model = desk.shop.operator.get(&model).await.expect(200).json();
    let asked = json!({"model": model["name"], "org": "acme"});
    let told = desk.owner.post("/v1/routes/explain", asked).await;
    let told = told.expect(200).json();
    let why: Vec<_> = told["places"].as_array().unwrap().iter().map(|p| &p["skipped"]).collect();
    assert_eq!(why, [&Value::Null, &json!("region")], "{told}");
}
