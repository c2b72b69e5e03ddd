//! Every Redis key, stream and channel name, as a function; and the message that tells gateways
//! of a change.
//!
//! Keys that one script or transaction touches together share a hash tag (`{…}`), so that they
//! share a slot on Redis Cluster: the snapshot is one tag, each org another.

use crate::Timestamp;
use crate::id::OrgId;
use crate::snapshot::{Kind, Record};
use serde::{Deserialize, Serialize};

/// Stream of [`Change`]s, field `c`. Its entry ids are `<version>-0`, so a reader resumes from the
/// version it has.
pub const CHANGES: &str = "tg:{config}:changes";
/// Entries kept in [`CHANGES`]; a gateway further behind reloads.
pub const CHANGES_MAX: usize = 10_000;
/// The version of the newest change, as a decimal integer. Absent: Redis was emptied, and the
/// backend will publish everything again.
pub const VERSION: &str = "tg:{config}:version";

/// Hash of all live records of a kind: field is the record's id, value is a [`Stored`] in JSON.
#[must_use]
pub fn records(kind: Kind) -> String {
    format!("tg:{{config}}:records:{}", kind.as_str())
}

/// Where a full publication gathers the records of a kind before it takes the place of
/// [`records`] in one step. Only the publisher reads or writes it.
#[must_use]
pub fn records_staging(kind: Kind) -> String {
    format!("tg:{{config}}:staging:{}", kind.as_str())
}

/// Stream of what calls used, read by one consumer group, [`USAGE_GROUP`]. An entry has either a
/// field `e`, JSON of [`crate::usage::UsageEvent`], or a field `i`, JSON of
/// [`crate::usage::Unsettled`]. The backend deletes an entry after its commit.
pub const USAGE: &str = "tg:{usage}:events";
/// The consumer group of the backend's workers on [`USAGE`].
pub const USAGE_GROUP: &str = "ingest";

/// How many batches of usage events a gateway has added to [`USAGE`]; written in the transaction
/// that adds one, so that the gateway sees when Redis has lost some and sends them again.
#[must_use]
pub fn usage_mark(gateway: &str) -> String {
    format!("tg:{{usage}}:mark:{gateway}")
}

/// Counter of what gateways have drawn of one limit in one window: a hash whose field `t` is the
/// total, and each other field what the gateway of that name has of it. `subject` is whose use it
/// counts (for a plan's limit, the subscription), `window` the window's start in epoch seconds.
#[must_use]
pub fn limit_drawn(org: OrgId, limit: &str, subject: &str, window: i64) -> String {
    format!("tg:{{{org}}}:limit:{limit}:{subject}:{window}")
}

/// The counter of a sliding limit: a hash whose fields are `<gateway>:<bucket start>`, in
/// milliseconds, each what that gateway has of that bucket.
#[must_use]
pub fn limit_sliding(org: OrgId, limit: &str, subject: &str) -> String {
    format!("tg:{{{org}}}:limit:{limit}:{subject}:sliding")
}

/// Names the run of the Redis server under which the counters of an org are complete. Without it,
/// or under another run, counts may be missing: limits that are closed without Redis grant
/// nothing until the backend has completed them.
#[must_use]
pub fn restored(org: OrgId) -> String {
    format!("tg:{{{org}}}:restored")
}

/// The script that marks an org as complete: `KEYS` is [`restored`] of it.
pub const MARK_RESTORED: &str = "return redis.call('SET', KEYS[1], \
     string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'))";

/// Since when, and under which run of the server, the counters of an org wait to be completed:
/// `<milliseconds>:<run>`.
#[must_use]
pub fn recount(org: OrgId) -> String {
    format!("tg:{{{org}}}:recount")
}

/// Hash of the gateways that draw for an org: `<milliseconds>:<number>` of the last call of each.
#[must_use]
pub fn limits_drawn_by(org: OrgId) -> String {
    format!("tg:{{{org}}}:gateways")
}

/// What an org's calls were answered with, for calls that ask for the same: a hash, of which each
/// field is a keyed hash of what was asked, and each value is sealed. The embeddings by which calls
/// that mean the same are found are in it, too.
#[must_use]
pub fn cache_answers(org: OrgId) -> String {
    format!("tg:{{{org}}}:cache:answers")
}

/// Until when each of them is kept: a sorted set of the same fields, by milliseconds.
#[must_use]
pub fn cache_ends(org: OrgId) -> String {
    format!("tg:{{{org}}}:cache:ends")
}

/// How many bytes they are.
#[must_use]
pub fn cache_bytes(org: OrgId) -> String {
    format!("tg:{{{org}}}:cache:bytes")
}

/// Set of orgs whose counters gateways found incomplete; the backend completes them.
pub const UNCOUNTED: &str = "tg:{config}:uncounted";

/// Hash of the gateways that may use what they drew: field is a gateway's id, value [`RollEntry`]. Each
/// writes its own anew every second, and uses nothing it has in hand unless it could.
pub const ROLL: &str = "tg:{config}:roll";

/// A field of it that is no gateway: the run of the server under which it was known to lack nobody.
pub const ROLL_WHOLE: &str = "whole";

/// What every gateway is asked for when counters were lost: to say again all that it has of any
/// counter, and then to repeat this word on the [`ROLL`].
pub const ROLL_CALL: &str = "tg:{config}:roll:call";

/// What a gateway writes on the roll, as `<count>:<word>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RollEntry {
    /// Another each time.
    pub count: u64,
    /// The last [`ROLL_CALL`] that it has done all of; empty: none.
    pub answered: String,
}

impl RollEntry {
    /// Reads what was written; `None` where that is no entry.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (count, answered) = text.split_once(':')?;
        Some(Self { count: count.parse().ok()?, answered: answered.to_owned() })
    }
}

impl std::fmt::Display for RollEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.count, self.answered)
    }
}

/// Sorted set of gateways that draw no more, and of whose usage the backend has all; the score is
/// when that was said, in milliseconds. The backend sets what they have of limits to what they used.
pub const GATEWAYS_GONE: &str = "tg:{usage}:gone";

/// Those of them of which that was done, by when.
pub const GATEWAYS_LEFT: &str = "tg:{usage}:left";

/// There for as long as Redis knows a gateway: one that does not find it knows that Redis was
/// emptied. There are several, `0..GATEWAY_HERE`, so that each master of a Cluster has one.
#[must_use]
pub fn gateway_here(gateway: &str, place: usize) -> String {
    format!("tg:here:{gateway}:{place}")
}
/// So many of them.
pub const GATEWAY_HERE: usize = 16;

/// Hash of what gateways say of themselves: field is a gateway's id, value JSON of [`GatewayBeat`].
/// One that fell silent is told by its last word's instant ([`GatewayBeat::is_live`]); whoever
/// beats takes out those long silent.
pub const GATEWAYS: &str = "tg:{gateways}";
/// A gateway that has not been heard of for this long counts as gone.
pub const GATEWAY_GONE_MS: i64 = 10_000;

/// What a gateway says of itself every few seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayBeat {
    pub gateway_id: crate::id::GatewayId,
    pub at: Timestamp,
    /// The snapshot version it serves.
    pub config_version: u64,
    /// Usage events in its spool that Redis does not have yet.
    pub spool_events: u64,
    /// Size of its spool on disk.
    #[serde(default)]
    pub spool_bytes: u64,
    /// Calls that it has told the spool it began, and not yet what they used.
    #[serde(default)]
    pub intents_open: u64,
    /// Calls that hold something of a limit now.
    #[serde(default)]
    pub reservations: u64,
    /// How long the oldest of these has held it.
    #[serde(default)]
    pub oldest_reservation_ms: u64,
    /// The money that calls hold now.
    #[serde(default)]
    pub held_nanos: i64,
    /// How the deployments are that it has lately called, or leaves alone; at most
    /// [`DEPLOYMENTS_TOLD_MAX`], those that are not well first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<DeploymentBeat>,
    /// How it finds the replicas of its pools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<PoolBeat>,
}

/// How one gateway finds the replicas of one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolBeat {
    pub provider_id: crate::id::ProviderId,
    /// Calls that wait in this gateway until a replica has room.
    pub waiting: u32,
    /// Why replicas could not be found at the last try; absent: they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    pub replicas: Vec<ReplicaBeat>,
}

/// How one gateway finds one replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaBeat {
    /// `host:port`.
    pub address: String,
    pub state: ReplicaState,
    /// Calls of this gateway that it works on.
    pub in_flight: u32,
    /// As its metrics say: calls that it works on, and calls that wait in it.
    pub running: u32,
    pub queued: u32,
    /// As its metrics say: how much of its KV cache is in use, in thousandths.
    pub kv_permille: u16,
    /// How long ago its metrics were last read, in milliseconds; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_ms_ago: Option<u64>,
    /// What is wrong with it or with its metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// What a gateway thinks of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ReplicaState {
    /// It gets calls.
    Ready,
    /// It gets calls, though its metrics are not to be had or make no sense: only this gateway's
    /// own count is known.
    Blind,
    /// It gets no new calls, because the operator says so or it is not found any more.
    Draining,
    /// It failed, and gets nothing for now.
    Down,
}

/// Deployments in one beat.
pub const DEPLOYMENTS_TOLD_MAX: usize = 500;

/// How one gateway finds one deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentBeat {
    pub deployment_id: crate::id::DeploymentId,
    pub breaker: BreakerState,
    /// What it gets of its weight, in percent.
    pub share_percent: u8,
    /// Calls that it works on for this gateway.
    pub in_flight: u32,
    /// How long its streams lately took to their first content, at worst; 0: nobody knows.
    #[serde(default)]
    pub first_content_us: u64,
    /// How long its answers lately took, at worst; 0: nobody knows.
    #[serde(default)]
    pub answer_us: u64,
    /// Calls that it answered as it should since the gateway started, and those that it did not.
    #[serde(default)]
    pub answered: u64,
    #[serde(default)]
    pub failed: u64,
    /// How often it was taken out.
    #[serde(default)]
    pub opened: u64,
}

/// Whether a deployment gets calls, by how its last ones ended. The later, the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BreakerState {
    /// It gets its share.
    Closed,
    /// It answers again, and gets more and more of its share.
    Recovering,
    /// One call is there to see whether it is well again.
    Probing,
    /// It failed, and gets nothing for now.
    Open,
}

impl GatewayBeat {
    /// Whether its gateway counts as alive at `now`. A clock that is ahead makes no difference.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.silent_ms(now) <= GATEWAY_GONE_MS
    }

    /// For how long nothing has been heard of it.
    #[must_use]
    pub fn silent_ms(&self, now: Timestamp) -> i64 {
        now.signed_duration_since(self.at).num_milliseconds().max(0)
    }
}

/// A record with the version that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub version: u64,
    pub record: Record,
}

/// One change of the snapshot. Versions are consecutive: a reader that misses one reloads. A
/// reader ignores a change that is not newer than the record it holds, so a late message can
/// never bring a revoked key back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub version: u64,
    pub kind: Kind,
    /// The record's id, in text form.
    pub id: String,
    /// Absent: the record is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    /// When the backend published it; readers measure convergence with it.
    pub at: Timestamp,
}
