//! The stream of usage events in Redis, as one consumer of its group sees it.
//!
//! An entry is read, booked, and only then acknowledged and deleted. What a dead consumer had read
//! is claimed by another after a while.

use contract::channel::{USAGE, USAGE_GROUP};
use redis::streams::{StreamAutoClaimReply, StreamId, StreamReadReply};
use redis::{RedisError, RedisResult, Value};
use redis_link::Lasting;

/// How long an entry may be read but not acknowledged before another consumer takes it over.
const CLAIM_IDLE_MS: u64 = 15_000;

/// An entry of the stream: its id there and its body, which may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub stream_id: String,
    /// Absent when the entry has no field `e` or `i` that is text.
    pub body: Option<String>,
}

/// One consumer.
#[derive(Clone)]
pub struct Consumer {
    redis: Lasting,
    name: String,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Consumer({})", self.name)
    }
}

impl Consumer {
    /// A consumer called `name`; two living ones never share a name.
    #[must_use]
    pub const fn new(redis: Lasting, name: String) -> Self {
        Self { redis, name }
    }

    /// Makes stream and group where they are missing: at first, and after Redis was emptied.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub async fn ensure_group(&mut self) -> RedisResult<()> {
        let made: RedisResult<()> = redis::cmd("XGROUP")
            .arg("CREATE")
            .arg(USAGE)
            .arg(USAGE_GROUP)
            .arg("0")
            .arg("MKSTREAM")
            .query_async(&mut self.redis)
            .await;
        match made {
            Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
            other => other,
        }
    }

    /// New entries, at most `count`; waits up to `block_ms` for the first (0: does not wait).
    ///
    /// # Errors
    /// Redis cannot be reached, or the group is gone ([`is_group_gone`]).
    pub async fn read(&mut self, count: usize, block_ms: u64) -> RedisResult<Vec<Entry>> {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(USAGE_GROUP).arg(&self.name).arg("COUNT").arg(count);
        if block_ms > 0 {
            command.arg("BLOCK").arg(block_ms);
        }
        command.arg("STREAMS").arg(USAGE).arg(">");
        let reply: Option<StreamReadReply> = command.query_async(&mut self.redis).await?;
        let streams = reply.map(|reply| reply.keys).unwrap_or_default();
        Ok(streams.into_iter().flat_map(|stream| stream.ids).map(entry).collect())
    }

    /// Entries that a consumer read and left, at most `count`.
    ///
    /// # Errors
    /// As [`Consumer::read`].
    pub async fn claim(&mut self, count: usize) -> RedisResult<Vec<Entry>> {
        self.claim_idle(count, CLAIM_IDLE_MS).await
    }

    /// Entries left for at least `idle_ms`.
    ///
    /// # Errors
    /// As [`Consumer::read`].
    pub async fn claim_idle(&mut self, count: usize, idle_ms: u64) -> RedisResult<Vec<Entry>> {
        let reply: StreamAutoClaimReply = redis::cmd("XAUTOCLAIM")
            .arg(USAGE)
            .arg(USAGE_GROUP)
            .arg(&self.name)
            .arg(idle_ms)
            .arg("0-0")
            .arg("COUNT")
            .arg(count)
            .query_async(&mut self.redis)
            .await?;
        Ok(reply.claimed.into_iter().map(entry).collect())
    }

    /// Acknowledges and deletes booked entries.
    ///
    /// # Errors
    /// Redis cannot be reached; they come again then, and booking them again changes nothing.
    pub async fn finish(&mut self, entries: &[Entry]) -> RedisResult<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = entries.iter().map(|entry| entry.stream_id.as_str()).collect();
        redis::pipe()
            .atomic()
            .cmd("XACK")
            .arg(USAGE)
            .arg(USAGE_GROUP)
            .arg(&ids)
            .ignore()
            .cmd("XDEL")
            .arg(USAGE)
            .arg(&ids)
            .ignore()
            .query_async(&mut self.redis)
            .await
    }

    /// Entries that wait or are being booked.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub async fn backlog(&mut self) -> RedisResult<u64> {
        redis::cmd("XLEN").arg(USAGE).query_async(&mut self.redis).await
    }
}

/// Whether stream or group are missing, as after Redis was emptied.
#[must_use]
pub fn is_group_gone(error: &RedisError) -> bool {
    error.code() == Some("NOGROUP")
}

fn entry(id: StreamId) -> Entry {
    // An event, or what is known of a call without one. Bytes that are no text stay visible in the
    // dead letter, and make no figure and no id.
    let body = match id.map.get("e").or_else(|| id.map.get("i")) {
        Some(Value::BulkString(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Some(Value::SimpleString(text)) => Some(text.clone()),
        _ => None,
    };
    Entry { stream_id: id.id, body }
}
