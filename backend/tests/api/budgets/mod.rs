//! Budgets: what may be spent in a period, who hears of it, and what gateways are told.

mod gateways;
mod setting;
mod spent;

use crate::harness::{Caller, Client, Shop, TestApp, TestRedis, entry};
use backend::publish::{Publisher, Step, Target};
use backend::usage;
use contract::Timestamp;
use contract::channel::{Stored, records};
use contract::id::{BudgetId, LimitId};
use contract::money::Nanos;
use contract::role::Role;
use contract::snapshot::{Kind, LimitRecord, Record};
use contract::usage::{Tokens, UsageEvent};
use serde_json::{Value, json};

const PATH: &str = "/v1/orgs/acme/budgets";

struct Desk {
    app: TestApp,
    shop: Shop,
    caller: Caller,
    finance: Client,
}

impl Desk {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let shop = Shop::open(&app).await;
        let org = app.org("acme").await;
        let caller = Caller::of(&app, &org).await;
        let finance = app.member(&org, Role::Finance).await;
        Self { app, shop, caller, finance }
    }

    fn body(&self, dollars: &str, more: Value) -> Value {
        let mut body = json!({
            "name": "Research", "scope": {"kind": "org", "id": self.caller.org},
            "amount_usd": dollars, "window": "month", "action": {"kind": "deny"},
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    async fn make(&self, dollars: &str, more: Value) -> Value {
        self.finance.post(PATH, self.body(dollars, more)).await.expect(201).json()
    }

    async fn shown(&self, budget: &Value) -> Value {
        self.finance.get(&one(budget)).await.expect(200).json()
    }

    /// Books calls that cost so many nano-dollars each, now, and sums up.
    async fn spend(&self, nanos: &[i64]) {
        let events: Vec<_> = nanos.iter().map(|nanos| self.event(*nanos)).collect();
        self.book(&events).await;
    }

    /// A call of input tokens at a dollar a million: a thousand nano-dollars each.
    fn event(&self, nanos: i64) -> UsageEvent {
        let input = u64::try_from(nanos / 1_000).unwrap();
        let tokens = Tokens { input, ..Tokens::default() };
        let event = self.caller.event(&self.app, &self.shop, 0, 0);
        UsageEvent { tokens, cost_nanos: Nanos(nanos), config_version: 1_000, ..event }
    }

    async fn book(&self, events: &[UsageEvent]) {
        let entries: Vec<_> = events.iter().enumerate().map(|(n, event)| entry(n, event)).collect();
        let booked = usage::ingest(&self.app.app, &entries).await.unwrap();
        assert_eq!(booked.dead, 0);
        self.sum_up().await;
    }

    async fn sum_up(&self) {
        while usage::refresh(&self.app.app).await.unwrap() > 0 {}
        usage::refresh(&self.app.app).await.unwrap();
    }

    async fn mails(&self) -> Vec<(String, String)> {
        sqlx::query_as(
            "select to_email, subject from mails where subject like '%budget%' order by 1, 2",
        )
        .fetch_all(&mut self.app.sql().await)
        .await
        .unwrap()
    }

    /// As a call that declared `feature` is kept.
    async fn tag(&self, event: &UsageEvent, feature: &str) {
        sqlx::query("update usage_events set tags = $2 where request_id = $1")
            .bind(event.request_id.0)
            .bind(json!([{"name": "feature", "value": feature}]))
            .execute(&mut self.app.sql().await)
            .await
            .unwrap();
    }

    fn event_at(&self, at: Timestamp, nanos: i64) -> UsageEvent {
        let now = self.app.clock.now();
        self.app.clock.advance(at - now);
        let event = self.event(nanos);
        self.app.clock.advance(now - at);
        event
    }

    /// What gateways are told of a budget.
    async fn record(&self, budget: &Value) -> Option<LimitRecord> {
        let redis = TestRedis::start().await;
        let mut publisher = Publisher::new(self.app.app.clone(), Target::new(redis.link()));
        while !matches!(publisher.step().await, Ok(Step::Idle(_))) {}
        let id: BudgetId = budget["id"].as_str().unwrap().parse().unwrap();
        let stored: Option<String> = redis::cmd("HGET")
            .arg(records(Kind::Limit))
            .arg(LimitId(id.0).to_string())
            .query_async(&mut redis.link())
            .await
            .unwrap();
        let stored: Stored = serde_json::from_str(&stored?).unwrap();
        match stored.record {
            Record::Limit(limit) => Some(limit),
            other => panic!("{other:?}"),
        }
    }
}

fn one(budget: &Value) -> String {
    format!("{PATH}/{}", budget["id"].as_str().unwrap())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
