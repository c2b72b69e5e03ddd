//! Publishing, with a real Redis: what gateways read there is what Postgres says, whatever dies.

use crate::harness::{Caller, Shop, TestApp, TestRedis};
use backend::publish::{self, Publisher, Step, Target};
use contract::channel::{CHANGES, Change, Stored, VERSION, records};
use contract::id::KeyId;
use contract::role::Role;
use contract::snapshot::{Kind, Record};
use redis::streams::StreamRangeReply;
use redis_link::Kind as RedisKind;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

struct Desk {
    app: TestApp,
    redis: TestRedis,
    publisher: Publisher,
}

impl Desk {
    async fn open() -> Self {
        Self::open_on(RedisKind::Server).await
    }

    async fn open_on(kind: RedisKind) -> Self {
        let (app, redis) = (TestApp::start().await, TestRedis::start_as(kind).await);
        let publisher = Publisher::new(app.app.clone(), Target::new(redis.link()));
        Self { app, redis, publisher }
    }

    /// Publishes until there is nothing to do; the version Redis is at.
    async fn settle(&mut self) -> u64 {
        for _ in 0..200 {
            match self.publisher.step().await {
                Ok(Step::Idle(version)) => return version,
                Ok(_) => {}
                // A connection that was cut is made anew; the step after it works.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        panic!("publishing does not come to an end");
    }

    async fn version(&self) -> Option<u64> {
        redis::cmd("GET").arg(VERSION).query_async(&mut self.redis.link()).await.unwrap()
    }

    async fn stored(&self) -> BTreeMap<String, Stored> {
        let mut all = BTreeMap::new();
        for kind in Kind::ALL {
            let hash: BTreeMap<String, String> = redis::cmd("HGETALL")
                .arg(records(*kind))
                .query_async(&mut self.redis.link())
                .await
                .unwrap();
            all.extend(hash.into_iter().map(|(id, text)| {
                let stored: Stored = serde_json::from_str(&text).unwrap();
                assert_eq!((stored.record.id(), stored.record.kind()), (id.clone(), *kind));
                (id, stored)
            }));
        }
        all
    }

    async fn records(&self) -> BTreeMap<String, Record> {
        self.stored().await.into_iter().map(|(id, stored)| (id, stored.record)).collect()
    }

    async fn changes(&self) -> Vec<Change> {
        let range: StreamRangeReply = redis::cmd("XRANGE")
            .arg(CHANGES)
            .arg("-")
            .arg("+")
            .query_async(&mut self.redis.link())
            .await
            .unwrap();
        let changes = range.ids.iter().map(|entry| {
            let change: Change = serde_json::from_str(&entry.get::<String>("c").unwrap()).unwrap();
            assert_eq!(entry.id, format!("{}-0", change.version));
            change
        });
        changes.collect()
    }
}

#[tokio::test]
async fn versions_are_consecutive_and_redis_holds_what_postgres_says() {
    let mut desk = Desk::open().await;
    let start = desk.settle().await;
    let shop = Shop::open(&desk.app).await;
    let ada = desk.app.sign_up("ada@example.com", "Ada Inc").await;
    let policy = json!({"rules": [{"name": "all", "pick": "weighted"}]});
    let route = json!({"model_id": shop.model, "policy": policy, "activate": true});
    shop.operator.post("/v1/admin/routes", route).await.expect(201);
    let alias = json!({"name": "best", "to": "chat-one"});
    shop.operator.post("/v1/admin/aliases", alias).await.expect(201);
    let rows = desk.app.count("outbox").await;
    let end = desk.settle().await;
    assert_eq!(end - start, u64::try_from(rows).unwrap());
    assert_eq!(desk.app.count("outbox").await, 0);
    let versions: Vec<u64> = desk.changes().await.iter().map(|change| change.version).collect();
    assert_eq!(versions[1..], (start + 1..=end).collect::<Vec<_>>());
    let held = desk.records().await;
    let Some(Record::Product(product)) = held.get(&shop.product.to_string()) else {
        panic!("{held:?}")
    };
    assert_eq!(product.model_ids, [shop.model]);
    let Some(Record::Provider(provider)) = held.get(&shop.provider) else { panic!("{held:?}") };
    assert!(provider.credential.is_some());
    assert!(!format!("{held:?}").contains("sk-very-secret"));
    let mut kinds: Vec<_> = held.values().map(|record| record.kind().as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), Kind::ALL.len() - 1, "all but keys: {kinds:?}");
    drop(ada);

    // Built again from nothing, it is the same.
    desk.publisher.rebuild_now().await.unwrap();
    assert_eq!(desk.records().await, held);
}

#[tokio::test]
async fn a_revoked_key_is_revoked_in_redis_within_a_second() {
    let desk = Desk::open().await;
    let org = desk.app.org("acme").await;
    let key = Caller::of(&desk.app, &org).await.key;
    let stop = CancellationToken::new();
    let running =
        tokio::spawn(publish::run(desk.app.app.clone(), desk.publisher.clone(), stop.clone()));
    let link = desk.redis.link();
    let held = async |key: KeyId| {
        let mut get = redis::cmd("HGET");
        get.arg(records(Kind::Key)).arg(key.to_string());
        let text: Option<String> = get.query_async(&mut link.clone()).await.unwrap();
        match serde_json::from_str::<Stored>(&text?).unwrap().record {
            Record::Key(record) => Some(record),
            other => panic!("{other:?}"),
        }
    };
    until(async || held(key).await.is_some()).await;
    let admin = desk.app.member(&org, Role::Admin).await;
    let began = Instant::now();
    admin.post(&format!("/v1/orgs/acme/keys/{key}/revoke"), json!({})).await.expect(200);
    until(async || held(key).await.is_some_and(|record| record.revoked_at.is_some())).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    stop.cancel();
    running.await.unwrap();
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < deadline, "not within 10 seconds");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn under_sentinel_and_on_a_cluster_publishing_goes_on_with_the_new_master() {
    for kind in [RedisKind::Sentinel, RedisKind::Cluster] {
        let mut desk = Desk::open_on(kind).await;
        Shop::open(&desk.app).await;
        let before = desk.settle().await;
        desk.redis.kill_master_of(VERSION);
        let org = desk.app.org("acme").await;
        let key = Caller::of(&desk.app, &org).await.key.to_string();
        let began = Instant::now();
        let after = loop {
            // While no replica has taken over, nothing is sent and nothing is lost.
            match desk.publisher.step().await {
                Ok(Step::Idle(version)) => break version,
                Ok(_) => {}
                Err(error) => assert!(began.elapsed() < Duration::from_secs(30), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(after > before, "{after}");
        assert_eq!(desk.version().await, Some(after));
        assert!(desk.records().await.contains_key(&key));
        assert_eq!(desk.app.count("outbox").await, 0);
        let rebuilt = desk.publisher.rebuild_now().await.unwrap();
        assert!(matches!(rebuilt, Step::Rebuilt(version) if version > after), "{rebuilt:?}");
        assert!(desk.records().await.contains_key(&key));
    }
}

#[tokio::test]
async fn an_emptied_redis_is_filled_again_under_a_version_nobody_expects_next() {
    let mut desk = Desk::open().await;
    Shop::open(&desk.app).await;
    let before = desk.settle().await;
    let held = desk.records().await;
    desk.redis.replace().await;
    assert_eq!(desk.version().await, None);
    assert_eq!(desk.settle().await, before + 2);
    assert_eq!((desk.records().await, desk.version().await), (held, Some(before + 2)));
    let changes = desk.changes().await;
    assert_eq!(changes.len(), 1, "only the marker that makes readers reload");
    assert_eq!((changes[0].version, &changes[0].record), (before + 2, &None));
}

#[tokio::test]
async fn a_redis_that_lost_its_last_changes_or_is_of_another_database_is_filled_again() {
    let mut desk = Desk::open().await;
    Shop::open(&desk.app).await;
    let before = desk.settle().await;
    for wrong in [before - 1, before + 1_000] {
        redis::cmd("SET")
            .arg(VERSION)
            .arg(wrong)
            .query_async::<()>(&mut desk.redis.link())
            .await
            .unwrap();
        let Step::Rebuilt(version) = desk.publisher.step().await.unwrap() else {
            panic!("not rebuilt from {wrong}")
        };
        assert!(version > wrong + 1 && version > before + 1, "{version}");
    }
}

#[tokio::test]
async fn dying_between_any_two_steps_of_publishing_changes_nothing() {
    let mut desk = Desk::open().await;
    desk.settle().await;
    Shop::open(&desk.app).await;
    // Versions are given, then Redis is gone: nothing is sent, nothing is lost.
    desk.redis.stop();
    desk.publisher.step().await.unwrap_err();
    assert_eq!(desk.app.count("outbox where version is null").await, 0);
    let given: i64 = sqlx::query_scalar("select max(version) from outbox")
        .fetch_one(&mut desk.app.sql().await)
        .await
        .unwrap();
    desk.redis.replace().await;
    let end = desk.settle().await;
    assert!(end >= u64::try_from(given).unwrap());
    let held = desk.records().await;

    // Everything was sent, but its rows were not yet forgotten.
    let org = desk.app.org("acme").await;
    Caller::of(&desk.app, &org).await;
    let mut sql = desk.app.sql().await;
    sqlx::query("create table kept as select * from outbox").execute(&mut sql).await.unwrap();
    let sent = desk.settle().await;
    sqlx::query(
        "insert into outbox (kind, object_id, created_at, version)
         select kind, object_id, created_at, $1 - row_number() over (order by seq desc) + 1 from kept",
    )
    .bind(i64::try_from(sent).unwrap())
    .execute(&mut sql)
    .await
    .unwrap();
    let changes = desk.changes().await.len();
    assert_eq!(desk.settle().await, sent);
    assert_eq!((desk.changes().await.len(), desk.app.count("outbox").await), (changes, 0));
    assert_eq!(desk.records().await.len(), held.len() + 1);
}

#[tokio::test]
async fn what_is_removed_leaves_redis_with_a_change_that_says_so() {
    let mut desk = Desk::open().await;
    desk.settle().await;
    let org = desk.app.org("acme").await;
    let owner = desk.app.member(&org, Role::Owner).await;
    let new = json!({
        "scope": {"kind": "org", "id": org.id}, "metric": "requests", "window": "day", "max": 5,
    });
    let limit = owner.post("/v1/orgs/acme/limits", new).await.expect(201).json();
    let id = limit["id"].as_str().unwrap();
    desk.settle().await;
    assert!(desk.records().await.contains_key(id));
    owner.delete(&format!("/v1/orgs/acme/limits/{id}")).await.expect(204);
    desk.settle().await;
    assert!(!desk.records().await.contains_key(id));
    let last = desk.changes().await.pop().unwrap();
    assert_eq!((last.id.as_str(), last.kind, last.record), (id, Kind::Limit, None));
}

#[tokio::test]
async fn a_publisher_that_woke_up_late_writes_nothing() {
    let mut desk = Desk::open().await;
    let shop = Shop::open(&desk.app).await;
    let version = desk.settle().await;
    let held = desk.stored().await;
    let stale = Change {
        version,
        kind: Kind::Model,
        id: shop.model.to_string(),
        record: None,
        at: desk.app.clock.now(),
    };
    let mut late = Target::new(desk.redis.link());
    let refused = late.apply(version - 1, std::slice::from_ref(&stale)).await;
    assert!(matches!(refused, Err(backend::publish::TargetError::Moved)), "{refused:?}");
    let marker = Change { version: version + 5, ..stale };
    assert!(late.replace(Some(version - 1), &marker).await.is_err());
    assert_eq!((desk.stored().await, desk.version().await), (held, Some(version)));
}

#[tokio::test]
async fn two_publishers_do_not_undo_each_other() {
    let mut desk = Desk::open().await;
    Shop::open(&desk.app).await;
    let mut other = Publisher::new(desk.app.app.clone(), Target::new(desk.redis.link()));
    let mut keys = Vec::new();
    for round in 0..5 {
        let org = desk.app.org(&format!("org-{round}")).await;
        keys.push(Caller::of(&desk.app, &org).await.key.to_string());
        let (mine, theirs) = tokio::join!(desk.publisher.step(), other.step());
        // One may find that the other was faster; it never writes over it.
        assert!(mine.is_ok() || theirs.is_ok(), "{mine:?} {theirs:?}");
    }
    let end = desk.settle().await;
    let held = desk.stored().await;
    assert!(keys.iter().all(|key| held.contains_key(key)), "{held:?}");
    assert!(held.values().all(|stored| stored.version <= end));
    assert_eq!(desk.app.count("outbox").await, 0);
}
