//! Answers that are given again: what a plan may say of them, what they cost once they are booked, and
//! throwing them away.

use crate::harness::{Client, RATES, Reply, Shop, TestApp, TestRedis, entry};
use crate::tariffs::{Desk, priced, tariff};
use backend::publish::{Publisher, Step, Target};
use backend::usage::ingest;
use contract::channel::{cache_answers, cache_bytes, cache_ends, records};
use contract::id::{DeploymentId, ProviderId};
use contract::money::Nanos;
use contract::role::Role;
use contract::snapshot::{CacheExact, CachePolicy, CacheScope, Kind, Record};
use contract::usage::{AttemptUse, Cached, Outcome, Tokens, Units, UsageEvent};
use serde_json::{Value, json};

/// What gateways are told of one object.
struct Told {
    redis: TestRedis,
    publisher: Publisher,
}

impl Told {
    async fn record(&mut self, kind: Kind, id: impl ToString) -> Record {
        while !matches!(self.publisher.step().await.unwrap(), Step::Idle(_)) {}
        let text: String = redis::cmd("HGET")
            .arg(records(kind))
            .arg(id.to_string())
            .query_async(&mut self.redis.link())
            .await
            .unwrap();
        serde_json::from_str::<contract::channel::Stored>(&text).unwrap().record
    }
}

async fn open() -> (TestApp, Told) {
    let redis = TestRedis::start().await;
    let app = TestApp::start_with(&["--redis-url", &redis.config().url]).await;
    let publisher = Publisher::new(app.app.clone(), Target::new(redis.link()));
    (app, Told { redis, publisher })
}

fn wanted() -> Value {
    json!({"exact": "deterministic", "ttl_s": 600, "scope": "team", "hit_price_percent": 10,
        "coalesce": true, "coalesced_price_percent": 0})
}

#[tokio::test]
async fn what_a_plan_says_of_kept_answers_reaches_gateways_and_tenants_and_changes_alone() {
    let (app, mut told) = open().await;
    let shop = Shop::open(&app).await;
    let path = format!("/v1/admin/plans/{}", shop.plan);
    let cache_of = |record: Record| match record {
        Record::Plan(plan) => plan.cache,
        other => panic!("{other:?}"),
    };
    let off = told.record(Kind::Plan, shop.plan).await;
    assert_eq!(cache_of(off), CachePolicy::default());
    let plan = shop.operator.patch(&path, json!({"cache": wanted()}), 1).await.expect(200).json();
    assert_eq!(plan["cache"], wanted());
    let policy = CachePolicy {
        exact: CacheExact::Deterministic,
        ttl_s: 600,
        scope: CacheScope::Team,
        semantic: None,
        hit_price_percent: 10,
        coalesce: true,
        coalesced_price_percent: 0,
    };
    assert_eq!(cache_of(told.record(Kind::Plan, shop.plan).await), policy);
    // It changes as a whole, and nothing beside it; and stays when something else changes.
    let change = json!({"cache": {"exact": "all"}});
    let plan = shop.operator.patch(&path, change, 2).await.expect(200).json();
    let whole = json!({"exact": "all", "ttl_s": 3_600, "scope": "app", "hit_price_percent": 100,
        "coalesce": false, "coalesced_price_percent": 100});
    assert_eq!((&plan["cache"], &plan["unknown_policy"]), (&whole, &json!("forgive")));
    let change = json!({"unknown_policy": "bill_reserved"});
    let plan = shop.operator.patch(&path, change, 3).await.expect(200).json();
    assert_eq!(plan["cache"], whole);
    let shown = app.nobody().get("/v1/catalog/chat").await.expect(200).json();
    assert_eq!(shown["plans"][0]["cache"], plan["cache"], "tenants read what they pay");
    assert_eq!(app.count("audit_entries where action = 'update_plan'").await, 3);
    shop.operator.patch(&path, json!({"cache": {}}), 1).await.refused("object.version_stale");

    // A new plan has it from its first day.
    let plans = format!("/v1/admin/products/{}/plans", shop.product);
    let new = json!({"slug": "kept", "name": "Kept", "approval": "auto", "cache": wanted()});
    let made = shop.operator.post(&plans, new).await.expect(201).json();
    assert_eq!(made["cache"], wanted());
    let id = made["id"].as_str().unwrap();
    assert_eq!(cache_of(told.record(Kind::Plan, id).await), policy);
}

#[tokio::test]
async fn a_plan_that_could_not_be_kept_to_is_refused_at_its_place() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let path = format!("/v1/admin/plans/{}", shop.plan);
    let refused = async |cache: Value| {
        let reply = shop.operator.patch(&path, json!({"cache": cache}), 1).await;
        reply.refused("request.invalid").pointers().join(" ")
    };
    for (cache, pointers) in [
        (json!({"ttl_s": 0}), "/cache/ttl_s"),
        (json!({"ttl_s": 604_801}), "/cache/ttl_s"),
        (json!({"hit_price_percent": 101}), "/cache/hit_price_percent"),
        (
            json!({"ttl_s": 0, "coalesced_price_percent": 255}),
            "/cache/ttl_s /cache/coalesced_price_percent",
        ),
    ] {
        assert_eq!(refused(cache.clone()).await, pointers, "{cache}");
    }
    for unreadable in [
        json!({"exact": "sometimes"}),
        json!({"scope": "everybody"}),
        json!({"ttl_s": -1}),
        json!({"hit_price_percent": 256}),
        json!("off"),
    ] {
        let reply = shop.operator.patch(&path, json!({"cache": unreadable}), 1).await;
        assert!((400..=422).contains(&reply.status.as_u16()), "{}", reply.text);
    }
}

/// An embedding model by which calls can be compared.
async fn embedding(shop: &Shop, name: &str) -> String {
    let new = json!({"name": name, "display_name": name, "modality": "embedding",
        "context_tokens_max": 8_192, "output_tokens_max": 0});
    let made = shop.operator.post("/v1/admin/models", new).await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

async fn becomes(shop: &Shop, model: &str, state: &str) -> Reply {
    let path = format!("/v1/admin/models/{model}");
    let version = shop.operator.get(&path).await.expect(200).json()["version"].as_i64().unwrap();
    shop.operator.patch(&path, json!({"state": state}), version).await
}

#[tokio::test]
async fn by_what_a_plan_compares_calls_is_checked_reaches_gateways_and_is_not_retired_meanwhile() {
    let (app, mut told) = open().await;
    let shop = Shop::open(&app).await;
    let path = format!("/v1/admin/plans/{}", shop.plan);
    let embed = embedding(&shop, "house/embed").await;
    let with = |model: &str, alike: u16| json!({"cache": {"exact": "all", "semantic": {"model_id": model, "alike_min": alike}}});
    let refused = async |body: Value| {
        let reply = shop.operator.patch(&path, body, 1).await.refused("request.invalid");
        (reply.pointers().join(" "), reply.text.clone())
    };
    let of_model = "/cache/semantic/model_id";
    let (pointer, text) = refused(with(&embed, 950)).await;
    assert!(pointer == of_model && text.contains("house/embed is draft"), "{pointer} {text}");
    becomes(&shop, &embed, "active").await.expect(200);
    let chat = shop.model.to_string();
    let (pointer, text) = refused(with(&chat, 950)).await;
    assert!(pointer == of_model && text.contains("no embedding model"), "{pointer} {text}");
    let absent = "mdl_00000000000000000000000000";
    assert_eq!(refused(with(absent, 950)).await.0, of_model);
    for alike in [499, 1_001] {
        assert_eq!(refused(with(&embed, alike)).await.0, "/cache/semantic/alike_min");
    }
    let mut off = with(&embed, 950);
    off["cache"]["exact"] = "off".into();
    assert_eq!(refused(off).await.0, "/cache/semantic");
    let plans = format!("/v1/admin/products/{}/plans", shop.product);
    let mut new = with(absent, 950);
    (new["slug"], new["name"], new["approval"]) = ("a".into(), "A".into(), "auto".into());
    let reply = shop.operator.post(&plans, new).await.refused("request.invalid");
    assert_eq!(reply.pointers(), [of_model]);

    let plan = shop.operator.patch(&path, with(&embed, 950), 1).await.expect(200).json();
    assert_eq!(plan["cache"]["semantic"], json!({"model_id": embed, "alike_min": 950}));
    let Record::Plan(record) = told.record(Kind::Plan, shop.plan).await else { panic!() };
    let semantic = record.cache.semantic.unwrap();
    assert_eq!((semantic.model_id.to_string(), semantic.alike_min), (embed.clone(), 950));
    assert_eq!(app.count("audit_entries where action = 'update_plan'").await, 1);
    let shown = app.nobody().get("/v1/catalog/chat").await.expect(200).json();
    assert_eq!(shown["plans"][0]["cache"]["semantic"]["alike_min"], 950);

    // It may go away, but not at once and without a word; what else is changed of the plan is.
    let reply = becomes(&shop, &embed, "retired").await.refused("object.conflict");
    assert!(reply.text.contains("chat/") && reply.text.contains("compare calls"), "{}", reply.text);
    becomes(&shop, &embed, "deprecated").await.expect(200);
    let change = json!({"unknown_policy": "bill_reserved"});
    shop.operator.patch(&path, change, 2).await.expect(200);
    shop.operator.patch(&path, json!({"cache": {"exact": "all"}}), 3).await.expect(200);
    becomes(&shop, &embed, "retired").await.expect(200);
}

#[tokio::test]
async fn whoever_may_throws_away_what_is_kept_for_the_organisation_and_nobody_elses() {
    let (app, mut told) = open().await;
    let (ours, theirs) = (app.org("ours").await, app.org("theirs").await);
    let mut link = told.redis.link();
    for org in [ours.id, theirs.id] {
        for name in [cache_answers(org), cache_ends(org), cache_bytes(org)] {
            let mut set = redis::cmd("SET");
            set.arg(name).arg("kept").query_async::<()>(&mut link).await.unwrap();
        }
    }
    let path = "/v1/orgs/ours/cache/purge";
    for role in [Role::Developer, Role::Finance, Role::Auditor] {
        app.member(&ours, role).await.post(path, json!({})).await.refused("role.forbidden");
    }
    let stranger = app.member(&theirs, Role::Owner).await;
    stranger.post(path, json!({})).await.refused("object.not_found");
    let admin = app.member(&ours, Role::Admin).await;
    for purges in 1..=2 {
        let purged = admin.post(path, json!({})).await.expect(200).json();
        assert_eq!(purged, json!({"purges": purges}));
    }
    for (org, purges) in [(&ours, 2), (&theirs, 0)] {
        let Record::Org(record) = told.record(Kind::Org, org.id).await else { panic!() };
        assert_eq!(record.purges, purges, "{}", org.slug);
    }
    let there = async |org| {
        let mut exists = redis::cmd("EXISTS");
        exists.arg(cache_answers(org)).arg(cache_ends(org)).arg(cache_bytes(org));
        exists.query_async::<u32>(&mut told.redis.link()).await.unwrap()
    };
    assert_eq!((there(ours.id).await, there(theirs.id).await), (0, 3));
    assert_eq!(app.count("audit_entries where action = 'purge_org_cache'").await, 2);
}

#[tokio::test]
async fn operators_throw_away_what_is_kept_of_a_product_and_that_works_without_redis() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let org = app.org("acme").await;
    let path = format!("/v1/admin/products/{}/cache/purge", shop.product);
    let owner = app.member(&org, Role::Owner).await;
    owner.post(&path, json!({})).await.refused("role.forbidden");
    let purged = shop.operator.post(&path, json!({})).await.expect(200).json();
    assert_eq!(purged, json!({"purges": 1}));
    assert_eq!(app.count("audit_entries where action = 'purge_product_cache'").await, 1);
    assert!(app.count("outbox where kind = 'product'").await > 0);
    let absent = "/v1/admin/products/prod_00000000000000000000000000/cache/purge";
    shop.operator.post(absent, json!({})).await.refused("object.not_found");
    owner.post("/v1/orgs/acme/cache/purge", json!({})).await.expect(200);
}

fn part(call: UsageEvent, percent: u8) -> UsageEvent {
    let call = UsageEvent { cached: Some(Cached::Exact), price_percent: percent, ..call };
    priced(UsageEvent { attempts: 0, deployment_id: None, provider_id: None, ..call }, &RATES)
}

async fn detail(owner: &Client, call: &UsageEvent) -> Value {
    let path = format!("/v1/orgs/acme/requests/{}", call.request_id);
    owner.get(&path).await.expect(200).json()
}

#[tokio::test]
async fn a_call_that_was_given_an_answer_is_booked_at_its_part_of_the_price_and_says_so() {
    let desk = Desk::open().await;
    let made = desk.caller.event(&desk.app, &desk.shop, 1_000, 500);
    let kept = part(desk.caller.event(&desk.app, &desk.shop, 1_000, 500), 10);
    let mut shared = part(desk.caller.event(&desk.app, &desk.shop, 1_000, 500), 100);
    shared.cached = Some(Cached::Coalesced);
    let mut alike = part(desk.caller.event(&desk.app, &desk.shop, 1_000, 500), 10);
    alike.cached = Some(Cached::Semantic);
    alike.attempts_made = vec![AttemptUse {
        deployment_id: DeploymentId::new(made.at, &[1; 10]),
        provider_id: ProviderId::new(made.at, &[1; 10]),
        status: 200,
        outcome: Outcome::Ok,
        tokens: Tokens { input: 9, ..Tokens::default() },
        units: Units::default(),
        reported: true,
        overtaken: false,
        compared: true,
    }];
    assert_eq!((made.cost_nanos, kept.cost_nanos), (Nanos(2_500_000), Nanos(250_000)));
    desk.book(&[made.clone(), kept.clone(), shared.clone(), alike.clone()]).await;
    desk.agrees().await;
    let told = detail(&desk.owner, &kept).await;
    assert_eq!((&told["cached"], &told["price_percent"]), (&json!("exact"), &json!(10)));
    assert_eq!(told["ledger"][0]["entries"][0]["amount_usd"], "0.00025");
    let told = detail(&desk.owner, &shared).await;
    assert_eq!((&told["cached"], &told["price_percent"]), (&json!("coalesced"), &Value::Null));
    let told = detail(&desk.owner, &alike).await;
    assert_eq!((&told["cached"], &told["price_percent"]), (&json!("semantic"), &json!(10)));
    assert_eq!(told["attempts_made"][0]["compared"], true);
    assert_eq!(
        told["ledger"][0]["entries"][0]["amount_usd"], "0.00025",
        "comparing costs them nothing"
    );
    assert_eq!(detail(&desk.owner, &made).await["cached"], Value::Null);

    // A gateway that lies about the part is not believed.
    let another = || desk.caller.event(&desk.app, &desk.shop, 1_000, 500);
    let cheap = UsageEvent { cost_nanos: Nanos(250_000), ..another() };
    let without = UsageEvent { cached: None, ..part(another(), 10) };
    let entries = [entry(10, &cheap), entry(11, &without)];
    let booked = ingest(&desk.app.app, &entries).await.unwrap();
    assert_eq!((booked.new, booked.dead), (0, 2));
}

#[tokio::test]
async fn a_tariff_makes_another_price_of_calls_that_were_made_and_not_of_answers_given_again() {
    let desk = Desk::with(tariff()).await;
    desk.shop.subscribe(&desk.owner, &desk.caller).await;
    let at = "2026-03-01T12:00:00Z";
    let kept = part(desk.call(at, 5_000_000, 0), 10);
    assert_eq!(kept.cost_nanos, Nanos(500_000_000));
    desk.book(&[desk.call(at, 5_000_000, 0), kept]).await;
    desk.agrees().await;
    desk.wait_until("2026-04-02T00:00:00Z");
    desk.rate().await;
    // As without it: a million free, from two million on half price.
    let month = "2026-03".to_owned();
    assert_eq!(desk.posted("tariff").await, [(month.clone(), 1, -2_000_000_000)]);
    assert_eq!(desk.posted("minimum").await, [(month, 1, 28_000_000_000)]);
    assert_eq!(desk.earned().await, 31_500_000_000);
    desk.agrees().await;
}
