//! Pools: replicas of one model server behind one provider, among which a gateway chooses itself.

use serde::{Deserialize, Serialize};

words! {
    /// Whose metrics replicas publish, and under which names.
    pub enum ReplicaServer {
        Vllm = "vllm",
        Sglang = "sglang",
        Tgi = "tgi",
        Triton = "triton",
        LlamaCpp = "llama_cpp",
    }
}

/// How often a replica is asked how busy it is, in milliseconds.
pub const SCRAPE_MS: std::ops::RangeInclusive<u32> = 50..=5_000;
/// Replicas of one pool at most; further ones are not used, and said to be so.
pub const REPLICAS_MAX: usize = 256;
/// The longest that a call waits for a place in a pool, in milliseconds.
pub const POOL_WAIT_MAX_MS: u32 = 120_000;
/// The most calls that wait in one gateway for one pool.
pub const POOL_QUEUE_MAX: u32 = 100_000;
/// How urgent a plan's calls are: 0 waits for all others, 9 goes first.
pub const PRIORITY_MAX: u8 = 9;

/// A provider's replicas. Each serves the provider's dialect under the path of its `base_url`,
/// whose host and port then say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PoolPolicy {
    pub server: ReplicaServer,
    pub found: Discovery,
    /// Where a replica's metrics are, `/metrics`.
    pub metrics_path: String,
    /// The port of the metrics where it is another one than that of the calls: Triton's 8002.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_port: Option<u16>,
    /// Milliseconds between two looks at a replica's metrics: 50 to 5000.
    pub scrape_ms: u32,
    /// Calls that one replica works on at most, for all gateways together as far as its metrics
    /// tell; absent: no bound, and calls never wait in the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency_max: Option<u16>,
    #[serde(default)]
    pub queue: PoolQueue,
    /// Whether calls go where the beginning of their prompt was lately worked on.
    pub affinity: bool,
    /// Graphics processors that one replica occupies; what a call costs of them is its time on the
    /// replica times this.
    pub gpus: u8,
    /// Addresses that get no new calls; what they work on, they finish.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draining: Vec<String>,
}

/// How replicas are found. Addresses are `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Discovery {
    /// They are these.
    List { addresses: Vec<String> },
    /// Every address that a name resolves to, asked for again every so many seconds.
    Dns { name: String, port: u16, every_s: u32 },
    /// The ready endpoints of a service, as the cluster's API server says, which the gateway runs
    /// in; asked for again every so many seconds.
    Kubernetes { namespace: String, service: String, port: String, every_s: u32 },
}

/// Calls that wait in a gateway while every replica is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PoolQueue {
    /// Calls that wait at most in one gateway; 0: none does, a full pool refuses.
    pub calls_max: u32,
    /// Milliseconds that a call waits at most.
    pub wait_ms_max: u32,
}

impl Default for PoolQueue {
    fn default() -> Self {
        Self { calls_max: 1_000, wait_ms_max: 30_000 }
    }
}
