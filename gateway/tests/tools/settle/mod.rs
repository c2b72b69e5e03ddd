//! The spool: what was recorded reaches Redis, whatever dies in between.

mod disk;
mod ends;
mod ship;

use crate::redis_server::RedisServer;
use crate::sample;
use crate::world::{caller, id};
use contract::channel::USAGE;
use contract::id::{GatewayId, RequestId};
use contract::usage::{Unsettled, UsageEvent, UsageIntent};
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
    sample::event(RequestId(id(n)), &caller())
}

fn intent(n: u128) -> UsageIntent {
    sample::intent(&event(n))
}

/// Writes a call down, from its beginning to its end.
pub fn call(settle: &Settle, n: u128) -> Result<(), SpoolFull> {
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
pub async fn take(redis: &RedisServer) -> BTreeMap<RequestId, usize> {
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
