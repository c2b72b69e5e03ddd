//! What a key may ask with itself: its own use, and its own app's requests.

use crate::harness::{Caller, Client, Reply, Shop, TestApp, entry};
use backend::usage::{self, ingest};
use chrono::TimeDelta;
use contract::channel;
use contract::id::LimitId;
use contract::role::Role;
use contract::usage::{AttemptUse, LimitTouched, Outcome, Tokens, UsageEvent};
use http::Method;
use serde_json::{Value, json};

struct Program {
    app: TestApp,
    shop: Shop,
    caller: Caller,
    owner: Client,
    key: String,
}

impl Program {
    async fn start() -> Self {
        let redis = ["--redis-url", "redis://127.0.0.1:1"];
        Self::on(TestApp::start_with(&redis).await).await
    }

    async fn on(app: TestApp) -> Self {
        let shop = Shop::open(&app).await;
        let org = app.org("acme").await;
        let owner = app.member(&org, Role::Owner).await;
        let new = json!({"app_id": org.app, "name": "calls", "env": "live"});
        let made = owner.post("/v1/orgs/acme/keys", new).await.expect(201).json();
        let key = made["secret"].as_str().unwrap().to_owned();
        let id = made["key"]["id"].as_str().unwrap().parse().unwrap();
        let caller = Caller { org: org.id, team: org.team, app: org.app, key: id };
        Self { app, shop, caller, owner, key }
    }

    async fn ask(&self, path: &str, key: &str) -> Reply {
        let nobody = self.app.nobody();
        let mut request = nobody.request(Method::GET, path, None);
        request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
        nobody.send(request).await
    }

    async fn usage(&self) -> Value {
        self.ask("/v1/me/usage", &self.key).await.expect(200).json()
    }
}

#[tokio::test]
async fn a_key_sees_its_own_use_and_no_other_keys() {
    let program = Program::start().await;
    let other = Caller::of(&program.app, &program.app.org("other").await).await;
    let mine = program.caller.event(&program.app, &program.shop, 1_000, 500);
    let theirs = other.event(&program.app, &program.shop, 7, 7);
    let sibling =
        UsageEvent { key_id: other.key, ..program.caller.event(&program.app, &program.shop, 9, 9) };
    ingest(&program.app.app, &[entry(1, &mine), entry(2, &theirs), entry(3, &sibling)])
        .await
        .unwrap();
    while usage::refresh(&program.app.app).await.unwrap() > 0 {}
    let told = program.usage().await;
    assert_eq!(told["key_id"], program.caller.key.to_string());
    assert_eq!(
        (&told["totals"]["requests"], &told["totals"]["cost_usd"]),
        (&json!(1), &json!("0.0025"))
    );
    assert_eq!(told["series"].as_array().unwrap().len(), 30);
    let hours = program
        .ask("/v1/me/usage?bucket=hour&from=2026-03-01", &program.key)
        .await
        .expect(200)
        .json();
    assert_eq!(hours["series"][12]["requests"], 1);
    program.ask("/v1/me/usage?bucket=year", &program.key).await.refused("request.invalid");
}

#[tokio::test]
async fn a_key_sees_what_is_left_of_each_limit_it_may_meet_and_nothing_invented_without_redis() {
    let redis = crate::harness::TestRedis::start().await;
    let app = TestApp::start_with(&["--redis-url", &redis.config().url]).await;
    let program = Program::on(app).await;
    let scope = json!({"kind": "key", "id": program.caller.key});
    let limit = json!({"scope": scope, "metric": "requests", "window": "day", "max": 100});
    let limit = program.owner.post("/v1/orgs/acme/limits", limit).await.expect(201).json();
    let id: LimitId = limit["id"].as_str().unwrap().parse().unwrap();
    let day = program.app.clock.now().timestamp().div_euclid(86_400) * 86_400;
    let counter = channel::limit_drawn(
        program.caller.org,
        &id.to_string(),
        &program.caller.key.to_string(),
        day,
    );
    redis::cmd("HSET")
        .arg(counter)
        .arg("t")
        .arg(40)
        .query_async::<()>(&mut redis.link())
        .await
        .unwrap();
    let told = program.usage().await;
    let limits = told["limits"].as_array().unwrap();
    assert_eq!(limits.len(), 1, "the plan's limit is of subscriptions, and the app has none");
    assert_eq!((&limits[0]["used"], &limits[0]["remaining"]), (&json!(40), &json!(60)));
    assert_eq!(limits[0]["resets_at"], "2026-03-02T00:00:00Z");
    let blind = Program::start().await;
    let limit = json!({"scope": {"kind": "org", "id": blind.caller.org}, "metric": "money",
        "window": "month", "max_usd": "5"});
    blind.owner.post("/v1/orgs/acme/limits", limit).await.expect(201);
    let told = blind.usage().await;
    assert_eq!(told["limits"][0]["max_usd"], "5.00");
    assert_eq!(told["limits"][0]["remaining_usd"], Value::Null);
}

#[tokio::test]
async fn a_key_sees_everything_of_its_own_apps_calls_and_other_calls_are_not_there() {
    let program = Program::start().await;
    let call = program.caller.event(&program.app, &program.shop, 1_000, 500);
    let provider = program.shop.provider.parse().unwrap();
    let failed = AttemptUse {
        deployment_id: contract::id::DeploymentId(uuid::Uuid::nil()),
        provider_id: provider,
        status: 503,
        outcome: Outcome::UpstreamError,
        tokens: Tokens::NONE,
        units: contract::usage::Units::NONE,
        reported: false,
        overtaken: false,
        compared: false,
    };
    let limit_id = LimitId(uuid::Uuid::nil());
    let touched = LimitTouched { limit_id, window_start: 0, held: 5_000_000, used: 2_500_000 };
    let call = UsageEvent {
        attempts_made: vec![failed],
        limits: vec![touched],
        topped_up: 2,
        tags: vec![contract::snapshot::Tag::new("feature", "search").unwrap()],
        ..call
    };
    let elsewhere = Caller::of(&program.app, &program.app.org("other").await).await;
    let foreign = elsewhere.event(&program.app, &program.shop, 1, 1);
    ingest(&program.app.app, &[entry(1, &call), entry(2, &foreign)]).await.unwrap();
    let told = program
        .ask(&format!("/v1/requests/{}", call.request_id), &program.key)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&told["cost_usd"], &told["price_id"]),
        (&json!("0.0025"), &json!(program.shop.price))
    );
    assert_eq!((&told["topped_up"], &told["attempts_made"][0]["status"]), (&json!(2), &json!(503)));
    assert_eq!(
        (&told["limits"][0]["held"], &told["limits"][0]["used"]),
        (&json!(5_000_000), &json!(2_500_000))
    );
    assert_eq!(told["tags"][0], json!({"name": "feature", "value": "search"}));
    assert_eq!(told["ledger"][0]["entries"][0]["amount_usd"], "0.0025");
    // A member of the org sees the same.
    let path = format!("/v1/orgs/acme/requests/{}", call.request_id);
    assert_eq!(program.owner.get(&path).await.expect(200).json(), told);
    let absent = program.ask("/v1/requests/req_00000000000000000000000000", &program.key).await;
    for id in [foreign.request_id.to_string(), "nonsense".to_owned()] {
        let other = program.ask(&format!("/v1/requests/{id}"), &program.key).await;
        assert_eq!(other.comparable(), absent.comparable());
    }
    absent.refused("object.not_found");
    // Another app of the same org.
    let second =
        program.owner.post("/v1/orgs/acme/apps", json!({"name": "Two"})).await.expect(201).json();
    let new = json!({"app_id": second["id"], "name": "k", "env": "live"});
    let key = program.owner.post("/v1/orgs/acme/keys", new).await.expect(201).json();
    let key = key["secret"].as_str().unwrap();
    program
        .ask(&format!("/v1/requests/{}", call.request_id), key)
        .await
        .refused("object.not_found");
}

#[tokio::test]
async fn a_key_that_does_not_work_is_told_why_and_one_that_asks_too_often_waits() {
    let program = Program::start().await;
    let at = "/v1/me/usage";
    program.app.nobody().get(at).await.refused("key.missing");
    program.owner.get(at).await.refused("key.missing");
    program.ask(at, "sk-something").await.refused("key.malformed");
    let other = contract::key::make(contract::key::KeyEnv::Live, |bytes| bytes.fill(7));
    program.ask(at, other.reveal()).await.refused("key.unknown");
    for _ in 0..120 {
        program.ask(at, &program.key).await.expect(200);
    }
    let reply = program.ask(at, &program.key).await.refused("limit.requests");
    assert_eq!(reply.header("retry-after"), "60");
    program.app.clock.advance(TimeDelta::seconds(60));
    program.ask(at, &program.key).await.expect(200);
    let revoke = format!("/v1/orgs/acme/keys/{}/revoke", program.caller.key);
    program.owner.post(&revoke, json!({})).await;
    program.ask(at, &program.key).await.refused("key.revoked");
}
