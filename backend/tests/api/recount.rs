//! The counters of limits after Redis lost them: complete again only with all that was used.

use crate::harness::{Caller, Shop, TestApp, TestRedis, entry};
use backend::limits::recount::{HELD_MS, RECOUNT_MS, Recount};
use backend::publish::{Publisher, Step, Target};
use backend::usage::ingest;
use contract::channel::{self, GATEWAYS_GONE, ROLL, ROLL_CALL, RollEntry, UNCOUNTED};
use contract::id::{GatewayId, LimitId, OrgId};
use contract::usage::UsageEvent;
use redis_link::Kind as RedisKind;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

struct Desk {
    app: TestApp,
    shop: Shop,
    caller: Caller,
    redis: TestRedis,
    recount: Recount,
    limit: LimitId,
    now: Instant,
    written: u64,
}

impl Desk {
    /// An org with a limit on all it may ever spend.
    async fn open(kind: RedisKind) -> Self {
        let redis = TestRedis::start_as(kind).await;
        let app = TestApp::start_with(&["--redis-url", &redis.config().url]).await;
        let shop = Shop::open(&app).await;
        let org = app.org("acme").await;
        let caller = Caller::of(&app, &org).await;
        let limit = LimitId(uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
        sqlx::query(
            "insert into limits (id, org_id, scope_kind, scope_id, metric, time_window, max, created_at)
             values ($1, $2, 'org', $2, 'money', 'lifetime', 1000000, now())",
        )
        .bind(limit.0)
        .bind(caller.org.0)
        .execute(&mut app.sql().await)
        .await
        .unwrap();
        let recount = Recount::new(app.app.clone(), redis.link());
        let now = Instant::now();
        let mut desk = Self { app, shop, caller, redis, recount, limit, now, written: 0 };
        desk.publish().await;
        // Whoever begins to look does not know who has something in hand.
        desk.pass(HELD_MS + 500).await;
        desk
    }

    async fn publish(&mut self) {
        let mut publisher = Publisher::new(self.app.app.clone(), Target::new(self.redis.link()));
        while !matches!(publisher.step().await.unwrap(), Step::Idle(_)) {}
    }

    fn org(&self) -> OrgId {
        self.caller.org
    }

    async fn get(&self, key: String) -> Option<String> {
        redis::cmd("GET").arg(key).query_async(&mut self.redis.link()).await.unwrap()
    }

    async fn is_complete(&self) -> bool {
        self.get(channel::restored(self.org())).await.is_some()
    }

    /// What each gateway has of the limit.
    async fn counter(&self) -> BTreeMap<String, i64> {
        let org = self.org();
        let key = channel::limit_drawn(org, &self.limit.to_string(), &org.to_string(), 0);
        redis::cmd("HGETALL").arg(key).query_async(&mut self.redis.link()).await.unwrap()
    }

    /// A gateway says what it has, as it does by itself after a loss.
    async fn claim(&self, gateway: GatewayId, amount: i64) {
        let org = self.org();
        let key = channel::limit_drawn(org, &self.limit.to_string(), &org.to_string(), 0);
        let mut set = redis::cmd("HSET");
        set.arg(key).arg("t").arg(amount).arg(gateway.to_string()).arg(amount);
        set.query_async::<()>(&mut self.redis.link()).await.unwrap();
    }

    /// The word that is called.
    async fn called(&self) -> String {
        self.get(ROLL_CALL.into()).await.unwrap_or_default()
    }

    /// A gateway writes on the roll, as it does every second.
    async fn write(&mut self, gateway: GatewayId, answered: &str) {
        self.written += 1;
        let entry = RollEntry { count: self.written, answered: answered.into() };
        let mut set = redis::cmd("HSET");
        set.arg(ROLL).arg(gateway.to_string()).arg(entry.to_string());
        set.query_async::<()>(&mut self.redis.link()).await.unwrap();
    }

    /// It has said again what it has.
    async fn answer(&mut self, gateway: GatewayId) {
        let called = self.called().await;
        self.write(gateway, &called).await;
    }

    /// A call of a gateway that counted so much against the limit, booked.
    async fn use_by(&self, gateway_id: GatewayId, used: i64) {
        let event = self.caller.event(&self.app, &self.shop, 10, 0);
        let event = UsageEvent { gateway_id, ..event };
        let id = event.request_id.to_string();
        let entry = backend::usage::Entry { stream_id: id, ..entry(0, &event) };
        assert_eq!(ingest(&self.app.app, &[entry]).await.unwrap().new, 1);
        let details = json!({"limits": [
            {"limit_id": self.limit, "window_start": 0, "held": used, "used": used},
            {"limit_id": self.limit, "window_start": -60, "held": 999, "used": 999},
        ]});
        sqlx::query("update usage_events set details = $1::json where request_id = $2")
            .bind(details.to_string())
            .bind(event.request_id.0)
            .execute(&mut self.app.sql().await)
            .await
            .unwrap();
    }

    async fn step(&mut self) {
        self.recount.step_at(self.now).await.unwrap();
    }

    /// Lets time pass for whoever completes counts, who looks all the while.
    async fn pass(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(500) {
            self.now += Duration::from_millis(500);
            self.step().await;
        }
    }

    /// Makes it seem as if so much time had passed since the loss was seen.
    async fn wait(&mut self, ms: i64) {
        self.step().await;
        let key = channel::recount(self.org());
        let known = self.get(key.clone()).await.unwrap();
        let (since, run) = known.split_once(':').unwrap();
        let earlier = format!("{}:{run}", since.parse::<i64>().unwrap() - ms);
        let mut set = redis::cmd("SET");
        set.arg(key).arg(earlier).query_async::<()>(&mut self.redis.link()).await.unwrap();
        // What is known of the loss is another now.
        self.step().await;
    }

    /// Redis loses everything, and a gateway that draws says so.
    async fn lose(&mut self) {
        self.redis.flush();
        self.publish().await;
        self.tell().await;
    }

    async fn tell(&self) {
        let mut told = redis::cmd("SADD");
        told.arg(UNCOUNTED).arg(self.org().to_string());
        told.query_async::<i64>(&mut self.redis.link()).await.unwrap();
    }

    async fn gone(&self, gateway: GatewayId) {
        let mut gone = redis::cmd("ZADD");
        gone.arg(GATEWAYS_GONE).arg(1).arg(gateway.to_string());
        gone.query_async::<i64>(&mut self.redis.link()).await.unwrap();
    }
}

fn gateway(n: u128) -> GatewayId {
    GatewayId(uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_1000 + n))
}

#[tokio::test]
async fn an_org_that_gateways_never_heard_of_is_complete_from_the_start() {
    let mut desk = Desk::open(RedisKind::Server).await;
    assert!(desk.is_complete().await);
    // One more, long after the first publication.
    drop(desk.app.sign_up("ada@example.com", "Ada Inc").await);
    desk.publish().await;
    let newest = sqlx::query_scalar("select id from orgs where id <> $1");
    let newest = newest.bind(desk.org().0).fetch_one(&mut desk.app.sql().await).await.unwrap();
    assert!(desk.get(channel::restored(OrgId(newest))).await.is_some());
}

#[tokio::test]
async fn after_a_flush_an_org_is_complete_only_with_all_that_was_used() {
    for kind in [RedisKind::Server, RedisKind::Cluster] {
        let mut desk = Desk::open(kind).await;
        let (live, dead) = (gateway(1), gateway(2));
        desk.use_by(dead, 300).await;
        desk.use_by(dead, 40).await;
        desk.use_by(live, 50).await;
        desk.lose().await;
        desk.step().await;
        assert!(!desk.is_complete().await, "an org of which something was used is not new");
        // The one that lives says what it has, more than is booked of it.
        desk.claim(live, 80).await;
        desk.wait(RECOUNT_MS).await;
        desk.answer(live).await;
        desk.step().await;
        assert!(!desk.is_complete().await, "a gateway that may come back is waited for");
        desk.gone(dead).await;
        desk.step().await;
        assert!(desk.is_complete().await);
        let expected =
            [("t".to_owned(), 420), (live.to_string(), 80), (dead.to_string(), 340)].into();
        assert_eq!(desk.counter().await, expected);
        // Once more changes nothing.
        desk.tell().await;
        desk.step().await;
        assert_eq!(desk.counter().await, expected);
        let mut left = redis::cmd("SCARD");
        left.arg(UNCOUNTED);
        assert_eq!(left.query_async::<i64>(&mut desk.redis.link()).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn an_org_is_complete_as_soon_as_everyone_on_the_roll_has_said_what_it_has() {
    let mut desk = Desk::open(RedisKind::Server).await;
    let (one, other) = (gateway(1), gateway(2));
    desk.use_by(one, 50).await;
    desk.write(one, "").await;
    desk.write(other, "").await;
    desk.step().await;
    desk.lose().await;
    desk.wait(RECOUNT_MS).await;
    desk.answer(one).await;
    desk.write(other, "").await;
    desk.step().await;
    assert!(!desk.is_complete().await, "the other served nothing, and may have something in hand");
    desk.answer(other).await;
    desk.step().await;
    assert!(desk.is_complete().await);
}

#[tokio::test]
async fn a_gateway_that_said_that_it_is_gone_is_off_the_roll_and_not_waited_for() {
    let mut desk = Desk::open(RedisKind::Server).await;
    let (stays, leaves) = (gateway(1), gateway(2));
    desk.use_by(stays, 50).await;
    desk.use_by(leaves, 300).await;
    desk.write(stays, "").await;
    desk.write(leaves, "").await;
    desk.step().await;
    desk.gone(leaves).await;
    desk.step().await;
    let mut roll = redis::cmd("HEXISTS");
    roll.arg(ROLL).arg(leaves.to_string());
    assert!(!roll.query_async::<bool>(&mut desk.redis.link()).await.unwrap());
    desk.lose().await;
    desk.wait(RECOUNT_MS).await;
    desk.claim(stays, 50).await;
    desk.answer(stays).await;
    desk.step().await;
    assert!(desk.is_complete().await);
    let expected = [("t".to_owned(), 350), (stays.to_string(), 50), (leaves.to_string(), 300)];
    assert_eq!(desk.counter().await, expected.into());
}

#[tokio::test]
async fn a_word_of_before_the_loss_is_no_answer() {
    let mut desk = Desk::open(RedisKind::Server).await;
    let live = gateway(1);
    desk.use_by(live, 50).await;
    desk.lose().await;
    desk.wait(RECOUNT_MS).await;
    desk.answer(live).await;
    desk.step().await;
    assert!(desk.is_complete().await);
    let before = desk.called().await;
    desk.lose().await;
    desk.wait(RECOUNT_MS).await;
    desk.write(live, &before).await;
    desk.step().await;
    assert_ne!(desk.called().await, before);
    assert!(!desk.is_complete().await);
    desk.answer(live).await;
    desk.step().await;
    assert!(desk.is_complete().await);
}

#[tokio::test]
async fn what_a_silent_gateway_has_in_hand_is_waited_for_as_long_as_it_may_use_it() {
    let mut desk = Desk::open(RedisKind::Server).await;
    desk.use_by(gateway(1), 50).await;
    desk.write(gateway(1), "").await;
    desk.write(gateway(2), "").await;
    desk.step().await;
    desk.lose().await;
    desk.wait(RECOUNT_MS).await;
    desk.answer(gateway(1)).await;
    desk.pass(HELD_MS - 1_000).await;
    assert!(!desk.is_complete().await);
    desk.pass(1_500).await;
    assert!(desk.is_complete().await);
}

#[tokio::test]
async fn whoever_did_not_look_does_not_know_who_has_something_in_hand() {
    let mut desk = Desk::open(RedisKind::Server).await;
    desk.use_by(gateway(1), 50).await;
    desk.lose().await;
    // Another program takes over.
    desk.recount = Recount::new(desk.app.app.clone(), desk.redis.link());
    desk.wait(RECOUNT_MS).await;
    desk.answer(gateway(1)).await;
    desk.pass(HELD_MS - 500).await;
    assert!(!desk.is_complete().await);
    desk.pass(1_000).await;
    assert!(desk.is_complete().await);
}

#[tokio::test]
async fn whoever_takes_over_before_a_loss_knows_everyone_on_the_roll() {
    let mut desk = Desk::open(RedisKind::Server).await;
    desk.use_by(gateway(1), 50).await;
    desk.write(gateway(2), "").await;
    desk.recount = Recount::new(desk.app.app.clone(), desk.redis.link());
    desk.step().await;
    desk.lose().await;
    desk.wait(RECOUNT_MS).await;
    desk.answer(gateway(1)).await;
    desk.step().await;
    assert!(!desk.is_complete().await, "the other was on the roll, too");
    desk.answer(gateway(2)).await;
    desk.step().await;
    assert!(desk.is_complete().await);
}

#[tokio::test]
async fn gateways_that_are_gone_are_remembered_when_redis_forgets_them() {
    let mut desk = Desk::open(RedisKind::Server).await;
    desk.use_by(gateway(3), 70).await;
    desk.gone(gateway(3)).await;
    desk.step().await;
    // Nor is it this program that remembers.
    desk.recount = Recount::new(desk.app.app.clone(), desk.redis.link());
    desk.pass(HELD_MS + 500).await;
    desk.lose().await;
    desk.wait(RECOUNT_MS).await;
    desk.step().await;
    assert!(desk.is_complete().await);
    assert_eq!(desk.counter().await["t"], 70);
}

#[tokio::test]
async fn a_gateway_that_is_lost_for_good_does_not_keep_an_org_closed() {
    let mut desk = Desk::open(RedisKind::Server).await;
    desk.use_by(gateway(3), 70).await;
    desk.lose().await;
    desk.wait(RECOUNT_MS).await;
    desk.step().await;
    assert!(!desk.is_complete().await);
    desk.wait(60_000).await;
    desk.step().await;
    assert!(desk.is_complete().await);
    assert_eq!(desk.counter().await["t"], 70);
}

#[tokio::test]
async fn what_is_lost_while_counters_are_completed_is_waited_for_again() {
    let mut desk = Desk::open(RedisKind::Server).await;
    desk.use_by(gateway(4), 5).await;
    desk.lose().await;
    desk.wait(RECOUNT_MS).await;
    let word = desk.called().await;
    desk.lose().await;
    desk.write(gateway(4), &word).await;
    desk.step().await;
    desk.wait(RECOUNT_MS).await;
    desk.step().await;
    assert!(!desk.is_complete().await);
    desk.answer(gateway(4)).await;
    desk.step().await;
    assert!(desk.is_complete().await);
}

#[tokio::test]
async fn what_a_dead_gateway_had_in_hand_is_free_again_and_what_it_used_is_not() {
    let mut desk = Desk::open(RedisKind::Server).await;
    let (dead, org) = (gateway(5), desk.org());
    desk.use_by(dead, 70).await;
    // It had drawn more than its calls used, in a call that was its ninth.
    desk.claim(dead, 500).await;
    let drawn_by = channel::limits_drawn_by(org);
    let mut seen = redis::cmd("HSET");
    seen.arg(&drawn_by).arg(dead.to_string()).arg("1000:9");
    seen.query_async::<i64>(&mut desk.redis.link()).await.unwrap();
    desk.gone(dead).await;
    desk.step().await;
    assert_eq!(desk.counter().await, [("t".to_owned(), 70), (dead.to_string(), 70)].into());
    let mut last = redis::cmd("HGET");
    last.arg(drawn_by).arg(dead.to_string());
    let last: String = last.query_async(&mut desk.redis.link()).await.unwrap();
    assert_eq!(last, "1000:9007199254740991", "what is still under way counts no more");
    // It is done once: whatever is there now stays.
    desk.claim(dead, 90).await;
    desk.step().await;
    assert_eq!(desk.counter().await["t"], 90);
}
