//! How a model ends: what is said of it, brown-outs, whose apps it concerns, and who hears of it.

use crate::harness::{Caller, Client, Shop, TestApp, entry};
use backend::{jobs, usage};
use chrono::TimeDelta;
use contract::id::{ModelId, RequestId};
use contract::role::Role;
use contract::usage::UsageEvent;
use serde_json::{Value, json};
use uuid::Uuid;

struct Desk {
    app: TestApp,
    shop: Shop,
    caller: Caller,
    owner: Client,
    two: ModelId,
    path: String,
}

impl Desk {
    /// `chat-one` was called by an app of `acme`.
    async fn open() -> Self {
        let app = TestApp::start().await;
        let shop = Shop::open(&app).await;
        let two = shop.add_model("chat-two", "2", "4").await;
        let org = app.org("acme").await;
        let caller = Caller::of(&app, &org).await;
        app.member(&org, Role::Finance).await;
        let owner = app.member(&org, Role::Developer).await;
        let path = format!("/v1/admin/models/{}", shop.model);
        let desk = Self { app, shop, caller, owner, two, path };
        desk.call(&[desk.event(), desk.event()]).await;
        desk
    }

    fn event(&self) -> UsageEvent {
        let event = self.caller.event(&self.app, &self.shop, 10, 10);
        UsageEvent { config_version: 1_000, ..event }
    }

    async fn call(&self, events: &[UsageEvent]) {
        let entries: Vec<_> = events.iter().enumerate().map(|(n, event)| entry(n, event)).collect();
        let booked = usage::ingest(&self.app.app, &entries).await.unwrap();
        assert_eq!(booked.dead, 0);
        while usage::refresh(&self.app.app).await.unwrap() > 0 {}
    }

    async fn change(&self, body: Value) -> Value {
        self.change_as(&self.shop.operator, body).await
    }

    async fn change_as(&self, operator: &Client, body: Value) -> Value {
        let now = operator.get(&self.path).await.expect(200).json();
        let version = now["version"].as_i64().unwrap();
        operator.patch(&self.path, body, version).await.expect(200).json()
    }

    async fn deprecate(&self, sunset_at: &str) -> Value {
        let body = json!({"state": "deprecated", "sunset_at": sunset_at, "successor": "chat-two"});
        self.change(body).await
    }

    async fn run(&self) {
        for _ in 0..2 {
            jobs::run_due(&self.app.app).await.unwrap();
        }
    }

    /// Who was mailed what of the model.
    async fn mails(&self) -> Vec<(String, String)> {
        sqlx::query_as(
            "select to_email, subject from mails where subject like '%chat-one%'
             order by created_at, to_email",
        )
        .fetch_all(&mut self.app.sql().await)
        .await
        .unwrap()
    }

    async fn affected(&self) -> Value {
        let path = format!("{}/affected-apps", self.path);
        self.shop.operator.get(&path).await.expect(200).json()
    }
}

#[tokio::test]
async fn a_deprecated_model_says_since_when_until_when_and_what_instead() {
    let desk = Desk::open().await;
    let operator = &desk.shop.operator;
    for (body, pointer) in [
        (json!({"sunset_at": "2026-06-01T00:00:00Z"}), "/sunset_at"),
        (json!({"state": "deprecated", "sunset_at": "2026-03-01T12:00:00Z"}), "/sunset_at"),
        (json!({"successor": "chat-one"}), "/successor"),
        (json!({"successor": "nobody"}), "/successor"),
    ] {
        let refused = operator.patch(&desk.path, body, 2).await.refused("request.invalid");
        assert_eq!(refused.pointers(), [pointer]);
    }
    let told = desk.deprecate("2026-06-01T00:00:00Z").await;
    assert_eq!(told["deprecated_at"], "2026-03-01T12:00:00Z");
    assert_eq!(
        (&told["sunset_at"], &told["successor"]),
        (&json!("2026-06-01T00:00:00Z"), &json!("chat-two"))
    );
    let product = desk.owner.get("/v1/orgs/acme/catalog/chat").await.expect(200).json();
    let shown = &product["models"][0];
    assert_eq!((&shown["state"], &shown["successor"]), (&json!("deprecated"), &json!("chat-two")));
    assert_eq!(shown["sunset_at"], "2026-06-01T00:00:00Z");

    // What comes back has no end; what is retired ended then.
    let back = desk.change(json!({"state": "active"})).await;
    assert_eq!((&back["deprecated_at"], &back["sunset_at"]), (&Value::Null, &Value::Null));
    desk.deprecate("2026-06-01T00:00:00Z").await;
    let gone = desk.change(json!({"state": "retired"})).await;
    assert_eq!(
        (&gone["sunset_at"], &gone["retired_at"]),
        (&json!("2026-03-01T12:00:00Z"), &json!("2026-03-01T12:00:00Z"))
    );
}

#[tokio::test]
async fn a_model_is_retired_at_its_sunset_by_the_platform() {
    let desk = Desk::open().await;
    desk.deprecate("2026-03-05T00:00:00Z").await;
    desk.run().await;
    let state = async || desk.shop.operator.get(&desk.path).await.json()["state"].clone();
    assert_eq!(state().await, "deprecated");
    desk.app.clock.advance(TimeDelta::days(4));
    desk.run().await;
    assert_eq!(state().await, "retired");
    let audited = "audit_entries where action = 'retire_model' and actor_name = 'lifecycle'";
    assert_eq!(desk.app.count(audited).await, 1);
    assert!(desk.app.count("outbox where kind = 'model'").await >= 1);
}

#[tokio::test]
async fn the_apps_that_called_a_model_lately_are_listed_and_only_those() {
    let desk = Desk::open().await;
    let other = desk.app.org("umbrella").await;
    let theirs = Caller::of(&desk.app, &other).await;
    desk.app.clock.advance(TimeDelta::minutes(5));
    let call = UsageEvent { config_version: 1_000, ..theirs.event(&desk.app, &desk.shop, 5, 5) };
    desk.call(&[call]).await;
    let all = desk.affected().await;
    let seen: Vec<_> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["org_slug"].as_str().unwrap(), one["requests"].as_i64().unwrap()))
        .collect();
    assert_eq!(seen, [("umbrella", 1), ("acme", 2)], "the latest first");
    let path = format!("{}/affected-apps?limit=1", desk.path);
    let first = desk.shop.operator.get(&path).await.expect(200).json();
    let next = format!("{path}&cursor={}", first["next"].as_str().unwrap());
    let second = desk.shop.operator.get(&next).await.expect(200).json();
    assert_eq!((&second["items"][0]["org_slug"], &second["next"]), (&json!("acme"), &Value::Null));
    let of_other = format!("/v1/admin/models/{}/affected-apps", desk.two);
    let none = desk.shop.operator.get(&of_other).await.expect(200).json();
    assert_eq!(none["items"], json!([]));

    // An org sees its own app's.
    let path = format!("/v1/orgs/acme/apps/{}/deprecations", desk.caller.app);
    assert_eq!(desk.owner.get(&path).await.expect(200).json(), json!([]));
    desk.deprecate("2026-06-01T00:00:00Z").await;
    let told = desk.owner.get(&path).await.expect(200).json();
    assert_eq!((&told[0]["model_name"], &told[0]["requests"]), (&json!("chat-one"), &json!(2)));
    assert_eq!(told[0]["successor"], "chat-two");
    let foreign = format!("/v1/orgs/acme/apps/{}/deprecations", other.app);
    desk.owner.get(&foreign).await.refused("object.not_found");

    desk.app.clock.advance(TimeDelta::days(32));
    let later = desk.app.person("second@platform.example", true).await.1;
    let path = format!("{}/affected-apps", desk.path);
    assert_eq!(later.get(&path).await.expect(200).json()["items"], json!([]), "long ago");
}

#[tokio::test]
async fn the_people_of_an_app_are_told_of_each_step_once_however_often_anybody_looks() {
    let desk = Desk::open().await;
    desk.deprecate("2026-04-01T00:00:00Z").await;
    for _ in 0..3 {
        desk.run().await;
        desk.app.clock.advance(TimeDelta::hours(1));
    }
    let owner = "owner@acme.example".to_owned();
    let developer = "developer@acme.example".to_owned();
    let deprecated = "acme: chat-one is deprecated".to_owned();
    let both = [(developer.clone(), deprecated.clone()), (owner.clone(), deprecated)];
    assert_eq!(desk.mails().await, both, "not finance, which changes no app");
    let body = desk.app.mail(&owner).await.unwrap();
    for part in ["First", "1 Apr 2026, 00:00 UTC", "Use chat-two instead", "/o/acme/apps"] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    let told = desk.affected().await;
    assert_eq!(told["items"][0]["told"][0]["step"], "deprecated");

    // An app that begins to call it later hears of it too; the others nothing again.
    let other = desk.app.org("umbrella").await;
    let theirs = Caller::of(&desk.app, &other).await;
    let call = UsageEvent { config_version: 1_000, ..theirs.event(&desk.app, &desk.shop, 5, 5) };
    desk.call(&[call]).await;
    desk.app.clock.advance(TimeDelta::hours(1));
    desk.run().await;
    let mails = desk.mails().await;
    assert_eq!((mails.len(), mails[2].0.as_str()), (3, "owner@umbrella.example"));

    desk.app.clock.advance(TimeDelta::days(25));
    desk.run().await;
    desk.run().await;
    let soon = desk.mails().await.into_iter().filter(|mail| mail.1.ends_with("ends soon"));
    assert_eq!(soon.count(), 3);
    let operator = desk.app.person("second@platform.example", true).await.1;
    desk.change_as(&operator, json!({"state": "retired"})).await;
    desk.run().await;
    desk.run().await;
    let gone = desk.mails().await.into_iter().filter(|mail| mail.1.ends_with("was retired"));
    assert_eq!(gone.count(), 3);
    assert_eq!(desk.mails().await.len(), 9);
}

#[tokio::test]
async fn a_brown_out_is_of_a_deprecated_model_in_time_and_alone() {
    let desk = Desk::open().await;
    let operator = &desk.shop.operator;
    let path = format!("{}/brown-outs", desk.path);
    let body = |from: &str, until: &str, percent: u8| json!({"starts_at": from, "ends_at": until, "percent": percent, "answer": "gone"});
    let good = body("2026-03-02T00:00:00Z", "2026-03-02T01:00:00Z", 25);
    operator.post(&path, good.clone()).await.refused("object.conflict");
    desk.deprecate("2026-03-20T00:00:00Z").await;
    let made = operator.post(&path, good.clone()).await.expect(201).json();
    for (body, pointer) in [
        (body("2026-03-01T00:00:00Z", "2026-03-01T13:00:00Z", 25), "/starts_at"),
        (body("2026-03-03T00:00:00Z", "2026-03-03T00:00:00Z", 25), "/ends_at"),
        (body("2026-03-03T00:00:00Z", "2026-03-10T00:00:01Z", 25), "/ends_at"),
        (body("2026-03-19T00:00:00Z", "2026-03-20T00:00:01Z", 25), "/ends_at"),
        (body("2026-03-03T00:00:00Z", "2026-03-03T01:00:00Z", 0), "/percent"),
        (body("2026-03-03T00:00:00Z", "2026-03-03T01:00:00Z", 101), "/percent"),
        (body("2026-03-02T00:59:59Z", "2026-03-02T02:00:00Z", 25), "/starts_at"),
    ] {
        let refused = operator.post(&path, body).await.refused("request.invalid");
        assert_eq!(refused.pointers(), [pointer]);
    }
    let later = body("2026-03-02T01:00:00Z", "2026-03-02T02:00:00Z", 100);
    operator.post(&path, later).await.expect(201);
    desk.run().await;
    let told = desk.mails().await.into_iter().filter(|mail| mail.1.contains("refused for a while"));
    assert_eq!(told.count(), 4, "two brown-outs, two people");
    let told = &desk.affected().await["items"][0]["told"];
    let steps: Vec<_> = told.as_array().unwrap().iter().map(|told| &told["step"]).collect();
    assert_eq!(steps, ["brown_out", "deprecated"], "each step is shown as it was told last");
    let shown = operator.get(&desk.path).await.json()["brown_outs"].clone();
    assert_eq!((shown.as_array().unwrap().len(), &shown[0]["percent"]), (2, &json!(25)));
    let one = format!("/v1/admin/brown-outs/{}", made["id"].as_str().unwrap());
    operator.delete(&one).await.expect(204);
    operator.delete(&one).await.refused("object.not_found");
    let audited = "audit_entries where action in ('create_brown_out', 'delete_brown_out')";
    assert_eq!(desk.app.count(audited).await, 3);
}

#[tokio::test]
async fn an_explanation_follows_names_and_says_which_calls_a_brown_out_refuses() {
    let desk = Desk::open().await;
    let operator = &desk.shop.operator;
    let alias = json!({"name": "best", "to": "chat-one"});
    operator.post("/v1/admin/aliases", alias).await.expect(201);
    let new = operator.post(&format!("{}/versions", desk.path), json!({"label": "v2"})).await;
    let v2 = new.expect(201).json()["id"].as_str().unwrap().to_owned();
    let v2 = format!("/v1/admin/model-versions/{v2}");
    operator.patch(&v2, json!({"state": "active"}), 1).await.expect(200);
    let new = json!({"provider_id": desk.shop.provider, "upstream_model": "up-two",
        "weight": 100, "model_version": "v2"});
    operator.post(&format!("{}/deployments", desk.path), new).await.expect(201);
    let explain = async |body: Value| {
        let mut request =
            operator.request(http::Method::POST, "/v1/routes/explain", Some(body.to_string()));
        request.headers_mut().remove("idempotency-key");
        operator.send(request).await
    };
    let skipped = |told: &Value| -> Vec<(Value, Value)> {
        let places = told["places"].as_array().unwrap();
        places.iter().map(|one| (one["model_version"].clone(), one["skipped"].clone())).collect()
    };
    let plain = explain(json!({"model": "best"})).await.expect(200).json();
    assert_eq!((&plain["model_name"], &plain["model_version"]), (&json!("chat-one"), &Value::Null));
    assert_eq!(skipped(&plain), [(Value::Null, Value::Null), (json!("v2"), json!("version"))]);
    let pinned = explain(json!({"model": "chat-one@v2"})).await.expect(200).json();
    assert_eq!(pinned["model_version"], "v2");
    assert_eq!(skipped(&pinned), [(json!("v2"), Value::Null), (Value::Null, json!("version"))]);
    let refused = explain(json!({"model": "chat-one@v9"})).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/model"]);

    desk.deprecate("2026-03-20T00:00:00Z").await;
    let new = json!({"starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-02T01:00:00Z",
        "percent": 25, "answer": "unavailable"});
    operator.post(&format!("{}/brown-outs", desk.path), new).await.expect(201);
    assert_eq!(explain(json!({"model": "best"})).await.json()["brown_out"], Value::Null);
    desk.app.clock.advance(TimeDelta::minutes(12 * 60 + 30));
    let mut refused = 0;
    for n in 0..200_u128 {
        let call = RequestId(Uuid::from_u128(n << 80 | n));
        let told = explain(json!({"model": "best", "request_id": call})).await.expect(200).json();
        assert_eq!(told["brown_out"]["percent"], 25);
        refused += usize::from(told["is_browned_out"].as_bool().unwrap());
    }
    assert!((25..=75).contains(&refused), "{refused} of 200");
}
