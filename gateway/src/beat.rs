//! Says every few seconds that this gateway lives and what it holds, and hears the same of the
//! others.

use crate::background::Tools;
use crate::health;
use crate::link::Link;
use crate::pool;
use contract::Timestamp;
use contract::channel::{GATEWAYS, GatewayBeat};
use redis::RedisResult;
use redis_link::Connection;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::interval;

const BEAT: Duration = Duration::from_secs(2);
/// After so long a silence a gateway's last word is taken out.
const FORGOTTEN_MS: i64 = 3_600_000;

/// How many gateways there are, this one among them, as far as Redis last said.
#[derive(Debug, Clone)]
pub struct Peers(Arc<AtomicUsize>);

impl Default for Peers {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(1)))
    }
}

impl Peers {
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn heard(&self, count: usize) {
        self.0.store(count.max(1), Ordering::Relaxed);
    }
}

/// Beats for ever.
pub async fn beat(tools: Tools, mut link: Link) {
    let mut every = interval(BEAT);
    loop {
        every.tick().await;
        let now = tools.clock.now();
        let beat = own(&tools, now);
        let (id, Ok(text)) = (beat.gateway_id.to_string(), serde_json::to_string(&beat)) else {
            continue;
        };
        let heard = link.run(|connection| say(connection, id, text)).await;
        let gone = match heard {
            Ok(words) => listen(&tools.peers, &words, now),
            Err(error) => {
                tracing::debug!(%error, "no heartbeat");
                continue;
            }
        };
        if !gone.is_empty() {
            let forgotten = link.run(|connection| forget(connection, gone)).await;
            forgotten.unwrap_or_else(|error| tracing::debug!(%error, "silent gateways stay"));
        }
    }
}

fn own(tools: &Tools, now: Timestamp) -> GatewayBeat {
    let (depth, reserved) = (tools.settle.depth(), tools.reserve.reserved());
    let snapshot = tools.snapshot.load();
    GatewayBeat {
        gateway_id: tools.gateway_id,
        at: now,
        config_version: snapshot.version(),
        spool_events: depth.events,
        spool_bytes: depth.bytes,
        intents_open: depth.intents,
        reservations: reserved.reservations,
        oldest_reservation_ms: reserved.oldest_ms(now),
        held_nanos: reserved.held.0,
        deployments: health::tell(&snapshot, tools.clock.uptime_ms()),
        pools: pool::tell(&snapshot, tools.clock.uptime_ms()),
    }
}

/// Counts who lives; says who has been silent for so long that nobody asks any more.
fn listen(peers: &Peers, words: &HashMap<String, String>, now: Timestamp) -> Vec<String> {
    let mut live = 0;
    let mut gone = Vec::new();
    for (id, text) in words {
        match serde_json::from_str::<GatewayBeat>(text) {
            Ok(beat) if beat.is_live(now) => live += 1,
            Ok(beat) if beat.silent_ms(now) < FORGOTTEN_MS => {}
            _ => gone.push(id.clone()),
        }
    }
    peers.heard(live);
    gone
}

async fn say(
    mut connection: Connection,
    id: String,
    text: String,
) -> RedisResult<HashMap<String, String>> {
    let mut pipe = redis::pipe();
    pipe.hset(GATEWAYS, id, text).ignore().hgetall(GATEWAYS);
    let (words,) = pipe.query_async(&mut connection).await?;
    Ok(words)
}

async fn forget(mut connection: Connection, gone: Vec<String>) -> RedisResult<()> {
    redis::cmd("HDEL").arg(GATEWAYS).arg(gone).query_async(&mut connection).await
}
