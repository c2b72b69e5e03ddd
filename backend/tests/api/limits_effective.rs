//! Every limit on a call and how it stands, from the counters and without them.

use crate::harness::{Client, Shop, TestApp, TestOrg, TestRedis};
use contract::channel;
use contract::role::Role;
use serde_json::{Value, json};

const PATH: &str = "/v1/orgs/acme/limits";

struct Desk {
    app: TestApp,
    org: TestOrg,
    owner: Client,
}

impl Desk {
    async fn open(redis: Option<&TestRedis>) -> Self {
        let app = match redis {
            Some(redis) => TestApp::start_with(&["--redis-url", &redis.config().url]).await,
            None => TestApp::start().await,
        };
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

    async fn limit(&self, scope: Value, more: Value) -> String {
        let mut new = json!({"scope": scope, "metric": "requests", "window": "day"});
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.owner.post(PATH, new).await.expect(201).json();
        made["id"].as_str().unwrap().to_owned()
    }

    async fn effective(&self, query: &str) -> Vec<Value> {
        let path = format!("{PATH}/effective?{query}");
        let said = self.owner.get(&path).await.expect(200).json();
        said["items"].as_array().unwrap().clone()
    }

    /// Says in Redis what gateways have drawn of a limit in its day.
    async fn drawn(&self, redis: &TestRedis, id: &str, subject: String, amount: i64) {
        let day = self.app.clock.now().timestamp() / 86_400 * 86_400;
        let name = channel::limit_drawn(self.org.id, id, &subject, day);
        let mut command = redis::cmd("HSET");
        let _: () =
            command.arg(name).arg("t").arg(amount).query_async(&mut redis.link()).await.unwrap();
    }
}

fn of<'a>(items: &'a [Value], id: &str) -> &'a Value {
    items.iter().find(|item| item["id"] == id).unwrap_or_else(|| panic!("{id} in {items:?}"))
}

#[tokio::test]
async fn the_limits_on_a_key_are_those_of_all_it_is_part_of_and_the_tightest_binds() {
    let redis = TestRedis::start().await;
    let desk = Desk::open(Some(&redis)).await;
    let shop = Shop::open(&desk.app).await;
    let key_id = desk.key().await;
    let subscribe = json!({"app_id": desk.org.app, "plan_id": shop.plan});
    let developer = desk.app.member(&desk.org, Role::Admin).await;
    developer.post("/v1/orgs/acme/subscriptions", subscribe).await.expect(201);
    let org = desk.limit(json!({"kind": "org", "id": desk.org.id}), json!({"max": 1_000})).await;
    let app = desk.limit(json!({"kind": "app", "id": desk.org.app}), json!({"max": 100})).await;
    let key = desk.limit(json!({"kind": "key", "id": key_id}), json!({"max": 50})).await;
    let tagged = json!({"max": 1, "tag": {"name": "feature", "value": "search"}});
    let tagged = desk.limit(json!({"kind": "app", "id": desk.org.app}), tagged).await;
    desk.drawn(&redis, &org, desk.org.id.to_string(), 900).await;
    desk.drawn(&redis, &app, desk.org.app.to_string(), 40).await;
    desk.drawn(&redis, &key, key_id.clone(), 60).await;

    let items = desk.effective(&format!("key={}", key_id)).await;
    assert_eq!(items.len(), 5, "{items:?}");
    let standing = |id: &str| {
        let one = of(&items, id);
        (one["used"].clone(), one["remaining"].clone(), one["binds"].clone(), one["exact"].clone())
    };
    assert_eq!(standing(&org), (json!(900), json!(100), json!(false), json!(true)));
    assert_eq!(standing(&app), (json!(40), json!(60), json!(false), json!(true)));
    // More was used than is allowed now: nothing is left, and it binds.
    assert_eq!(standing(&key), (json!(60), json!(0), json!(true), json!(true)));
    assert_eq!(of(&items, &key)["resets_at"], "2026-03-02T00:00:00Z");
    let plan = items.iter().find(|item| item["scope"]["kind"] == "plan").unwrap();
    let name = plan["scope_name"].as_str().unwrap();
    assert!(name.ends_with(", Starter") && name.len() > 9, "the product, then the plan: {name}");
    assert_eq!(plan["max"], json!(60));
    assert_eq!(of(&items, &tagged)["binds"], false, "a call without its tag does not meet it");

    let other = desk.effective(&format!("key={}&tag=feature%3Dads", key_id)).await;
    assert_eq!(other.len(), 4);
    let one = desk.effective(&format!("id={app}")).await;
    assert_eq!((one.len(), one[0]["used_percent"].clone()), (1, json!(40)));
    assert_eq!(desk.effective("").await.len(), 4, "all that the organisation has set");
}

#[tokio::test]
async fn a_sliding_limit_on_a_tag_is_used_by_the_parts_that_touch_the_stretch() {
    let redis = TestRedis::start().await;
    let desk = Desk::open(Some(&redis)).await;
    let tagged = json!({"max": 10, "window": "minute", "sliding": true,
        "tag": {"name": "feature", "value": "search"}});
    let id = desk.limit(json!({"kind": "org", "id": desk.org.id}), tagged).await;
    assert_eq!(desk.effective("").await[0]["used"], 0);
    let subject = desk.org.id.to_string();
    let counter = channel::limit_sliding(desk.org.id, &id, &subject);
    let now_ms = desk.app.clock.now().timestamp_millis();
    let mut command = redis::cmd("HSET");
    command.arg(counter);
    // A part is 937 ms long: the first of these ended 60 s before, to the millisecond.
    for (gateway, ago_ms, amount) in
        [("a", 60_937, 4), ("a", 60_936, 1), ("b", 30_000, 2), ("a", 0, 3)]
    {
        command.arg(format!("{gateway}:{}", now_ms - ago_ms)).arg(amount);
    }
    command.query_async::<()>(&mut redis.link()).await.unwrap();
    let items = desk.effective("").await;
    let standing = (items[0]["used"].clone(), items[0]["remaining"].clone(), &items[0]["exact"]);
    assert_eq!(standing, (json!(6), json!(4), &json!(true)));
}

#[tokio::test]
async fn an_override_in_force_is_the_maximum_that_counts() {
    let redis = TestRedis::start().await;
    let desk = Desk::open(Some(&redis)).await;
    let id = desk.limit(json!({"kind": "org", "id": desk.org.id}), json!({"max": 10})).await;
    desk.drawn(&redis, &id, desk.org.id.to_string(), 10).await;
    assert_eq!(desk.effective("").await[0]["remaining"], 0);
    let raise = json!({"max": 30, "ends_at": "2026-03-02T00:00:00Z", "reason": "Launch"});
    desk.owner.post(&format!("{PATH}/{id}/overrides"), raise).await.expect(201);
    let items = desk.effective("").await;
    assert_eq!((items[0]["max"].clone(), items[0]["remaining"].clone()), (json!(30), json!(20)));
    assert_eq!(
        (items[0]["used"].clone(), items[0]["is_overridden"].clone()),
        (json!(10), json!(true))
    );
}

#[tokio::test]
async fn without_redis_use_is_told_from_records_and_marked_so() {
    let desk = Desk::open(None).await;
    let scope = json!({"kind": "org", "id": desk.org.id});
    let day = desk.limit(scope.clone(), json!({"metric": "output_tokens", "max": 1_000})).await;
    let minute = desk.limit(scope.clone(), json!({"window": "minute", "max": 5})).await;
    let tagged = json!({"max": 5, "tag": {"name": "a", "value": "b"}});
    let tagged = desk.limit(scope, tagged).await;
    sqlx::query(
        "insert into usage_hours (org_id, hour, team_id, app_id, key_id, product_id, plan_id,
           model_id, requests, errors, input_tokens, cached_input_tokens, cache_write_tokens,
           audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
           audio_output_tokens, cost_nanos, newest_at)
         select $1, t, $2, $3, $1, $1, $1, $1, 4, 0, 10, 0, 0, 0, 0, 200, 50, 0, 7, t
         from unnest(array['2026-03-01T09:00Z', '2026-02-28T23:00Z']::timestamptz[]) t",
    )
    .bind(desk.org.id.0)
    .bind(desk.org.team.0)
    .bind(desk.org.app.0)
    .execute(&mut desk.app.sql().await)
    .await
    .unwrap();
    let items = desk.effective("").await;
    let told = |id: &str| (of(&items, id)["used"].clone(), of(&items, id)["exact"].clone());
    assert_eq!(told(&day), (json!(250), json!(false)), "only what was used today");
    assert_eq!(told(&minute), (Value::Null, json!(false)));
    assert_eq!(told(&tagged), (Value::Null, json!(false)));
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_blamed() {
    let desk = Desk::open(None).await;
    let other = desk.app.org("other").await;
    let cases = [
        ("app=app_1".to_owned(), "?app"),
        (format!("app={}", other.app), "?app"),
        ("key=key_00000000000000000000000000".to_owned(), "?key"),
        ("tag=feature".to_owned(), "?tag"),
        ("model=gpt".to_owned(), "?model"),
    ];
    for (query, pointer) in cases {
        let path = format!("{PATH}/effective?{query}");
        let refused = desk.owner.get(&path).await.refused("request.invalid");
        assert_eq!(refused.pointers(), [pointer], "{query}");
    }
}
