//! A Redis of the test's own, on free ports, gone with the test.

use backend::config;
use contract::Timestamp;
use contract::channel::{GATEWAYS, GatewayBeat};
use contract::id::GatewayId;
use redis_link::servers::Servers;
use redis_link::{Kind, Lasting};

/// The last word of gateway `n`, which does nothing.
pub fn idle(now: Timestamp, n: u8) -> GatewayBeat {
    GatewayBeat {
        gateway_id: GatewayId::new(now, &[n; 10]),
        at: now,
        config_version: 0,
        spool_events: 0,
        spool_bytes: 0,
        intents_open: 0,
        reservations: 0,
        oldest_reservation_ms: 0,
        held_nanos: 0,
        deployments: Vec::new(),
        pools: Vec::new(),
    }
}

pub struct TestRedis(Servers);

impl TestRedis {
    pub async fn start() -> Self {
        Self::start_as(Kind::Server).await
    }

    /// One server, a set under Sentinel, or a cluster.
    pub async fn start_as(kind: Kind) -> Self {
        Self(tokio::task::spawn_blocking(move || Servers::start_as(kind)).await.unwrap())
    }

    /// Kills it, and starts an empty one in its place.
    pub async fn replace(&mut self) {
        self.0.kill();
        self.0.forget();
        assert!(self.0.restart(), "its port is still free");
    }

    /// Empties it.
    pub fn flush(&self) {
        self.0.flush();
    }

    pub fn stop(&mut self) {
        self.0.kill();
    }

    /// Kills the master that serves `key`; a replica takes its place.
    pub fn kill_master_of(&mut self, key: &str) {
        self.0.kill_master_of(key);
    }

    pub fn config(&self) -> config::Redis {
        config::Redis { url: self.0.url() }
    }

    /// Says what a gateway would say of itself.
    pub async fn beat(&self, beat: &GatewayBeat) {
        redis::cmd("HSET")
            .arg(GATEWAYS)
            .arg(beat.gateway_id.to_string())
            .arg(serde_json::to_string(beat).unwrap())
            .query_async::<()>(&mut self.link())
            .await
            .unwrap();
    }

    /// A connection as the programs have.
    pub fn link(&self) -> Lasting {
        backend::redis_link::connect(&self.config()).unwrap()
    }
}
