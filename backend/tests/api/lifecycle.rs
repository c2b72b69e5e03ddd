//! Versions of models, other names for them, and names that lead elsewhere from an instant on.

use crate::harness::{Client, Shop, TestApp, TestRedis};
use backend::jobs;
use backend::publish::{Publisher, Step, Target};
use chrono::TimeDelta;
use contract::channel::{Stored, records};
use contract::snapshot::{AliasRecord, Kind, Lead, Lifecycle, ModelRecord, Record};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ALIASES: &str = "/v1/admin/aliases";
const CUT_OVERS: &str = "/v1/admin/cut-overs";

/// A shop with the models `chat-one` and `chat-two`.
struct Desk {
    app: TestApp,
    shop: Shop,
    one: String,
    two: String,
}

impl Desk {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let shop = Shop::open(&app).await;
        let two = shop.add_model("chat-two", "2", "4").await;
        let path = |id: &dyn std::fmt::Display| format!("/v1/admin/models/{id}");
        Self { one: path(&shop.model), two: path(&two), app, shop }
    }

    fn operator(&self) -> &Client {
        &self.shop.operator
    }

    async fn alias(&self, name: &str, to: &str) -> Value {
        let new = json!({"name": name, "to": to});
        self.operator().post(ALIASES, new).await.expect(201).json()
    }

    async fn cut_over(&self, name: &str, to: &str, at: Option<&str>) -> Value {
        let new = json!({"name": name, "to": to, "at": at});
        self.operator().post(CUT_OVERS, new).await.expect(201).json()
    }

    async fn model(&self, path: &str) -> Value {
        self.operator().get(path).await.expect(200).json()
    }

    /// A version of `chat-one` in a state that calls come to.
    async fn version(&self, label: &str) -> Value {
        let new = json!({"label": label});
        let made = self.operator().post(&format!("{}/versions", self.one), new).await;
        let made = made.expect(201).json();
        assert_eq!((&made["state"], &made["version"]), (&json!("draft"), &json!(1)));
        let active = json!({"state": "active"});
        self.operator().patch(&version(&made), active, 1).await.expect(200).json()
    }

    /// A place where a version of `chat-one` answers.
    async fn place(&self, label: &str) {
        let new = json!({"provider_id": self.shop.provider, "upstream_model": label,
            "weight": 10, "model_version": label});
        self.operator().post(&format!("{}/deployments", self.one), new).await.expect(201);
    }

    async fn audited(&self, action: &str) -> i64 {
        self.app.count(&format!("audit_entries where action = '{action}'")).await
    }
}

fn version(of: &Value) -> String {
    format!("/v1/admin/model-versions/{}", of["id"].as_str().unwrap())
}

fn cut_over(of: &Value) -> String {
    format!("{CUT_OVERS}/{}", of["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_version_lives_by_the_same_rules_as_a_model_and_each_step_is_written_down() {
    let desk = Desk::open().await;
    let operator = desk.operator();
    let versions = format!("{}/versions", desk.one);
    for bad in ["", "V2", "a@b", "a/b"] {
        let refused = operator.post(&versions, json!({"label": bad})).await;
        assert_eq!(refused.refused("request.invalid").pointers(), ["/label"]);
    }
    let made = desk.version("v2").await;
    operator.post(&versions, json!({"label": "v2"})).await.refused("object.name_taken");
    let path = version(&made);
    let past = json!({"state": "deprecated", "sunset_at": "2026-03-01T11:59:59Z"});
    assert_eq!(
        operator.patch(&path, past, 2).await.refused("request.invalid").pointers(),
        ["/sunset_at"]
    );
    let early = json!({"sunset_at": "2026-04-01T00:00:00Z"});
    assert_eq!(
        operator.patch(&path, early, 2).await.refused("request.invalid").pointers(),
        ["/sunset_at"]
    );
    let going = json!({"state": "deprecated", "sunset_at": "2026-04-01T00:00:00Z"});
    let going = operator.patch(&path, going, 2).await.expect(200).json();
    assert_eq!(going["deprecated_at"], "2026-03-01T12:00:00Z");
    desk.app.clock.advance(TimeDelta::days(31));
    jobs::run_due(&desk.app.app).await.unwrap();
    // Sessions have ended since.
    let operator = &desk.app.person("second@platform.example", true).await.1;
    let shown = operator.get(&desk.one).await.expect(200).json();
    assert_eq!(shown["versions"][0]["state"], "retired");
    operator.patch(&path, json!({"state": "active"}), 4).await.refused("object.conflict");
    assert_eq!(desk.audited("create_model_version").await, 1);
    assert_eq!(desk.audited("update_model_version").await, 3);
    let absent = "/v1/admin/model-versions/mdv_00000000000000000000000000";
    operator.patch(absent, json!({"state": "active"}), 1).await.refused("object.not_found");
}

#[tokio::test]
async fn a_deployment_is_of_a_version_of_its_own_model() {
    let desk = Desk::open().await;
    let operator = desk.operator();
    desk.version("v2").await;
    let new = |version: &str, at: &str| {
        json!({"provider_id": desk.shop.provider, "upstream_model": at, "weight": 10,
            "model_version": version})
    };
    let path = format!("{}/deployments", desk.one);
    let refused = operator.post(&path, new("v9", "a")).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/model_version"]);
    let foreign = format!("{}/deployments", desk.two);
    operator.post(&foreign, new("v2", "a")).await.refused("request.invalid");
    let made = operator.post(&path, new("v2", "up-two")).await.expect(201).json();
    assert_eq!(made["model_version"], "v2");
    let shown = desk.model(&desk.one).await;
    assert_eq!(shown["versions"][0]["deployment_ids"], json!([made["id"]]));
    let path = format!("/v1/admin/deployments/{}", made["id"].as_str().unwrap());
    // What is left out stays; null takes it out.
    let kept = operator.patch(&path, json!({"weight": 5}), 1).await.expect(200).json();
    assert_eq!(kept["model_version"], "v2");
    let plain = operator.patch(&path, json!({"model_version": null}), 2).await.expect(200).json();
    assert_eq!(plain["model_version"], Value::Null);
}

#[tokio::test]
async fn an_alias_leads_to_a_model_a_version_or_an_alias_and_nothing_else() {
    let desk = Desk::open().await;
    let operator = desk.operator();
    desk.version("v2").await;
    let best = desk.alias("best", "chat-one@v2").await;
    assert_eq!((&best["to"], &best["model_name"]), (&json!("chat-one@v2"), &json!("chat-one")));
    desk.app.clock.advance(TimeDelta::seconds(1));
    desk.alias("support", "best").await;
    let draft = json!({"name": "new", "display_name": "N", "modality": "embedding"});
    operator.post("/v1/admin/models", draft).await.expect(201);
    for (name, to, pointer) in [
        ("Best", "chat-one", "/name"),
        ("a@b", "chat-one", "/name"),
        ("", "chat-one", "/name"),
        ("best", "chat-one", "/name"),
        ("chat-two", "chat-one", "/name"),
        ("other", "nothing", "/to"),
        ("other", "", "/to"),
        ("other", "chat-one@v9", "/to"),
        ("other", "best@v2", "/to"),
        ("other", "other", "/to"),
        ("other", "new", "/to"),
    ] {
        let refused = operator.post(ALIASES, json!({"name": name, "to": to})).await;
        assert_eq!(refused.refused("request.invalid").pointers(), [pointer], "{name} → {to}");
    }
    // Nor can a model take the name.
    let model = json!({"name": "best", "display_name": "B", "modality": "embedding"});
    let taken = operator.post("/v1/admin/models", model).await.refused("object.name_taken");
    assert_eq!(taken.pointers(), ["/name"]);
    assert_eq!(desk.model(&desk.one).await["aliases"], json!(["best", "support"]));
    let page = operator.get(&format!("{ALIASES}?limit=1")).await.expect(200).json();
    assert_eq!(page["items"][0]["name"], "support");
    let next = page["next"].as_str().unwrap();
    let page = operator.get(&format!("{ALIASES}?limit=1&cursor={next}")).await.expect(200).json();
    assert_eq!((&page["items"][0]["name"], &page["next"]), (&json!("best"), &Value::Null));

    let path = format!("{ALIASES}/{}", best["id"].as_str().unwrap());
    let refused = operator.delete(&path).await.refused("object.conflict").json();
    assert!(refused["detail"].as_str().unwrap().contains("`support` leads to it"), "{refused}");
    desk.cut_over("support", "chat-two", None).await;
    operator.delete(&path).await.expect(204);
    operator.delete(&path).await.refused("object.not_found");
    assert_eq!((desk.audited("create_alias").await, desk.audited("delete_alias").await), (2, 1));
}

#[tokio::test]
async fn a_circle_is_refused_with_its_names_also_one_that_would_come_later() {
    let desk = Desk::open().await;
    let operator = desk.operator();
    desk.alias("a", "chat-one").await;
    desk.alias("b", "a").await;
    let refused = operator.post(CUT_OVERS, json!({"name": "a", "to": "b"})).await;
    let refused = refused.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/to"]);
    assert!(refused.text.contains("a → b → a"), "{}", refused.text);
    let at = "2026-03-10T00:00:00Z";
    desk.cut_over("chat-one", "chat-two", Some(at)).await;
    let later = json!({"name": "chat-two", "to": "chat-one", "at": "2026-03-11T00:00:00Z"});
    let refused = operator.post(CUT_OVERS, later).await.refused("request.invalid");
    assert!(refused.text.contains("chat-one → chat-two → chat-one"), "{}", refused.text);
    // One name has one plan.
    let second = json!({"name": "chat-one", "to": "chat-two", "at": "2026-03-12T00:00:00Z"});
    operator.post(CUT_OVERS, second).await.refused("object.conflict");
    for (body, pointer) in [
        (json!({"name": "nobody", "to": "chat-two"}), "/name"),
        (json!({"name": "a", "to": "nobody"}), "/to"),
        (json!({"name": "a", "to": "chat-one"}), "/to"),
        (json!({"name": "chat-two", "to": "a"}), "/to"),
        (json!({"name": "a", "to": "chat-two", "at": "2026-03-01T12:00:00Z"}), "/at"),
        (json!({"name": "a", "to": "chat-two", "at": "2036-03-01T12:00:00Z"}), "/at"),
    ] {
        let refused = operator.post(CUT_OVERS, body).await.refused("request.invalid");
        assert_eq!(refused.pointers(), [pointer]);
    }
    assert_eq!(desk.audited("create_cut_over").await, 1);
}

#[tokio::test]
async fn a_cut_over_happens_at_its_instant_is_taken_back_by_one_call_and_that_too() {
    let desk = Desk::open().await;
    let operator = desk.operator();
    desk.version("v2").await;
    let new = json!({"name": "chat-one", "to": "chat-one@v2"});
    let refused = operator.post(CUT_OVERS, new).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/to"]);
    assert!(refused.text.contains("No deployment of `chat-one@v2`"), "{}", refused.text);
    desk.place("v2").await;
    let made = desk.cut_over("chat-one", "chat-one@v2", Some("2026-03-02T00:00:00Z")).await;
    assert_eq!((&made["state"], &made["is_reversible"]), (&json!("scheduled"), &json!(false)));
    let shown = desk.model(&desk.one).await;
    assert_eq!((&shown["next"]["to"], &shown["leads_to"]), (&json!("chat-one@v2"), &Value::Null));
    jobs::run_due(&desk.app.app).await.unwrap();
    assert_eq!(desk.model(&desk.one).await["leads_to"], Value::Null);

    desk.app.clock.advance(TimeDelta::hours(12));
    // Gateways have switched by now, so it is too late to cancel.
    operator.delete(&cut_over(&made)).await.refused("object.conflict");
    for _ in 0..3 {
        jobs::run_due(&desk.app.app).await.unwrap();
        desk.app.clock.advance(TimeDelta::minutes(1));
    }
    let shown = desk.model(&desk.one).await;
    assert_eq!((&shown["leads_to"], &shown["next"]), (&json!("chat-one@v2"), &Value::Null));
    assert_eq!(desk.audited("carry_out_cut_over").await, 1);

    let back = format!("{}/rollback", cut_over(&made));
    let undone = operator.post(&back, json!({})).await.expect(201).json();
    assert_eq!((&undone["to"], &undone["before"]), (&json!("chat-one"), &json!("chat-one@v2")));
    assert_eq!((&undone["state"], &undone["rolls_back"]), (&json!("done"), &made["id"]));
    assert_eq!(desk.model(&desk.one).await["leads_to"], Value::Null, "as at the beginning");
    operator.post(&back, json!({})).await.refused("object.conflict");
    let again = format!("{}/rollback", cut_over(&undone));
    operator.post(&again, json!({})).await.expect(201);
    assert_eq!(desk.model(&desk.one).await["leads_to"], "chat-one@v2");
    assert_eq!(desk.audited("roll_back_cut_over").await, 2);
    let all = operator.get(&format!("{CUT_OVERS}?name=chat-one")).await.expect(200).json();
    let led = |one: &&Value| one["is_reversible"] == true;
    let led: Vec<_> = all["items"].as_array().unwrap().iter().filter(led).collect();
    assert_eq!(led.len(), 2, "those that led it where it leads");
    assert!(led.iter().all(|one| one["to"] == "chat-one@v2"), "{led:?}");
    operator.get(&format!("{CUT_OVERS}?name=nobody")).await.refused("request.invalid");
}

#[tokio::test]
async fn a_scheduled_cut_over_can_be_cancelled_and_then_never_happens() {
    let desk = Desk::open().await;
    let operator = desk.operator();
    desk.alias("best", "chat-one").await;
    let made = desk.cut_over("best", "chat-two", Some("2026-03-02T00:00:00Z")).await;
    operator
        .post(&format!("{}/rollback", cut_over(&made)), json!({}))
        .await
        .refused("object.conflict");
    operator.delete(&cut_over(&made)).await.expect(204);
    operator.delete(&cut_over(&made)).await.refused("object.conflict");
    desk.app.clock.advance(TimeDelta::days(2));
    jobs::run_due(&desk.app.app).await.unwrap();
    let aliases = operator.get(ALIASES).await.expect(200).json();
    assert_eq!(aliases["items"][0]["to"], "chat-one");
    let all = operator.get(CUT_OVERS).await.expect(200).json();
    assert_eq!(all["items"][0]["state"], "cancelled");
    assert_eq!(desk.audited("cancel_cut_over").await, 1);
}

#[tokio::test]
async fn what_names_lead_to_is_not_retired_and_a_rollback_leads_to_nothing_that_is_gone() {
    let desk = Desk::open().await;
    let operator = desk.operator();
    desk.alias("best", "chat-one").await;
    let refused = operator.patch(&desk.one, json!({"state": "retired"}), 2).await;
    assert!(refused.refused("object.conflict").text.contains("`best`"));
    let moved = desk.cut_over("best", "chat-two", None).await;
    assert_eq!((&moved["state"], &moved["before"]), (&json!("done"), &json!("chat-one")));
    operator.patch(&desk.one, json!({"state": "retired"}), 2).await.expect(200);
    let back = format!("{}/rollback", cut_over(&moved));
    let refused = operator.post(&back, json!({})).await.refused("object.conflict");
    assert!(refused.text.contains("`chat-one` is retired"), "{}", refused.text);
    // Nor a version that the model's own name leads to, now or soon.
    let shown = desk.model(&desk.two).await;
    assert_eq!(shown["aliases"], json!(["best"]));
}

#[tokio::test]
async fn a_version_in_use_is_not_retired() {
    let desk = Desk::open().await;
    let operator = desk.operator();
    let used = desk.version("v2").await;
    desk.place("v2").await;
    let soon = desk.cut_over("chat-one", "chat-one@v2", Some("2026-03-02T00:00:00Z")).await;
    let path = version(&used);
    for body in [
        json!({"state": "retired"}),
        json!({"state": "deprecated", "sunset_at": "2026-04-01T00:00:00Z"}),
    ] {
        let refused = operator.patch(&path, body, 2).await.refused("object.conflict");
        assert!(refused.text.contains("`chat-one`"), "{}", refused.text);
    }
    operator.delete(&cut_over(&soon)).await.expect(204);
    operator.patch(&path, json!({"state": "retired"}), 2).await.expect(200);
}

#[tokio::test]
async fn gateways_get_names_versions_and_instants_before_they_count() {
    let desk = Desk::open().await;
    let redis = TestRedis::start().await;
    let mut publisher = Publisher::new(desk.app.app.clone(), Target::new(redis.link()));
    desk.version("v2").await;
    desk.place("v2").await;
    let draft = json!({"label": "v3"});
    let operator = desk.operator();
    let draft = operator.post(&format!("{}/versions", desk.one), draft).await.expect(201).json();
    let new = json!({"provider_id": desk.shop.provider, "upstream_model": "up-three",
        "weight": 10, "model_version": "v3"});
    operator.post(&format!("{}/deployments", desk.one), new).await.expect(201);
    desk.alias("best", "chat-one@v2").await;
    desk.cut_over("best", "chat-two", Some("2026-03-02T00:00:00Z")).await;
    desk.cut_over("chat-one", "chat-one@v2", Some("2026-03-03T00:00:00Z")).await;

    let mut held = async || -> Vec<Record> {
        while !matches!(publisher.step().await.unwrap(), Step::Idle(_)) {}
        let mut all = Vec::new();
        for kind in [Kind::Alias, Kind::Model, Kind::Deployment] {
            let of_kind: BTreeMap<String, String> = redis::cmd("HGETALL")
                .arg(records(kind))
                .query_async(&mut redis.link())
                .await
                .unwrap();
            let read = |text: &String| serde_json::from_str::<Stored>(text).unwrap().record;
            all.extend(of_kind.values().map(read));
        }
        all
    };
    let first = held().await;
    let alias = alias_of(&first);
    let one = model_of(&first, "chat-one");
    let v2 = Lead::Model { id: one.id, version: Some("v2".into()) };
    assert_eq!((alias.name.as_str(), &alias.lead), ("best", &v2));
    let two = Lead::Model { id: model_of(&first, "chat-two").id, version: None };
    assert_eq!(alias.next.as_ref().unwrap().lead, two);
    assert_eq!((&one.life.lead, &one.life.next.as_ref().unwrap().lead), (&None, &v2));
    let labels: Vec<_> = one.life.versions.iter().map(|version| version.label.as_str()).collect();
    assert_eq!(labels, ["v2"], "a draft is nobody's business");
    let of_draft = |all: &[Record]| {
        let found = all.iter().find_map(|record| match record {
            Record::Deployment(one) if one.version.as_deref() == Some("v3") => Some(one.disabled),
            _ => None,
        });
        found.unwrap()
    };
    assert!(of_draft(&first), "what runs a draft takes no calls");
    operator.patch(&version(&draft), json!({"state": "active"}), 1).await.expect(200);
    assert!(!of_draft(&held().await));

    desk.app.clock.advance(TimeDelta::days(3));
    jobs::run_due(&desk.app.app).await.unwrap();
    let after = held().await;
    assert_eq!((alias_of(&after).lead, alias_of(&after).next), (two, None));
    let one = model_of(&after, "chat-one");
    assert_eq!((one.life.lead, one.life.next, one.state), (Some(v2), None, Lifecycle::Active));
}

fn alias_of(all: &[Record]) -> AliasRecord {
    let mut found = all.iter().filter_map(|record| match record {
        Record::Alias(alias) => Some(alias.clone()),
        _ => None,
    });
    found.next().unwrap()
}

fn model_of(all: &[Record], name: &str) -> ModelRecord {
    let mut found = all.iter().filter_map(|record| match record {
        Record::Model(model) if model.name == name => Some(model.clone()),
        _ => None,
    });
    found.next().unwrap()
}
