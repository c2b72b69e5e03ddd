//! Routes: in versions of which one counts, checked when saved, each org's its own, and explained.

use crate::harness::{Client, Shop, TestApp, TestOrg, TestRedis, idle};
use backend::publish::{Publisher, Step, Target};
use contract::channel::{BreakerState, DeploymentBeat, GatewayBeat, Stored, records};
use contract::role::Role;
use contract::snapshot::{Kind, Pick, Record, RouteRecord};
use serde_json::{Value, json};

const ADMIN: &str = "/v1/admin/routes";
const OURS: &str = "/v1/orgs/acme/routes";

/// A shop whose model runs in Europe, without a region, and as a model of its own in America.
struct Desk {
    app: TestApp,
    shop: Shop,
    org: TestOrg,
    owner: Client,
    eu: String,
    anywhere: String,
    us: String,
    other: String,
}

impl Desk {
    async fn open() -> Self {
        Self::in_app(TestApp::start().await).await
    }

    async fn in_app(app: TestApp) -> Self {
        let shop = Shop::open(&app).await;
        let org = app.org("acme").await;
        let owner = app.member(&org, Role::Owner).await;
        let model = format!("/v1/admin/models/{}", shop.model);
        let place = |upstream: &str, region: &str| {
            json!({
                "provider_id": shop.provider, "upstream_model": upstream, "region": region,
                "weight": 100,
            })
        };
        let deploy = async |path: &str, body: Value| {
            let made = shop.operator.post(&format!("{path}/deployments"), body).await.expect(201);
            made.json()["id"].as_str().unwrap().to_owned()
        };
        let eu = deploy(&model, place("up-eu", "eu-central-1")).await;
        let other = shop.add_model("chat-two", "10", "30").await.to_string();
        let us = deploy(&format!("/v1/admin/models/{other}"), place("up-us", "us-east-1")).await;
        let shown = shop.operator.get(&model).await.expect(200).json();
        let mut ids = shown["deployments"].as_array().unwrap().iter().map(|one| &one["id"]);
        let anywhere = ids.find(|id| **id != eu).unwrap().as_str().unwrap().to_owned();
        Self { app, shop, org, owner, eu, anywhere, us, other }
    }

    /// Subscribes the org's app to the models.
    async fn subscribe(&self) {
        let new = json!({"app_id": self.org.app, "plan_id": self.shop.plan});
        self.owner.post("/v1/orgs/acme/subscriptions", new).await.expect(201);
    }

    fn written(&self, policy: &Value) -> Value {
        json!({"model_id": self.shop.model, "policy": policy, "note": "Why", "activate": true})
    }

    async fn explain(&self, who: &Client, asked: Value) -> Value {
        who.send(explain(who, &asked)).await.expect(200).json()
    }
}

fn explain(who: &Client, asked: &Value) -> http::Request<axum::body::Body> {
    who.request(http::Method::POST, "/v1/routes/explain", Some(asked.to_string()))
}

/// One rule for all calls.
fn plain(pick: &str, among: &[&str]) -> Value {
    json!({"rules": [{"name": "all", "pick": pick, "among": among}]})
}

fn at(base: &str, made: &Value) -> String {
    format!("{base}/{}", made["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_route_is_written_in_versions_and_any_of_them_can_be_made_to_count() {
    let desk = Desk::open().await;
    let operator = &desk.shop.operator;
    let (first, second) = (plain("weighted", &[]), plain("ordered", &[&desk.eu]));
    let mut draft = desk.written(&first);
    draft["activate"] = json!(false);
    let made = operator.post(ADMIN, draft.clone()).await.expect(201).json();
    assert_eq!((made["number"].clone(), made["active"].clone()), (json!(1), Value::Null));
    assert_eq!(made["model_name"], "chat-one");
    operator.post(ADMIN, draft).await.refused("object.conflict");
    let one = at(ADMIN, &made);

    let edit = json!({"policy": second, "note": "Europe first", "activate": true});
    operator.patch(&one, edit.clone(), 7).await.refused("object.version_stale");
    let edited = operator.patch(&one, edit, 1).await.expect(200).json();
    assert_eq!((edited["number"].clone(), edited["active"].clone()), (json!(2), json!(2)));
    let kept = operator.patch(&one, json!({"policy": first}), 2).await.expect(200).json();
    assert_eq!((kept["number"].clone(), kept["active"].clone()), (json!(3), json!(2)));
    let active = format!("{one}/active");
    let back = operator.patch(&active, json!({"active": 1}), 3).await.expect(200).json();
    assert_eq!((back["number"].clone(), back["active"].clone()), (json!(3), json!(1)));
    let missing = operator.patch(&active, json!({"active": 4}), 4).await;
    assert_eq!(missing.refused("request.invalid").pointers(), ["/active"]);
    let off = operator.patch(&active, json!({"active": null}), 4).await.expect(200).json();
    assert_eq!(off["active"], Value::Null);

    let versions = operator.get(&format!("{one}/versions")).await.expect(200).json();
    let told = |field: &str| -> Vec<Value> {
        let items = versions["items"].as_array().unwrap().iter();
        items.map(|version| version[field].clone()).collect()
    };
    assert_eq!(told("number"), [json!(3), json!(2), json!(1)]);
    assert_eq!(told("note"), [json!(""), json!("Europe first"), json!("Why")]);
    assert_eq!(told("policy")[1]["rules"][0]["among"], json!([desk.eu]));
    let page = operator.get(&format!("{one}/versions?limit=2")).await.expect(200).json();
    let next = page["next"].as_str().unwrap();
    let rest = operator.get(&format!("{one}/versions?limit=2&cursor={next}")).await.json();
    assert_eq!(rest["items"][0]["number"], json!(1));

    operator.delete(&one).await.expect(204);
    operator.get(&one).await.refused("object.not_found");
    assert_eq!(desk.app.count("route_versions").await, 0);
    assert_eq!(desk.app.count("audit_entries where object_kind = 'route'").await, 6);
    // Made, edited and activated, twice made to count or not, removed; the draft changed nothing.
    assert_eq!(desk.app.count("outbox where kind = 'route'").await, 5);
}

#[tokio::test]
async fn what_is_wrong_with_a_policy_is_told_with_its_place_and_nothing_is_saved() {
    let desk = Desk::open().await;
    let operator = &desk.shop.operator;
    let refused = async |policy: Value| {
        let reply = operator.post(ADMIN, desk.written(&policy)).await.refused("request.invalid");
        let errors = reply.json()["errors"].clone();
        let first = errors[0]["detail"].as_str().unwrap().to_owned();
        (reply.pointers(), first)
    };
    let rule = |when: &str| json!({"name": "one", "when": when, "pick": "weighted"});
    let all = json!({"name": "all", "pick": "weighted"});
    let (at, why) = refused(json!({"rules": [rule("tools > 1 &&\n  org > 3"), all]})).await;
    assert_eq!(at, ["/policy/rules/0/when"]);
    assert!(why.starts_with("line 2, column "), "{why}");
    let (at, why) = refused(json!({"rules": [rule("tools > 5 && tools < 3"), all]})).await;
    assert_eq!(
        (at, why.as_str()),
        (vec!["/policy/rules/0/when".into()], "no call ever meets this condition")
    );
    let (at, _) = refused(json!({"rules": []})).await;
    assert_eq!(at, ["/policy/rules"]);
    let (at, why) = refused(json!({"rules": [all], "regions": ["mars"]})).await;
    assert_eq!(at, ["/policy/regions/0", "/policy/rules/0/among"]);
    assert!(why.ends_with("there are eu-central-1, us-east-1"), "{why}");
    let none = json!({"weight": 0});
    operator.patch(&format!("/v1/admin/deployments/{}", desk.eu), none, 1).await.expect(200);
    let (at, why) = refused(plain("weighted", &[&desk.eu])).await;
    assert_eq!(at, ["/policy/rules/0/among"]);
    assert!(why.contains("a weight above 0"), "{why}");

    // A second model that falls back to the first, and the other way round.
    let mut back =
        desk.written(&json!({"rules": [all], "fallbacks": {"general": [desk.shop.model]}}));
    back["model_id"] = json!(desk.other);
    operator.post(ADMIN, back).await.expect(201);
    let (at, why) = refused(json!({"rules": [all], "fallbacks": {"general": [desk.other]}})).await;
    assert_eq!(at, ["/policy/fallbacks/general/0"]);
    assert!(why.starts_with("this makes a loop"), "{why}");
    let reply = operator.post(ADMIN, json!({"model_id": desk.shop.model, "policy": {"rules": [{"name": "a", "pick": "best"}]}})).await;
    assert_eq!(reply.refused("request.invalid").pointers(), ["/policy/rules/0/pick"]);
    assert_eq!(desk.app.count("routes").await, 1);
}

#[tokio::test]
async fn a_version_whose_deployments_take_no_calls_any_more_cannot_be_made_to_count() {
    let desk = Desk::open().await;
    let operator = &desk.shop.operator;
    let new = desk.written(&plain("ordered", &[&desk.eu]));
    let made = operator.post(ADMIN, new).await.expect(201).json();
    let one = at(ADMIN, &made);
    operator
        .patch(&one, json!({"policy": plain("weighted", &[]), "activate": true}), 1)
        .await
        .expect(200);
    let off = json!({"disabled": true});
    operator.patch(&format!("/v1/admin/deployments/{}", desk.eu), off, 1).await.expect(200);
    let reply = operator.patch(&format!("{one}/active"), json!({"active": 1}), 2).await;
    assert!(reply.refused("object.conflict").text.contains("/rules/0/among"));
}

#[tokio::test]
async fn an_org_routes_only_what_its_apps_may_call_and_nobody_else_sees_it() {
    let desk = Desk::open().await;
    let new = desk.written(&plain("ordered", &[&desk.eu]));
    // Not subscribed, there is no such model.
    assert_eq!(desk.owner.get(&format!("{OURS}/places")).await.json(), json!([]));
    let reply = desk.owner.post(OURS, new.clone()).await.refused("request.invalid");
    assert_eq!(reply.pointers(), ["/model_id"]);
    desk.subscribe().await;
    let places = desk.owner.get(&format!("{OURS}/places")).await.expect(200);
    assert_eq!(places.json().as_array().unwrap().len(), 4);
    assert!(!places.text.contains("up-eu") && !places.text.contains("upstream"), "{}", places.text);
    let made = desk.owner.post(OURS, new.clone()).await.expect(201).json();
    assert_eq!(made["org_id"], json!(desk.org.id));
    // The platform's route of the same model is another.
    desk.shop.operator.post(ADMIN, new.clone()).await.expect(201);
    assert_eq!(desk.owner.get(OURS).await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(desk.shop.operator.get(ADMIN).await.json()["items"].as_array().unwrap().len(), 1);
    desk.shop.operator.get(&at(ADMIN, &made)).await.refused("object.not_found");

    let (developer, finance) = (
        desk.app.member(&desk.org, Role::Developer).await,
        desk.app.member(&desk.org, Role::Finance).await,
    );
    developer.get(OURS).await.expect(200);
    developer.post(OURS, new).await.refused("role.forbidden");
    finance.get(OURS).await.refused("role.forbidden");
    let asked = json!({"model": "chat-one", "org": "acme"});
    finance.send(explain(&finance, &asked)).await.refused("role.forbidden");
    let nobodys = desk.app.sign_up("eve@example.com", "Eve Inc").await;
    nobodys.send(explain(&nobodys, &asked)).await.refused("object.not_found");
    let unsaid = nobodys.send(explain(&nobodys, &json!({"model": "chat-one"}))).await;
    assert_eq!(unsaid.refused("request.invalid").pointers(), ["/org"]);
}

#[tokio::test]
async fn an_explanation_names_the_rule_the_places_and_why_not_the_others() {
    let desk = Desk::open().await;
    let operator = &desk.shop.operator;
    let policy = json!({
        "rules": [
            {"name": "tools", "when": "tools > 0", "pick": "ordered", "among": [desk.eu, desk.anywhere]},
            {"name": "all", "pick": "cheapest", "among": [desk.us, desk.anywhere, desk.eu]},
        ],
    });
    let lacks = json!({"lacks": ["tools"], "context_tokens_max": 500});
    let eu = format!("/v1/admin/deployments/{}", desk.eu);
    let changed = operator.patch(&eu, lacks, 1).await.expect(200).json();
    assert_eq!(
        (changed["lacks"].clone(), changed["weight"].clone()),
        (json!(["tools"]), json!(100))
    );
    operator.post(ADMIN, desk.written(&policy)).await.expect(201);

    let call = json!({"tools": 1, "input_tokens": 100, "messages": 1});
    let told = desk.explain(operator, json!({"model": "chat-one", "call": call})).await;
    assert_eq!(told["rules"], json!([{"name": "tools", "when": "tools > 0", "matched": true}]));
    let places = |told: &Value| -> Vec<(String, u64, Value)> {
        let places = told["places"].as_array().unwrap().iter();
        let seen = |place: &Value| {
            (
                place["deployment_id"].as_str().unwrap().to_owned(),
                place["first_of_1000"].as_u64().unwrap(),
                place["skipped"].clone(),
            )
        };
        places.map(seen).collect()
    };
    assert_eq!(
        places(&told),
        [
            (desk.anywhere.clone(), 1_000, Value::Null),
            (desk.us.clone(), 0, json!("not_named")),
            (desk.eu.clone(), 0, json!("feature")),
        ]
    );
    assert_eq!((told["complexity"].clone(), told["number"].clone()), (json!(26), json!(1)));

    // Dearer by ten, so last.
    let call = json!({"input_tokens": 1_000_000, "output_tokens_max": 0});
    let told = desk.explain(operator, json!({"model": "chat-one", "call": call})).await;
    assert_eq!(told["rules"][0]["matched"], json!(false));
    // Too long for all of them, by an estimate: one that knows is asked.
    assert_eq!(told["refused"], Value::Null);
    assert!(places(&told).iter().all(|(_, _, skipped)| skipped.is_null()));
    assert_eq!(places(&told)[2].0, desk.us);
    let call = json!({"input_tokens": 600});
    let told = desk.explain(operator, json!({"model": "chat-one", "call": call})).await;
    assert_eq!(
        places(&told),
        [
            (desk.anywhere.clone(), 1_000, Value::Null),
            (desk.us.clone(), 0, Value::Null),
            (desk.eu.clone(), 0, json!("context")),
        ]
    );
    let costs = [&told["places"][0]["cost_usd"], &told["places"][1]["cost_usd"]];
    assert_eq!(costs, ["0.0006", "0.006"]);

    // A draft is checked as if it were saved, and decides alone.
    let mut draft = json!({"model": "chat-one", "policy": plain("weighted", &[])});
    draft["policy"]["regions"] = json!(["eu-central-1"]);
    let told = desk.explain(operator, draft.clone()).await;
    assert_eq!(told["route_id"], Value::Null);
    assert_eq!(places(&told)[0], (desk.eu.clone(), 1_000, Value::Null));
    assert_eq!(places(&told)[1], (desk.anywhere.clone(), 0, json!("region")));
    draft["policy"]["regions"] = json!(["mars"]);
    let reply = operator.send(explain(operator, &draft)).await.refused("request.invalid");
    assert_eq!(reply.pointers()[0], "/policy/regions/0");
}

#[tokio::test]
async fn an_orgs_own_route_counts_for_its_calls_and_gateways_get_what_counts() {
    let desk = Desk::open().await;
    let redis = TestRedis::start().await;
    let mut publisher = Publisher::new(desk.app.app.clone(), Target::new(redis.link()));
    desk.subscribe().await;
    let operator = &desk.shop.operator;
    operator.post(ADMIN, desk.written(&plain("weighted", &[]))).await.expect(201);
    let new = desk.written(&plain("ordered", &[&desk.us, &desk.eu]));
    let made = desk.owner.post(OURS, new).await.expect(201).json();
    let asked = json!({"model": "chat-one", "org": "acme"});
    let told = desk.explain(&desk.owner, asked.clone()).await;
    assert_eq!(told["route_id"], made["id"]);
    assert_eq!(told["places"][0]["deployment_id"], json!(desk.us));
    let told = desk.explain(operator, json!({"model": "chat-one"})).await;
    assert_ne!(told["route_id"], made["id"]);

    let mut held = async || -> Vec<RouteRecord> {
        while !matches!(publisher.step().await.unwrap(), Step::Idle(_)) {}
        let all: std::collections::BTreeMap<String, String> = redis::cmd("HGETALL")
            .arg(records(Kind::Route))
            .query_async(&mut redis.link())
            .await
            .unwrap();
        let records = all.values().map(|text| serde_json::from_str::<Stored>(text).unwrap().record);
        records
            .map(|record| match record {
                Record::Route(route) => route,
                other => panic!("{other:?}"),
            })
            .collect()
    };
    let both = held().await;
    assert_eq!(both.len(), 2);
    let ours = both.iter().find(|route| route.org_id == Some(desk.org.id)).unwrap();
    assert_eq!((ours.version, ours.policy.rules[0].pick), (1, Pick::Ordered));
    // A draft reaches nobody, and what does not count is gone.
    let one = at(OURS, &made);
    desk.owner.patch(&one, json!({"policy": plain("weighted", &[])}), 1).await.expect(200);
    assert_eq!(held().await, both);
    let off = json!({"active": null});
    desk.owner.patch(&format!("{one}/active"), off, 2).await.expect(200);
    assert_eq!(held().await.len(), 1);
    let told = desk.explain(&desk.owner, asked).await;
    assert_eq!(told["rules"][0]["name"], "all");
    assert_ne!(told["route_id"], made["id"]);
}

/// What a gateway says of deployments.
fn beat(now: contract::Timestamp, n: u8, deployments: Vec<DeploymentBeat>) -> GatewayBeat {
    GatewayBeat { deployments, ..idle(now, n) }
}

fn found(id: &str, breaker: BreakerState, share_percent: u8) -> DeploymentBeat {
    DeploymentBeat {
        deployment_id: id.parse().unwrap(),
        breaker,
        share_percent,
        in_flight: 3,
        first_content_us: 120_001,
        answer_us: 900_000,
        answered: 40,
        failed: 6,
        opened: 1,
    }
}

#[tokio::test]
async fn an_explanation_and_the_operators_list_heed_what_gateways_say_of_deployments() {
    let redis = TestRedis::start().await;
    let app = TestApp::start_with(&["--redis-url", &redis.config().url]).await;
    let desk = Desk::in_app(app).await;
    desk.subscribe().await;
    let now = desk.app.clock.now();
    redis.beat(&beat(now, 1, vec![found(&desk.eu, BreakerState::Open, 0)])).await;
    let operator = &desk.shop.operator;
    let call = json!({"stream": true});
    let asked = json!({"model": "chat-one", "org": "acme", "call": call});
    let told = desk.explain(operator, asked.clone()).await;
    let places = |told: &Value| -> Vec<(Value, Value, Value)> {
        let places = told["places"].as_array().unwrap().iter();
        let seen = |one: &Value| {
            (one["deployment_id"].clone(), one["first_of_1000"].clone(), one["health"].clone())
        };
        places.map(seen).collect()
    };
    let resting = json!({"breaker": "open", "share_percent": 0, "latency_ms": 121, "in_flight": 3});
    assert_eq!(
        places(&told),
        [(json!(desk.anywhere), json!(1_000), Value::Null), (json!(desk.eu), json!(0), resting),]
    );
    assert_eq!(told["gateways"], 1);

    // A second gateway finds it well; one that fell silent is not heeded.
    redis.beat(&beat(now, 2, vec![found(&desk.eu, BreakerState::Closed, 100)])).await;
    let mut silent = beat(now, 3, vec![found(&desk.anywhere, BreakerState::Open, 0)]);
    silent.at = now - chrono::TimeDelta::minutes(5);
    redis.beat(&silent).await;
    let told = desk.explain(&desk.owner, asked).await;
    let health = &told["places"].as_array().unwrap().iter();
    let health = health.clone().find(|one| one["deployment_id"] == desk.eu).unwrap();
    assert_eq!(
        health["health"],
        json!({"breaker": "open", "share_percent": 50, "latency_ms": 121}),
        "how busy it is with others' calls is not for an org"
    );
    let first = health["first_of_1000"].as_u64().unwrap();
    assert!((250..420).contains(&first), "a third of the calls, as half of its weight: {first}");

    let list = operator.get("/v1/admin/deployments/health").await.expect(200).json();
    assert_eq!(list["gateways"], 2);
    let one = &list["deployments"][0];
    assert_eq!(list["deployments"].as_array().unwrap().len(), 1);
    for (name, value) in [
        ("deployment_id", json!(desk.eu)),
        ("model_name", json!("chat-one")),
        ("region", json!("eu-central-1")),
        ("breaker", json!("open")),
        ("share_percent", json!(50)),
        ("in_flight", json!(6)),
        ("first_content_ms", json!(121)),
        ("answer_ms", json!(900)),
        ("failed", json!(12)),
        ("opened", json!(2)),
    ] {
        assert_eq!(one[name], value, "{name}: {one}");
    }
    desk.owner.get("/v1/admin/deployments/health").await.refused("role.forbidden");
}

#[tokio::test]
async fn where_no_gateway_can_be_heard_all_places_are_taken_for_well() {
    let desk = Desk::open().await;
    let told = desk.explain(&desk.shop.operator, json!({"model": "chat-one"})).await;
    assert_eq!(told["gateways"], Value::Null);
    assert_eq!(told["places"].as_array().unwrap().len(), 2);
    let list = desk.shop.operator.get("/v1/admin/deployments/health").await.expect(200).json();
    assert_eq!((&list["gateways"], &list["deployments"]), (&Value::Null, &json!([])));
}
