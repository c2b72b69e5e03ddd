//! Answers in Redis, for all gateways: a bounded number of bytes for each organisation, gone by
//! themselves. Nobody waits long for it, and without it every answer is made anew.

use super::kept::Kept;
use super::key::TenantKey;
use crate::link::Link;
use contract::channel::{cache_answers, cache_bytes, cache_ends};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use redis::RedisResult;
use redis_link::{Connection, Script};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// The longest that a call waits to be told of an answer.
pub const FIND_WITHIN: Duration = Duration::from_millis(50);
/// Orders that wait at most; more are not given.
const ORDERS_MAX: usize = 1_024;
/// Orders that are with Redis at once.
const AT_ONCE: usize = 256;

/// Where calls give their orders. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shelf(mpsc::Sender<Order>);

#[derive(Debug)]
enum Order {
    Find(TenantKey, oneshot::Sender<Option<Vec<u8>>>),
    Keep(Page),
}

#[derive(Debug)]
struct Page {
    key: TenantKey,
    answer: Arc<[u8]>,
    now_ms: i64,
    ttl_ms: i64,
}

impl Shelf {
    /// The answer to `key`, at most `ttl_ms` old, if Redis has it at hand.
    pub async fn find(&self, key: TenantKey, now_ms: i64, ttl_ms: i64) -> Option<Found> {
        let (reply, told) = oneshot::channel();
        self.0.try_send(Order::Find(key, reply)).ok()?;
        let bytes = timeout(FIND_WITHIN, told).await.ok()?.ok()??;
        let kept = Kept::read(&bytes)?;
        kept.is_fresh(now_ms, ttl_ms).then(|| Found { kept: Arc::new(kept), bytes: bytes.len() })
    }

    /// Keeps an answer, when Redis takes it.
    pub fn keep(&self, key: TenantKey, answer: Arc<[u8]>, now_ms: i64, ttl_ms: i64) {
        // Not to be kept costs the next caller a call.
        let _ = self.0.try_send(Order::Keep(Page { key, answer, now_ms, ttl_ms }));
    }
}

/// An answer that Redis had.
#[derive(Debug, Clone)]
pub struct Found {
    pub kept: Arc<Kept>,
    /// As it is written down.
    pub bytes: usize,
}

/// Carries the orders out; run it in the background for as long as calls are served.
#[derive(Debug)]
pub struct Librarian {
    orders: mpsc::Receiver<Order>,
    /// Of an organisation's answers together.
    bytes_max: usize,
}

impl Librarian {
    /// 0 bytes: nothing is kept in Redis.
    #[must_use]
    pub fn new(bytes_max: usize) -> (Shelf, Self) {
        let (shelf, orders) = mpsc::channel(ORDERS_MAX);
        (Shelf(shelf), Self { orders, bytes_max })
    }

    /// Serves until every [`Shelf`] is gone.
    pub async fn run(mut self, mut link: Link) {
        let script = Script::new(include_str!("shelf.lua"));
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                order = self.orders.recv(), if running.len() < AT_ONCE => {
                    let Some(order) = order else { return };
                    if self.bytes_max == 0 {
                        continue;
                    }
                    // Where there is none, the order falls away: nobody waits for one to be made.
                    let Ok(connection) = link.connection().await else { continue };
                    running.push(carry_out(connection, script.clone(), order, self.bytes_max));
                }
                Some(done) = running.next() => {
                    let done: RedisResult<()> = done;
                    link.heard(done.is_ok());
                    if let Err(error) = done {
                        tracing::debug!(%error, "Redis did not keep or tell an answer");
                    }
                }
            }
        }
    }
}

async fn carry_out(
    mut connection: Connection,
    script: Script,
    order: Order,
    bytes_max: usize,
) -> RedisResult<()> {
    match order {
        Order::Find(key, reply) => {
            let mut command = redis::cmd("HGET");
            command.arg(cache_answers(key.org())).arg(key.text());
            let found: Option<Vec<u8>> = command.query_async(&mut connection).await?;
            // Whoever asked may have gone on without it.
            reply.send(found).unwrap_or_default();
        }
        Order::Keep(Page { key, answer, now_ms, ttl_ms }) => {
            let org = key.org();
            let mut call = script.prepare_invoke();
            call.key(cache_answers(org)).key(cache_ends(org)).key(cache_bytes(org));
            call.arg(key.text()).arg(&*answer).arg(now_ms).arg(ttl_ms).arg(bytes_max);
            call.invoke_async::<i64>(&mut connection).await?;
        }
    }
    Ok(())
}
