//! Operator: who runs models, under `/v1/admin/providers`.

use super::shape;
use crate::channel::ReplicaState;
use crate::id::{GatewayId, ProviderId};
use crate::snapshot::{Auth, Dialect, PoolPolicy, ProviderSettings};
use chrono::{DateTime, Utc};

shape! {
    /// A provider. Its credential is written and never read back.
    pub struct Provider {
        pub id: ProviderId,
        pub slug: String,
        pub name: String,
        pub base_url: String,
        /// What it is spoken to in, unless `also` has the caller's own dialect.
        pub dialect: Dialect,
        /// Other dialects that it serves under the same address.
        #[serde(default)]
        pub also: Vec<Dialect>,
        pub auth: Auth,
        #[serde(default)]
        pub settings: ProviderSettings,
        /// Its replicas, where it is a pool of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pool: Option<PoolPolicy>,
        pub has_credential: bool,
        pub disabled: bool,
        pub deployment_count: u32,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    pub struct CreateProvider {
        pub slug: String,
        pub name: String,
        /// `http` or `https`, without a query; the operation's path is appended.
        pub base_url: String,
        pub dialect: Dialect,
        #[serde(default)]
        pub also: Vec<Dialect>,
        pub auth: Auth,
        #[serde(default)]
        pub settings: ProviderSettings,
        /// Its replicas, where it is a pool of them.
        #[serde(default)]
        pub pool: Option<PoolPolicy>,
        /// Sealed at once; needed unless `auth` is `none`.
        #[serde(default)]
        pub credential: Option<String>,
    }

    pub struct UpdateProvider {
        pub name: String,
        pub base_url: String,
        #[serde(default)]
        pub also: Vec<Dialect>,
        pub auth: Auth,
        #[serde(default)]
        pub settings: ProviderSettings,
        /// As a whole; null: it is no pool.
        #[serde(default)]
        pub pool: Option<PoolPolicy>,
        /// Absent: the stored credential stays.
        #[serde(default)]
        pub credential: Option<String>,
        #[serde(default)]
        pub disabled: bool,
    }

    /// `POST /v1/admin/providers/{provider}/test`.
    pub struct ProviderTest {
        pub ok: bool,
        pub duration_ms: u32,
        /// What happened, for a person.
        pub detail: String,
        /// What the provider offers, where it says.
        pub upstream_models: Vec<String>,
    }

    /// `POST /v1/admin/providers/{provider}/drain`.
    pub struct DrainReplica {
        /// `host:port`, as the replicas are told of.
        pub address: String,
        /// True: it gets no new calls, and finishes what it works on. False: it gets calls again.
        pub draining: bool,
    }

    /// `GET /v1/admin/providers/{provider}/replicas`: how the gateways find the replicas of a pool.
    pub struct PoolHealth {
        pub at: DateTime<Utc>,
        pub provider_id: ProviderId,
        /// How many gateways are alive. Absent while Redis cannot be asked.
        pub gateways: Option<u32>,
        /// How many of them tell of this pool.
        pub gateways_telling: u32,
        /// Calls that wait in them until a replica has room; absent: nobody tells.
        pub waiting: Option<u64>,
        /// Why gateways could not find replicas at their last try, each once.
        pub faults: Vec<String>,
        /// Those that the policy lists, in its order, then those that only gateways tell of.
        pub replicas: Vec<ReplicaHealth>,
    }

    pub struct ReplicaHealth {
        /// `host:port`.
        pub address: String,
        /// Whether an operator drains it.
        pub draining: bool,
        /// Calls of all gateways that it works on; absent: no gateway tells of it.
        pub in_flight: Option<u64>,
        /// As its metrics say, as they were last read by any gateway; absent: none has read them.
        pub metrics: Option<ReplicaMetrics>,
        /// What each gateway that is alive says.
        pub seen: Vec<ReplicaSeen>,
    }

    pub struct ReplicaMetrics {
        /// Calls that it works on, whoever made them.
        pub running: u32,
        /// Calls that wait in it.
        pub queued: u32,
        /// How much of its KV cache is in use, in thousandths.
        pub kv_permille: u16,
        /// How long ago that was.
        pub read_ms_ago: u64,
    }

    pub struct ReplicaSeen {
        pub gateway_id: GatewayId,
        /// Absent: this gateway does not tell of it, and nobody knows.
        pub state: Option<ReplicaState>,
        /// What is wrong with it or with its metrics.
        pub fault: Option<String>,
    }
}
