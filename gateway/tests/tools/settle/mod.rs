//! The spool: what was recorded reaches Redis, whatever dies in between.

mod disk;
mod ends;
mod ship;

use crate::redis_server::RedisServer;
use crate::world::{START, at, caller, id};
use contract::channel::USAGE;
use contract::id::{GatewayId, ModelId, PriceId, ProductId, RequestId};
use contract::money::Nanos;
use contract::usage::{Operation, Outcome, Tokens, Units, Unsettled, UsageEvent, UsageIntent};
use gateway::link::{Link, Purpose};
use gateway::settle::{Settle, Shipper, SpoolFull};
use gateway::telemetry::Telemetry;
use redis::streams::StreamRangeReply;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const ROOM: u64 = 1 << 30;

fn event(n: u128) -> UsageEvent {
    let who = caller();
    UsageEvent {
        request_id: RequestId(id(n)),
        at: at(START),
        org_id: who.org_id,
        team_id: who.team_id,
        app_id: who.app_id,
        key_id: who.key_id,
        subscription_id: who.subscription_id,
        product_id: ProductId(id(12)),
        plan_id: who.plan_id,
        model_id: ModelId(id(11)),
        deployment_id: None,
        provider_id: None,
        operation: Operation::Chat,
        stream: false,
        outcome: Outcome::Ok,
        status: 200,
        error_code: None,
        tokens: Tokens { input: 10, output: 20, ..Tokens::default() },
        units: Units::default(),
        estimated: false,
        price_id: PriceId(id(14)),
        cost_nanos: Nanos(30),
        reserved_nanos: Nanos(100),
        attempts: 1,
        attempts_made: Vec::new(),
        topped_up: 0,
        tags: Vec::new(),
        odd_usage: false,
        limits: Vec::new(),
        duration_ms: 5,
        first_token_ms: None,
        gateway_id: GatewayId(id(99)),
        config_version: 1,
    }
}

fn intent(n: u128) -> UsageIntent {
    let event = event(n);
    UsageIntent {
        request_id: event.request_id,
        at: event.at,
        org_id: event.org_id,
        team_id: event.team_id,
        app_id: event.app_id,
        key_id: event.key_id,
        subscription_id: event.subscription_id,
        product_id: event.product_id,
        plan_id: event.plan_id,
        model_id: event.model_id,
        operation: event.operation,
        stream: event.stream,
        price_id: event.price_id,
        reserved_nanos: event.reserved_nanos,
        gateway_id: event.gateway_id,
        config_version: event.config_version,
        tags: Vec::new(),
        limits: Vec::new(),
    }
}

/// Writes a call down, from its beginning to its end.
fn call(settle: &Settle, n: u128) -> Result<(), SpoolFull> {
    let begun = settle.intend(&intent(n))?;
    settle.record(begun, &event(n));
    Ok(())
}

fn open(state: &Path, bytes_max: u64) -> (Settle, Arc<Telemetry>) {
    let telemetry = Arc::new(Telemetry::default());
    let settle = Settle::open(state, bytes_max, 2, Arc::clone(&telemetry)).unwrap();
    (settle, telemetry)
}

static NEXT: AtomicU64 = AtomicU64::new(100);

struct Ship {
    gateway: String,
    shipper: Shipper,
    link: Link,
}

impl Ship {
    fn new(settle: &Settle, redis: &RedisServer, telemetry: &Arc<Telemetry>) -> Self {
        let link = Link::new(
            redis.address(),
            Purpose::Ship,
            Duration::from_secs(20),
            Arc::clone(telemetry),
        );
        let gateway_id = GatewayId(id(NEXT.fetch_add(1, Ordering::Relaxed).into()));
        let shipper = Shipper::new(settle.clone(), gateway_id, Arc::clone(telemetry));
        Self { gateway: gateway_id.to_string(), shipper, link }
    }

    /// Hands everything to Redis.
    async fn all(&mut self) {
        self.shipper.finish(&mut self.link).await;
    }

    /// The same, and has the backend take it.
    async fn through(&mut self, redis: &RedisServer) -> BTreeMap<RequestId, usize> {
        self.all().await;
        let taken = take(redis).await;
        self.shipper.let_go(&mut self.link).await;
        taken
    }
}

/// What the stream has in `field`, oldest first.
async fn entries(redis: &RedisServer, field: &str) -> Vec<String> {
    let mut connection = redis.connection().await;
    let mut command = redis::cmd("XRANGE");
    command.arg(USAGE).arg("-").arg("+");
    let reply: StreamRangeReply = command.query_async(&mut connection).await.unwrap();
    reply.ids.iter().filter_map(|entry| entry.get(field)).collect()
}

/// How often each request is in the stream.
async fn shipped(redis: &RedisServer) -> BTreeMap<RequestId, usize> {
    let mut seen = BTreeMap::new();
    for text in entries(redis, "e").await {
        let event: UsageEvent = serde_json::from_str(&text).unwrap();
        *seen.entry(event.request_id).or_default() += 1;
    }
    seen
}

/// Whose end the stream says is not known, in order: each request, and whether its gateway is gone.
async fn unsettled(redis: &RedisServer) -> Vec<(RequestId, bool)> {
    let texts = entries(redis, "i").await;
    let read = texts.iter().map(|text| serde_json::from_str::<Unsettled>(text).unwrap());
    let mut all: Vec<_> = read.map(|told| (told.intent.request_id, told.ended)).collect();
    all.sort_unstable();
    all
}

/// Takes everything out of the stream, as the backend does after its commit.
async fn take(redis: &RedisServer) -> BTreeMap<RequestId, usize> {
    let taken = shipped(redis).await;
    empty(redis).await;
    taken
}

async fn empty(redis: &RedisServer) {
    let mut connection = redis.connection().await;
    let mut command = redis::cmd("XTRIM");
    command.arg(USAGE).arg("MAXLEN").arg(0).query_async::<i64>(&mut connection).await.unwrap();
}

fn once(numbers: impl IntoIterator<Item = u128>) -> BTreeMap<RequestId, usize> {
    numbers.into_iter().map(|n| (RequestId(id(n)), 1)).collect()
}

fn segments(state: &Path, extension: &str) -> usize {
    let files = std::fs::read_dir(state.join("spool")).unwrap();
    files
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == extension))
        .count()
}
