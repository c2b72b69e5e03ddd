//! Pools: what an operator may say of the replicas behind a provider, how that reaches gateways, and what
//! those tell of it.

use crate::harness::{Client, Shop, TestApp, TestRedis, idle};
use backend::publish::{Publisher, Step, Target};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::channel::{GatewayBeat, PoolBeat, ReplicaBeat, ReplicaState, Stored, records};
use contract::id::ProviderId;
use contract::snapshot::{Kind, PoolPolicy, Record};
use serde_json::{Value, json};

const PROVIDERS: &str = "/v1/admin/providers";

fn pool(addresses: &[&str]) -> Value {
    json!({
        "server": "vllm", "found": {"by": "list", "addresses": addresses},
        "metrics_path": "/metrics", "scrape_ms": 100, "concurrency_max": 16,
        "queue": {"calls_max": 500, "wait_ms_max": 20_000}, "affinity": true, "gpus": 2,
    })
}

fn provider(slug: &str, pool: &Value) -> Value {
    json!({
        "slug": slug, "name": "Our GPUs", "dialect": "openai", "auth": "none",
        "base_url": "http://replicas/v1", "pool": pool,
    })
}

/// An operator, with a provider of two replicas.
struct Desk {
    app: TestApp,
    redis: TestRedis,
    operator: Client,
    path: String,
    id: ProviderId,
}

impl Desk {
    async fn open() -> Self {
        let redis = TestRedis::start().await;
        let app = TestApp::start_with(&["--redis-url", &redis.config().url]).await;
        let operator = app.operator().await;
        let two = pool(&[" GPU-1:8000", "10.0.0.2:8000"]);
        let made = operator.post(PROVIDERS, provider("gpus", &two)).await.expect(201).json();
        assert_eq!(made["pool"], pool(&["gpu-1:8000", "10.0.0.2:8000"]), "in one form");
        let id = made["id"].as_str().unwrap().to_owned();
        let path = format!("{PROVIDERS}/{id}");
        Self { app, redis, operator, path, id: id.parse().unwrap() }
    }

    /// What gateways are told of the provider.
    async fn published(&self) -> Option<Box<PoolPolicy>> {
        let target = Target::new(self.redis.link());
        let mut publisher = Publisher::new(self.app.app.clone(), target);
        while !matches!(publisher.step().await.unwrap(), Step::Idle(_)) {}
        match read(&self.redis, Kind::Provider, &self.id.to_string()).await {
            Record::Provider(provider) => provider.pool,
            other => panic!("{other:?}"),
        }
    }

    async fn told(&self) -> Value {
        self.operator.get(&format!("{}/replicas", self.path)).await.expect(200).json()
    }

    async fn drain(&self, address: &str, draining: bool) -> Value {
        let body = json!({"address": address, "draining": draining});
        self.operator.post(&format!("{}/drain", self.path), body).await.expect(200).json()
    }
}

async fn read(redis: &TestRedis, kind: Kind, id: &str) -> Record {
    let text: String =
        redis::cmd("HGET").arg(records(kind)).arg(id).query_async(&mut redis.link()).await.unwrap();
    serde_json::from_str::<Stored>(&text).unwrap().record
}

/// The last word of gateway `n`.
fn beat(now: Timestamp, n: u8, pools: Vec<PoolBeat>) -> GatewayBeat {
    GatewayBeat { pools, ..idle(now, n) }
}

fn replica(address: &str, state: ReplicaState, in_flight: u32) -> ReplicaBeat {
    ReplicaBeat {
        address: address.to_owned(),
        state,
        in_flight,
        running: in_flight + 1,
        queued: 3,
        kv_permille: 620,
        read_ms_ago: Some(80),
        fault: None,
    }
}

#[tokio::test]
async fn a_pool_reaches_gateways_stays_when_a_change_leaves_it_out_and_goes_when_it_says_null() {
    let desk = Desk::open().await;
    let told = desk.published().await.unwrap();
    assert_eq!(serde_json::to_value(&told).unwrap(), pool(&["gpu-1:8000", "10.0.0.2:8000"]));
    let name = json!({"name": "Other GPUs"});
    let kept = desk.operator.patch(&desk.path, name, 1).await.expect(200).json();
    assert_eq!(kept["pool"]["gpus"], 2);
    let by_name = json!({
        "server": "sglang", "found": {"by": "dns", "name": "SGL.internal", "port": 30000, "every_s": 5},
        "metrics_path": "/metrics", "scrape_ms": 50, "affinity": false, "gpus": 1,
    });
    let change = json!({"pool": by_name});
    let changed = desk.operator.patch(&desk.path, change, 2).await.expect(200).json();
    assert_eq!(changed["pool"]["found"]["name"], "sgl.internal");
    assert_eq!(changed["pool"]["queue"], json!({"calls_max": 1_000, "wait_ms_max": 30_000}));
    assert_eq!(desk.published().await.unwrap().scrape_ms, 50);
    let none = desk.operator.patch(&desk.path, json!({"pool": null}), 3).await.expect(200).json();
    assert_eq!(none.get("pool"), None, "{none}");
    assert_eq!(desk.published().await, None);
    let mut sql = desk.app.sql().await;
    let before: Option<String> = sqlx::query_scalar(
        "select before::jsonb -> 'pool' ->> 'server' from audit_entries
         where action = 'update_provider' and after::jsonb -> 'pool' is null",
    )
    .fetch_one(&mut sql)
    .await
    .unwrap();
    assert_eq!(before.as_deref(), Some("sglang"), "what was removed is in the audit log");
}

#[tokio::test]
async fn every_wrong_value_of_a_pool_is_refused_where_it_is_and_nothing_is_stored() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let blamed = async |change: fn(&mut Value)| {
        let mut body = provider("gpus", &pool(&["10.0.0.1:80", "10.0.0.2:80"]));
        change(&mut body);
        operator.post(PROVIDERS, body).await.refused("request.invalid").pointers()
    };
    let list = "/pool/found/addresses";
    assert_eq!(blamed(|b| b["pool"]["found"]["addresses"] = json!([])).await, [list]);
    let away = blamed(|b| {
        b["pool"]["found"]["addresses"] =
            json!(["10.0.0.1", "http://a:80", "169.254.169.254:80", "a:80", "A:80"]);
    });
    assert_eq!(away.await, [0, 1, 2, 4].map(|place| format!("{list}/{place}")));
    let all_drain = blamed(|b| b["pool"]["draining"] = json!(["10.0.0.1:80", "10.0.0.2:80"]));
    assert_eq!(all_drain.await, ["/pool/draining"]);
    assert_eq!(
        blamed(|b| {
            b["pool"]["scrape_ms"] = json!(5_001);
            b["pool"]["metrics_path"] = json!("metrics");
            b["pool"]["gpus"] = json!(0);
            b["pool"]["queue"]["calls_max"] = json!(100_001);
            b["name"] = json!("");
        })
        .await,
        ["/name", "/pool/metrics_path", "/pool/scrape_ms", "/pool/gpus", "/pool/queue/calls_max"]
    );
    // What cannot be read at all is blamed as narrowly as JSON allows.
    assert_eq!(blamed(|b| b["pool"]["gpus"] = json!(256)).await, ["/pool/gpus"]);
    assert_eq!(blamed(|b| b["pool"]["server"] = json!("ollama")).await, ["/pool/server"]);
    let port = blamed(|b| b["pool"]["found"] = json!({"by": "dns", "name": "a", "every_s": 1}));
    assert_eq!(port.await, ["/pool/found/port"]);
    let by = blamed(|b| b["pool"]["found"] = json!({"by": "broadcast"}));
    assert_eq!(by.await, ["/pool/found/by"]);
    let cloud = blamed(|b| {
        b["dialect"] = json!("bedrock");
        b["auth"] = json!("aws_sigv4");
        b["credential"] = json!("AKIA:secret");
        b["settings"] = json!({"region": "eu-central-1"});
    });
    assert_eq!(cloud.await, ["/pool"]);
    assert_eq!((app.count("providers").await, app.count("audit_entries").await), (0, 0));
}

#[tokio::test]
async fn a_stored_credential_does_not_follow_to_a_replica_that_it_was_not_given_for() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let mut body = provider("gpus", &pool(&["10.0.0.1:80", "10.0.0.2:80"]));
    body["auth"] = json!("bearer");
    body["credential"] = json!("sk-very-secret");
    let made = operator.post(PROVIDERS, body).await.expect(201).json();
    let path = format!("{PROVIDERS}/{}", made["id"].as_str().unwrap());
    for other in [json!({"pool": pool(&["10.0.0.1:80", "10.9.9.9:80"])}), json!({"pool": null})] {
        let refused = operator.patch(&path, other, 1).await.refused("request.invalid");
        assert_eq!(refused.pointers(), ["/credential"]);
    }
    let fewer = json!({"pool": pool(&["10.0.0.2:80"])});
    let kept = operator.patch(&path, fewer, 1).await.expect(200).json();
    assert_eq!(kept["has_credential"], true);
    let again = json!({"pool": pool(&["10.0.0.3:80"]), "credential": "sk-very-secret"});
    operator.patch(&path, again, 2).await.expect(200);
}

#[tokio::test]
async fn a_replica_is_drained_and_comes_back_each_once_in_the_audit_log() {
    let desk = Desk::open().await;
    let drained = desk.drain("GPU-1:8000", true).await;
    assert_eq!(
        (&drained["pool"]["draining"], &drained["version"]),
        (&json!(["gpu-1:8000"]), &json!(2))
    );
    assert_eq!(desk.drain("gpu-1:8000", true).await["version"], 2, "a repeat changes nothing");
    assert_eq!(desk.published().await.unwrap().draining, ["gpu-1:8000"]);
    let path = format!("{}/drain", desk.path);
    for (address, draining) in [("10.0.0.2:8000", true), ("10.0.0.9:8000", true), ("gpu-1", false)]
    {
        let body = json!({"address": address, "draining": draining});
        let refused = desk.operator.post(&path, body).await.refused("request.invalid");
        assert_eq!(refused.pointers(), ["/address"], "{address}");
    }
    let back = desk.drain("gpu-1:8000", false).await;
    assert_eq!(back["pool"].get("draining"), None, "{back}");
    assert_eq!(desk.published().await.unwrap().draining, [""; 0]);
    for action in ["drain_replica", "undrain_replica"] {
        let rows = format!("audit_entries where action = '{action}'");
        assert_eq!(desk.app.count(&rows).await, 1, "{action}");
    }
    let plain = json!({
        "slug": "plain", "name": "Plain", "dialect": "openai", "auth": "none",
        "base_url": "http://127.0.0.1:9/v1",
    });
    let plain = desk.operator.post(PROVIDERS, plain).await.expect(201).json();
    let plain = format!("{PROVIDERS}/{}", plain["id"].as_str().unwrap());
    let body = json!({"address": "a:80", "draining": true});
    desk.operator.post(&format!("{plain}/drain"), body).await.refused("object.conflict");
    desk.operator.get(&format!("{plain}/replicas")).await.refused("object.conflict");
}

#[tokio::test]
async fn what_gateways_tell_of_replicas_is_summed_and_what_none_tells_of_is_unknown() {
    let desk = Desk::open().await;
    let now = desk.app.clock.now();
    let told = desk.told().await;
    assert_eq!((&told["gateways"], &told["gateways_telling"]), (&json!(0), &json!(0)));
    assert_eq!(told["waiting"], Value::Null);
    let (one, two) = ("gpu-1:8000", "10.0.0.2:8000");
    let unknown = |address: &str| json!({"address": address, "draining": false, "in_flight": null, "metrics": null, "seen": []});
    assert_eq!(told["replicas"], json!([unknown(one), unknown(two)]));

    let pool = |waiting, fault: Option<&str>, replicas| {
        let fault = fault.map(str::to_owned);
        PoolBeat { provider_id: desk.id, waiting, fault, replicas }
    };
    let first = pool(4, None, vec![replica(one, ReplicaState::Ready, 5)]);
    desk.redis.beat(&beat(now, 1, vec![first])).await;
    let mut late = beat(now, 2, Vec::new());
    late.at = now - TimeDelta::seconds(2);
    let lost = ReplicaBeat {
        fault: Some("it refused the connection".to_owned()),
        ..replica(one, ReplicaState::Down, 2)
    };
    let gone =
        ReplicaBeat { read_ms_ago: None, ..replica("10.0.0.7:8000", ReplicaState::Blind, 0) };
    late.pools = vec![pool(3, Some("the name has no address"), vec![lost, gone])];
    desk.redis.beat(&late).await;
    // One that knows nothing of the pool yet, and one that fell silent.
    desk.redis.beat(&beat(now, 3, Vec::new())).await;
    let mut silent =
        beat(now, 4, vec![pool(900, None, vec![replica(two, ReplicaState::Ready, 9)])]);
    silent.at = now - TimeDelta::minutes(5);
    desk.redis.beat(&silent).await;
    desk.drain(two, true).await;

    let told = desk.told().await;
    assert_eq!((&told["gateways"], &told["gateways_telling"]), (&json!(3), &json!(2)));
    assert_eq!(
        (&told["waiting"], &told["faults"]),
        (&json!(7), &json!(["the name has no address"]))
    );
    let replicas = told["replicas"].as_array().unwrap();
    let states = |n: usize| -> Vec<Value> {
        let seen = replicas[n]["seen"].as_array().unwrap().iter();
        seen.map(|one| one["state"].clone()).collect()
    };
    assert_eq!(
        (&replicas[0]["address"], &replicas[0]["in_flight"]),
        (&json!(one), &json!(7)),
        "summed over gateways"
    );
    assert_eq!(
        replicas[0]["metrics"],
        json!({"running": 6, "queued": 3, "kv_permille": 620, "read_ms_ago": 80}),
        "as they were last read"
    );
    assert_eq!(states(0), [json!("ready"), json!("down"), Value::Null]);
    assert_eq!(replicas[0]["seen"][1]["fault"], "it refused the connection");
    assert_eq!(
        (&replicas[1]["draining"], &replicas[1]["in_flight"], states(1)),
        (&json!(true), &Value::Null, vec![Value::Null; 3]),
        "what a silent gateway said is no news"
    );
    assert_eq!(replicas[2]["address"], "10.0.0.7:8000");
    assert_eq!((&replicas[2]["in_flight"], &replicas[2]["metrics"]), (&json!(0), &Value::Null));
    assert_eq!(states(2), [Value::Null, json!("blind"), Value::Null]);
}

#[tokio::test]
async fn without_redis_nobody_knows_how_replicas_are_and_nothing_is_made_up() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let two = pool(&["10.0.0.1:80"]);
    let made = operator.post(PROVIDERS, provider("gpus", &two)).await.expect(201).json();
    let path = format!("{PROVIDERS}/{}/replicas", made["id"].as_str().unwrap());
    let told = operator.get(&path).await.expect(200).json();
    assert_eq!((&told["gateways"], &told["waiting"]), (&Value::Null, &Value::Null));
    assert_eq!(told["replicas"][0]["seen"], json!([]));
}

#[tokio::test]
async fn how_urgent_a_plans_calls_are_is_set_changed_and_told_to_gateways() {
    let redis = TestRedis::start().await;
    let app = TestApp::start_with(&["--redis-url", &redis.config().url]).await;
    let shop = Shop::open(&app).await;
    let path = format!("/v1/admin/plans/{}", shop.plan);
    let plan = shop.operator.patch(&path, json!({"priority": 9}), 1).await.expect(200).json();
    assert_eq!(plan["priority"], 9);
    let kept = json!({"unknown_policy": "forgive"});
    let plan = shop.operator.patch(&path, kept, 2).await.expect(200).json();
    assert_eq!(plan["priority"], 9);
    let refused = shop.operator.patch(&path, json!({"priority": 10}), 3).await;
    assert_eq!(refused.refused("request.invalid").pointers(), ["/priority"]);
    let mut publisher = Publisher::new(app.app.clone(), Target::new(redis.link()));
    while !matches!(publisher.step().await.unwrap(), Step::Idle(_)) {}
    match read(&redis, Kind::Plan, &shop.plan.to_string()).await {
        Record::Plan(plan) => assert_eq!(plan.priority, 9),
        other => panic!("{other:?}"),
    }
    let new = json!({"slug": "fast", "name": "Fast", "approval": "auto", "priority": 7});
    let plans = format!("/v1/admin/products/{}/plans", shop.product);
    let made = shop.operator.post(&plans, new).await.expect(201).json();
    assert_eq!(made["priority"], 7);
}
