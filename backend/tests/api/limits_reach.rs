//! What limits reach: every metric and window, models and tags, other maxima for a while, and
//! plans; and what gateways are told of it.

use crate::harness::{Client, Shop, TestApp, TestOrg, TestRedis};
use backend::publish::{Publisher, Step, Target};
use chrono::TimeDelta;
use contract::channel::{Stored, records};
use contract::role::Role;
use contract::snapshot::{Kind, LimitRecord, Metric, Record, Window, WithoutRedis};
use serde_json::{Value, json};

const PATH: &str = "/v1/orgs/acme/limits";

struct Desk {
    app: TestApp,
    org: TestOrg,
    owner: Client,
}

impl Desk {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let org = app.org("acme").await;
        let owner = app.member(&org, Role::Owner).await;
        Self { app, org, owner }
    }

    /// A key of the app, by its id.
    async fn key(&self) -> String {
        let new = json!({"app_id": self.org.app, "name": "calls", "env": "live"});
        let made = self.owner.post("/v1/orgs/acme/keys", new).await.expect(201).json();
        made["key"]["id"].as_str().unwrap().to_owned()
    }

    fn on_org(&self, more: Value) -> Value {
        let mut new = json!({
            "scope": {"kind": "org", "id": self.org.id}, "metric": "requests", "window": "day",
        });
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        new
    }

    async fn make(&self, more: Value) -> Value {
        self.owner.post(PATH, self.on_org(more)).await.expect(201).json()
    }

    async fn blamed(&self, more: Value) -> Vec<String> {
        self.owner.post(PATH, self.on_org(more)).await.refused("request.invalid").pointers()
    }

    /// The limit as gateways get it.
    async fn published(&self, redis: &TestRedis, id: &str) -> LimitRecord {
        let mut publisher = Publisher::new(self.app.app.clone(), Target::new(redis.link()));
        for _ in 0..200 {
            if let Ok(Step::Idle(_)) = publisher.step().await {
                break;
            }
        }
        let text: String = redis::cmd("HGET")
            .arg(records(Kind::Limit))
            .arg(id)
            .query_async(&mut redis.link())
            .await
            .unwrap();
        match serde_json::from_str::<Stored>(&text).unwrap().record {
            Record::Limit(limit) => limit,
            other => panic!("{other:?}"),
        }
    }
}

fn at(made: &Value) -> String {
    format!("{PATH}/{}", made["id"].as_str().unwrap())
}

#[tokio::test]
async fn every_metric_counts_over_every_window_it_has() {
    let desk = Desk::open().await;
    let mut made = 0;
    for metric in Metric::ALL {
        for window in Window::ALL {
            let field = if *metric == Metric::Money { "max_usd" } else { "max" };
            let amount = if *metric == Metric::Money { json!("1") } else { json!(7) };
            let new = desk.on_org(json!({"metric": metric, "window": window, field: amount}));
            let reply = desk.owner.post(PATH, new).await;
            if *metric == Metric::Concurrency && *window != Window::Lifetime {
                assert_eq!(reply.refused("request.invalid").pointers(), ["/window"]);
            } else {
                reply.expect(201);
                made += 1;
            }
        }
    }
    assert_eq!(made, 7 * 9 + 1);
    let list = desk.owner.get(&format!("{PATH}?limit=100")).await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), made);
}

#[tokio::test]
async fn a_limit_on_a_model_and_a_tag_in_a_time_zone_reaches_gateways_whole() {
    let (desk, redis) = (Desk::open().await, TestRedis::start().await);
    let shop = Shop::open(&desk.app).await;
    let narrow = json!({
        "metric": "output_tokens", "window": "quarter", "time_zone": "Europe/Berlin", "max": 0,
        "model_id": shop.model, "tag": {"name": "cost-centre", "value": "42"},
        "without_redis_percent": 30,
    });
    let made = desk.make(narrow.clone()).await;
    assert_eq!(made["model_name"], "chat-one");
    assert_eq!(made["time_zone"], "Europe/Berlin");
    // The same again, whatever its time zone, would count the same use twice.
    let again = desk.on_org(narrow);
    desk.owner.post(PATH, again).await.refused("object.conflict");
    // Without the tag it is another limit.
    desk.make(json!({
        "metric": "output_tokens", "window": "quarter", "max": 5, "model_id": shop.model,
    }))
    .await;
    let record = desk.published(&redis, made["id"].as_str().unwrap()).await;
    assert_eq!((record.max, record.zone.name()), (0, "Europe/Berlin"));
    assert_eq!(record.model_id, Some(shop.model));
    assert_eq!(record.tag.unwrap().to_string(), "cost-centre=42");
    assert_eq!(record.without_redis, WithoutRedis::Local { percent: 30 });
    let sliding = desk.make(json!({"sliding": true, "max": 3})).await;
    let record = desk.published(&redis, sliding["id"].as_str().unwrap()).await;
    assert!(record.sliding && record.without_redis == WithoutRedis::Closed);
}

#[tokio::test]
async fn what_contradicts_itself_or_is_not_there_is_blamed_where_it_is() {
    let desk = Desk::open().await;
    let shop = Shop::open(&desk.app).await;
    let cases = [
        (json!({"max": 1, "time_zone": "Mars/Olympus"}), "/time_zone"),
        (json!({"max": 1, "window": "minute", "time_zone": "Europe/Berlin"}), "/time_zone"),
        (json!({"max": 1, "window": "month", "sliding": true}), "/sliding"),
        (json!({"max": 1, "metric": "gpu"}), "/metric"),
        (json!({"max": 1, "window": "fortnight"}), "/window"),
        (json!({"max": -1}), "/max"),
        (json!({"max": 1, "max_usd": "1"}), "/max_usd"),
        (json!({}), "/max"),
        (json!({"max": 9_223_372_036_854_775_808_u64}), "/max"),
        (json!({"metric": "money", "max_usd": "9223372037"}), "/max_usd"),
        (
            json!({"metric": "money", "max_usd": "1", "without_redis_percent": 1}),
            "/without_redis_percent",
        ),
        (json!({"max": 1, "without_redis_percent": 101}), "/without_redis_percent"),
        (json!({"max": 1, "model_id": "mdl_00000000000000000000000000"}), "/model_id"),
        (json!({"max": 1, "tag": {"name": "Cost", "value": "1"}}), "/tag"),
        (json!({"max": 1, "tag": {"name": "cost", "value": "a,b"}}), "/tag"),
    ];
    for (case, pointer) in cases {
        assert_eq!(desk.blamed(case.clone()).await, [pointer], "{case}");
    }
    assert_eq!(desk.app.count("limits").await, 0);
    let huge = desk.make(json!({"max": i64::MAX})).await;
    assert_eq!(huge["max"], i64::MAX);
    let path = format!("/v1/admin/models/{}", shop.model);
    shop.operator.patch(&path, json!({"state": "retired"}), 2).await.expect(200);
    assert_eq!(desk.blamed(json!({"max": 1, "model_id": shop.model})).await, ["/model_id"]);
}

#[tokio::test]
async fn a_limit_outlives_its_model_and_its_key_and_says_so() {
    let desk = Desk::open().await;
    let shop = Shop::open(&desk.app).await;
    let key_id = desk.key().await;
    let on_model = desk.make(json!({"max": 1, "model_id": shop.model})).await;
    let scope = json!({"kind": "key", "id": key_id});
    let on_key = desk.make(json!({"max": 1, "scope": scope})).await;
    assert_eq!((&on_model["is_gone"], &on_key["is_gone"]), (&json!(false), &json!(false)));
    let path = format!("/v1/admin/models/{}", shop.model);
    shop.operator.patch(&path, json!({"state": "retired"}), 2).await.expect(200);
    let revoke = format!("/v1/orgs/acme/keys/{}/revoke", key_id);
    desk.owner.post(&revoke, json!({})).await;
    for made in [&on_model, &on_key] {
        let now = desk.owner.get(&at(made)).await.expect(200).json();
        assert_eq!(now["is_gone"], true, "{now}");
        desk.owner.patch(&at(made), json!({"max": 2}), 1).await.expect(200);
        desk.owner.delete(&at(made)).await.expect(204);
    }
    assert_eq!(desk.blamed(json!({"max": 1, "scope": scope})).await, ["/scope"]);
}

#[tokio::test]
async fn an_override_reaches_gateways_with_its_instants_and_ends_early_when_told() {
    let (desk, redis) = (Desk::open().await, TestRedis::start().await);
    let made = desk.make(json!({"max": 10})).await;
    let overrides = format!("{}/overrides", at(&made));
    let now = desk.app.clock.now();
    let hour = |n| now + TimeDelta::hours(n);
    let launch = json!({"max": 500, "ends_at": hour(2), "reason": "Launch"});
    let first = desk.owner.post(&overrides, launch).await.expect(201).json();
    assert_eq!(first["created_by_name"], "owner");
    let clash = json!({"max": 1, "starts_at": hour(1), "ends_at": hour(3), "reason": "Clash"});
    desk.owner.post(&overrides, clash).await.refused("object.conflict");
    let later = json!({"max": 0, "starts_at": hour(2), "ends_at": hour(3), "reason": "Pause"});
    let later = desk.owner.post(&overrides, later).await.expect(201).json();
    let id = made["id"].as_str().unwrap();
    let record = desk.published(&redis, id).await;
    assert_eq!(record.max_at(now), (500, Some(hour(2))));
    assert_eq!(record.max_at(hour(2)), (0, Some(hour(3))));
    assert_eq!(record.max_at(hour(3)), (10, None));

    let path = |one: &Value| format!("{overrides}/{}", one["id"].as_str().unwrap());
    desk.owner.delete(&path(&later)).await.expect(204);
    desk.owner.delete(&path(&later)).await.refused("object.not_found");
    desk.owner.delete(&path(&first)).await.expect(204);
    assert_eq!(desk.published(&redis, id).await.max_at(now), (10, None));
    assert_eq!(desk.app.count("limit_overrides").await, 0, "one that had not begun is not kept");
    let changes = "audit_entries where action in ('create_limit_override', 'end_limit_override')";
    assert_eq!(desk.app.count(changes).await, 4);
}

#[tokio::test]
async fn an_override_without_a_reason_or_an_end_ahead_is_refused() {
    let desk = Desk::open().await;
    let made = desk.make(json!({"max": 10})).await;
    let overrides = format!("{}/overrides", at(&made));
    let now = desk.app.clock.now();
    let (ago, soon) = (now - TimeDelta::hours(1), now + TimeDelta::hours(1));
    let cases = [
        (json!({"max": 1, "ends_at": ago, "reason": "x"}), "/ends_at"),
        (json!({"max": 1, "starts_at": ago, "ends_at": soon, "reason": "x"}), "/starts_at"),
        (json!({"max": 1, "ends_at": soon, "reason": " "}), "/reason"),
        (json!({"max_usd": "1", "ends_at": soon, "reason": "x"}), "/max_usd"),
        (json!({"max": -1, "ends_at": soon, "reason": "x"}), "/max"),
        (json!({"max": 1, "ends_at": "tomorrow", "reason": "x"}), "/ends_at"),
    ];
    for (case, pointer) in cases {
        let refused = desk.owner.post(&overrides, case.clone()).await.refused("request.invalid");
        assert_eq!(refused.pointers(), [pointer], "{case}");
    }
    let good = json!({"max": 1, "ends_at": soon, "reason": "x"});
    let nowhere = format!("{PATH}/lim_00000000000000000000000000/overrides");
    desk.owner.post(&nowhere, good.clone()).await.refused("object.not_found");
    let developer = desk.app.member(&desk.org, Role::Developer).await;
    developer.post(&overrides, good).await.refused("role.forbidden");
}

#[tokio::test]
async fn a_change_keeps_the_limit_so_what_was_used_of_it_stays_used() {
    let (desk, redis) = (Desk::open().await, TestRedis::start().await);
    let made = desk.make(json!({"max": 10})).await;
    let id = made["id"].as_str().unwrap();
    let change = json!({"max": 4, "without_redis_percent": 50});
    let changed = desk.owner.patch(&at(&made), change, 1).await.expect(200).json();
    assert_eq!((changed["id"].clone(), changed["version"].clone()), (made["id"].clone(), json!(2)));
    let record = desk.published(&redis, id).await;
    assert_eq!((record.max, record.without_redis), (4, WithoutRedis::Local { percent: 50 }));
    let wrong = desk.owner.patch(&at(&made), json!({"without_redis_percent": 101}), 2).await;
    assert_eq!(wrong.refused("request.invalid").pointers(), ["/without_redis_percent"]);
    desk.owner.get(&at(&made)).await.expect(200);
}

#[tokio::test]
async fn a_plans_limits_change_in_place_and_those_left_out_are_lifted() {
    let (desk, redis) = (Desk::open().await, TestRedis::start().await);
    let shop = Shop::open(&desk.app).await;
    let path = format!("/v1/admin/plans/{}/limits", shop.plan);
    let id = |sql: &'static str| {
        let app = &desk.app;
        async move {
            let id: uuid::Uuid =
                sqlx::query_scalar(sql).fetch_one(&mut app.sql().await).await.unwrap();
            contract::id::LimitId(id).to_string()
        }
    };
    let before = id("select id from plan_limits").await;
    let limits = json!({"limits": [
        {"metric": "requests", "window": "minute", "max": 5},
        {"metric": "tokens", "window": "month", "max": 1_000_000, "model_id": shop.model,
         "time_zone": "America/Santiago"},
    ]});
    let plan = shop.operator.patch(&path, limits, 1).await.expect(200).json();
    let of = |metric: &str| {
        let limits = plan["limits"].as_array().unwrap();
        limits.iter().find(|one| one["metric"] == metric).unwrap().clone()
    };
    assert_eq!((&plan["version"], &of("requests")["max"]), (&json!(2), &json!(5)));
    assert_eq!(of("tokens")["time_zone"], "America/Santiago");
    let kept = id("select id from plan_limits where metric = 'requests'").await;
    assert_eq!(kept, before, "the counter is named by it");
    assert_eq!(desk.published(&redis, &kept).await.max, 5);
    shop.operator.patch(&path, json!({"limits": []}), 1).await.refused("object.version_stale");
    let wrong = json!({"limits": [{"metric": "money", "window": "day", "max": 5}]});
    let refused = shop.operator.patch(&path, wrong, 2).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/limits/0/max"]);
    shop.operator.patch(&path, json!({"limits": []}), 2).await.expect(200);
    assert_eq!(desk.app.count("plan_limits").await, 0);
    assert_eq!(desk.app.count("audit_entries where action = 'update_plan_limits'").await, 2);
    desk.owner.patch(&path, json!({"limits": []}), 3).await.refused("role.forbidden");
}
