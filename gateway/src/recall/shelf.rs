//! Answers in Redis, for all gateways: a bounded number of bytes for each organisation, gone by
//! themselves. Nobody waits long for it, and without it every answer is made anew.

use super::kept::Kept;
use super::key::TenantKey;
use crate::link::Link;
use contract::channel::{cache_answers, cache_bytes, cache_ends};
use contract::id::OrgId;
use contract::seal::BlobSeal;
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
/// Bytes of one list.
const LIST_BYTES_MAX: usize = 1 << 20;

/// Where calls give their orders. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shelf {
    orders: mpsc::Sender<Order>,
    seal: BlobSeal,
}

#[derive(Debug)]
enum Order {
    Find(TenantKey, oneshot::Sender<Option<Vec<u8>>>),
    Keep(Page),
}

#[derive(Debug)]
struct Page {
    key: TenantKey,
    sealed: Vec<u8>,
    now_ms: i64,
    ttl_ms: i64,
    /// It is the newest entry of a list.
    listed: bool,
}

impl Shelf {
    /// The answer to `key`, at most `ttl_ms` old, if Redis has it at hand.
    pub async fn find(&self, key: TenantKey, now_ms: i64, ttl_ms: i64) -> Option<Found> {
        let bytes = self.open(&key, &self.bytes(key).await??)?;
        let kept = Kept::read(&bytes)?;
        kept.is_fresh(now_ms, ttl_ms).then(|| Found { kept: Arc::new(kept), bytes: bytes.len() })
    }

    /// Keeps an answer, when Redis takes it.
    pub fn keep(&self, key: TenantKey, answer: &[u8], now_ms: i64, ttl_ms: i64) {
        self.order(key, answer, (now_ms, ttl_ms), false);
    }

    /// Entries of `len` bytes each of a list, the newest first; what does not open is left out.
    /// `None`: Redis does not say.
    pub async fn list(&self, key: TenantKey, len: usize) -> Option<Vec<Vec<u8>>> {
        let list = self.bytes(key).await?.unwrap_or_default();
        let sealed = len + SEALED_MORE;
        if list.len() % sealed != 0 {
            return Some(Vec::new());
        }
        Some(list.chunks(sealed).filter_map(|entry| self.open(&key, entry)).collect())
    }

    /// Puts the newest entry into a list, when Redis takes it.
    pub fn add(&self, key: TenantKey, entry: &[u8], now_ms: i64, ttl_ms: i64) {
        self.order(key, entry, (now_ms, ttl_ms), true);
    }

    /// What Redis has; `None`: it does not say.
    async fn bytes(&self, key: TenantKey) -> Option<Option<Vec<u8>>> {
        let (reply, told) = oneshot::channel();
        self.orders.try_send(Order::Find(key, reply)).ok()?;
        timeout(FIND_WITHIN, told).await.ok()?.ok()
    }

    fn order(&self, key: TenantKey, plain: &[u8], (now_ms, ttl_ms): (i64, i64), listed: bool) {
        let Ok(sealed) = self.seal.of(org(&key.org())).seal(key.hash(), plain) else { return };
        // Not to be kept costs the next caller a call.
        let _ = self.orders.try_send(Order::Keep(Page { key, sealed, now_ms, ttl_ms, listed }));
    }

    /// `None`: it was sealed under another key, for another place, or is damaged.
    fn open(&self, key: &TenantKey, sealed: &[u8]) -> Option<Vec<u8>> {
        self.seal.of(org(&key.org())).open(key.hash(), sealed).ok()
    }
}

const fn org(id: &OrgId) -> &[u8] {
    id.0.as_bytes()
}

/// By how much what is sealed is longer: a nonce and a tag.
const SEALED_MORE: usize = 24 + 16;

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
    /// 0 bytes: nothing is kept in Redis. What is kept there is sealed.
    #[must_use]
    pub fn new(bytes_max: usize, seal: BlobSeal) -> (Shelf, Self) {
        let (orders, waiting) = mpsc::channel(ORDERS_MAX);
        (Shelf { orders, seal }, Self { orders: waiting, bytes_max })
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
        Order::Keep(Page { key, sealed, now_ms, ttl_ms, listed }) => {
            let org = key.org();
            // A list leaves room for others.
            let room = if listed { LIST_BYTES_MAX.min(bytes_max / 4) } else { 0 };
            let mut call = script.prepare_invoke();
            call.key(cache_answers(org)).key(cache_ends(org)).key(cache_bytes(org));
            call.arg(key.text()).arg(sealed).arg(now_ms).arg(ttl_ms).arg(bytes_max).arg(room);
            call.invoke_async::<i64>(&mut connection).await?;
        }
    }
    Ok(())
}
