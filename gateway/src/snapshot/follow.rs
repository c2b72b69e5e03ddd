//! Keeps the snapshot current: loads it whole, then applies changes one version after another. A
//! gap, a lost connection or a version that went back loads it whole again. What must stay true:
//! the snapshot never goes back to an older version, so nothing revoked comes back.

use super::handle::Source;
use super::load::{self, kept};
use super::{Handle, Snapshot};
use crate::clock::Clock;
use crate::link::Link;
use crate::telemetry::{Count, Telemetry, Timing};
use contract::channel::{self, Change};
use contract::snapshot::Kind;
use redis::RedisResult;
use redis::streams::{StreamId, StreamReadReply};
use redis_link::Connection;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// How long one read of the stream waits. Between two, the version is compared: an emptied
/// Redis ends no read.
const BLOCK_MS: usize = 500;
/// Changes applied together at most.
const CHANGES_MAX: usize = 1_000;
/// How often a Redis that is behind is looked at.
const BEHIND: Duration = Duration::from_millis(200);

/// Follows the configuration for one [`Handle`]; run it in the background.
#[derive(Debug)]
pub struct Follower {
    pub handle: Handle,
    pub clock: Clock,
    pub telemetry: Arc<Telemetry>,
    /// Told when the snapshot has changed, for the copy on disk.
    pub changed: Arc<Notify>,
    /// Told once the first load has been tried.
    pub tried: Option<std::sync::mpsc::Sender<()>>,
}

/// Why following stopped.
enum Trouble {
    Gap { expected: u64, found: u64 },
    Redis(redis::RedisError),
}

impl From<redis::RedisError> for Trouble {
    fn from(error: redis::RedisError) -> Self {
        Self::Redis(error)
    }
}

impl Follower {
    /// Follows for ever.
    pub async fn run(mut self, mut link: Link) {
        loop {
            let loaded = self.reload(&mut link).await;
            if let Some(tried) = self.tried.take() {
                // Whoever waited may have given up.
                tried.send(()).unwrap_or_default();
            }
            match loaded {
                Ok(true) => {}
                Ok(false) => {
                    self.handle.set_source(Source::Behind);
                    sleep(BEHIND).await;
                    continue;
                }
                Err(error) => {
                    self.handle.set_source(Source::Unreachable);
                    tracing::warn!(%error, "the configuration cannot be loaded; serving what is known");
                    link.rest().await;
                    continue;
                }
            }
            match self.follow(&mut link).await {
                Trouble::Gap { expected, found } => {
                    tracing::info!(
                        expected,
                        found,
                        "configuration changes were missed; loading it whole"
                    );
                }
                Trouble::Redis(error) => {
                    self.handle.set_source(Source::Unreachable);
                    tracing::warn!(%error, "the configuration is no longer followed; serving what is known");
                }
            }
        }
    }

    /// Loads everything; false when Redis holds less than is known here.
    async fn reload(&self, link: &mut Link) -> RedisResult<bool> {
        let held = self.handle.load();
        let before = self.clock.now();
        if self.handle.source() == Source::Behind {
            // Only the version is waited for: reading everything is dear.
            let found = link.run(version_in_redis).await?;
            if found.is_none_or(|found| found < held.version()) {
                return Ok(false);
            }
        }
        let raw = link.run(load::read).await?;
        let Some(version) = raw.version.filter(|version| *version >= held.version()) else {
            if self.handle.source() != Source::Behind {
                tracing::warn!(
                    held = held.version(),
                    found = raw.version,
                    "Redis holds an older configuration than this gateway; waiting for it to be published again"
                );
            }
            return Ok(false);
        };
        let next = load::assemble(raw, version, &held, &self.telemetry);
        self.telemetry.count(Count::ConfigReloads, 1);
        tracing::info!(version, "configuration loaded");
        self.adopt(next, before);
        Ok(true)
    }

    fn adopt(&self, next: Snapshot, at: contract::Timestamp) {
        self.handle.store(next);
        self.handle.confirm(at);
        self.handle.set_source(Source::Current);
        self.changed.notify_one();
    }

    async fn follow(&self, link: &mut Link) -> Trouble {
        loop {
            let held = self.handle.load();
            let version = held.version();
            let before = self.clock.now();
            let read = link.run(|connection| read_changes(connection, version)).await;
            let step = match read {
                Ok(entries) if entries.is_empty() => self.compare(link, version, before).await,
                Ok(entries) => self.apply(&held, entries),
                Err(error) => Err(error.into()),
            };
            if let Err(trouble) = step {
                return trouble;
            }
        }
    }

    /// Nothing came: still at the version that Redis has?
    async fn compare(
        &self,
        link: &mut Link,
        version: u64,
        at: contract::Timestamp,
    ) -> Result<(), Trouble> {
        match link.run(version_in_redis).await? {
            Some(found) if found == version => {
                self.handle.confirm(at);
                Ok(())
            }
            found => Err(Trouble::Gap { expected: version, found: found.unwrap_or(0) }),
        }
    }

    fn apply(&self, held: &Snapshot, entries: Vec<StreamId>) -> Result<(), Trouble> {
        let now = self.clock.now();
        let mut version = held.version();
        let mut changes = Vec::with_capacity(entries.len());
        for entry in &entries {
            let found = version_of(&entry.id);
            if found != version + 1 {
                return Err(Trouble::Gap { expected: version + 1, found });
            }
            version = found;
            if let Some(change) = self.decode(entry, version, held) {
                let late = now.signed_duration_since(change.at).to_std().unwrap_or_default();
                self.telemetry.time(Timing::Convergence, late);
                changes.push(change);
            }
        }
        self.telemetry.count(Count::ConfigChanges, entries.len() as u64);
        tracing::debug!(version, changes = changes.len(), "configuration changed");
        self.adopt(held.apply(changes, version), now);
        Ok(())
    }

    /// The change in an entry. One whose record cannot be read makes the object unknown.
    fn decode(&self, entry: &StreamId, version: u64, held: &Snapshot) -> Option<Change> {
        #[derive(Deserialize)]
        struct Named {
            kind: Kind,
            id: String,
            at: contract::Timestamp,
        }
        let Some(text) = entry.get::<String>("c") else {
            tracing::error!(version, "an entry of the configuration stream has no change");
            return None;
        };
        match serde_json::from_str::<Change>(&text) {
            Ok(change) if change.version == version => return Some(change),
            Ok(change) => {
                tracing::error!(
                    version,
                    says = change.version,
                    "a change has another version than its entry"
                );
            }
            Err(error) => tracing::error!(version, %error, "a change cannot be read"),
        }
        self.telemetry.count(Count::RecordsUnreadable, 1);
        let Named { kind, id, at } = serde_json::from_str(&text).ok()?;
        let record = kept(kind, &id, version, held).map(|stored| stored.record);
        Some(Change { version, kind, id, record, at })
    }
}

async fn version_in_redis(mut connection: Connection) -> RedisResult<Option<u64>> {
    redis::cmd("GET").arg(channel::VERSION).query_async(&mut connection).await
}

async fn read_changes(mut connection: Connection, after: u64) -> RedisResult<Vec<StreamId>> {
    let mut command = redis::cmd("XREAD");
    command.arg("COUNT").arg(CHANGES_MAX).arg("BLOCK").arg(BLOCK_MS);
    command.arg("STREAMS").arg(channel::CHANGES).arg(format!("{after}-0"));
    let reply: Option<StreamReadReply> = command.query_async(&mut connection).await?;
    Ok(reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids).collect())
}

/// The version in an entry's id, `<version>-0`; 0 for any other form.
fn version_of(id: &str) -> u64 {
    id.strip_suffix("-0").and_then(|version| version.parse().ok()).unwrap_or(0)
}
