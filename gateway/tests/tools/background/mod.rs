//! A whole gateway's background against a Redis that changes, dies, forgets and comes back.

mod follow;
mod tell;

use crate::redis_server::RedisServer;
use crate::world::{PUBLIC_ID, START, at, eventually, master};
use gateway::background::{Background, Settings, Tools, start};
use gateway::clock::Clock;
use gateway::snapshot::Source;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(1);

fn settings(url: &str, state: &Path) -> Settings {
    Settings {
        redis_url: url.into(),
        master_key: master(),
        state: state.into(),
        snapshot_age_max_s: 86_400,
        spool_bytes_max: 1 << 30,
        probe_every_ms: 5_000,
        cache: gateway::recall::CacheBounds::default(),
        cluster: gateway::pool::Cluster::default(),
    }
}

struct Gateway {
    tools: Tools,
    background: Option<Background>,
    state: TempDir,
    clock: Clock,
}

impl Gateway {
    fn start(redis: &RedisServer) -> Self {
        Self::start_in(TempDir::new().unwrap(), &redis.url())
    }

    fn start_in(state: TempDir, url: &str) -> Self {
        let clock = Clock::fixed(at(START));
        let (tools, background) =
            start(settings(url, state.path()), clock.clone(), 1, None).unwrap();
        Self { tools, background: Some(background), state, clock }
    }

    async fn at_version(self, version: u64) -> Self {
        self.reaches(version).await;
        self
    }

    async fn reaches(&self, version: u64) -> Duration {
        let handle = &self.tools.snapshot;
        let what = format!("version {version} is served");
        eventually(&what, || {
            handle.load().version() == version && handle.source() == Source::Current
        })
        .await
    }

    fn key_is_live(&self) -> bool {
        self.tools.snapshot.load().key(PUBLIC_ID).is_some_and(|key| key.revoked_at.is_none())
    }

    fn stop(&mut self) {
        if let Some(background) = self.background.take() {
            background.stop(Duration::from_secs(5));
        }
    }

    fn into_state(mut self) -> TempDir {
        self.stop();
        std::mem::replace(&mut self.state, TempDir::new().unwrap())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop();
    }
}
