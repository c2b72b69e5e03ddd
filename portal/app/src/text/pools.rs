//! Pools of replicas: the form, and how the gateways find them.

use contract::snapshot::ReplicaServer;

pub const TITLE: &str = "Replicas";
pub const SUMMARY: &str = "Replicas: several machines that serve the same models";
pub const LEAD: &str = "Gateways call them themselves, each call where it is answered soonest. Of the base address only the scheme and the path count then.";
pub const BY: &str = "Replicas are found";
pub const NO_POOL: &str = "nowhere: it has one address, its own";
pub const BY_LIST: &str = "in a list";
pub const BY_DNS: &str = "by a name (DNS)";
pub const BY_KUBERNETES: &str = "as a service of Kubernetes";

pub const IF_LIST: &str = "In a list";
pub const ADDRESSES: &str = "Addresses";
pub const ADDRESSES_HINT: &str = "host:port, one a line, such as 10.0.0.1:8000.";
pub const IF_DNS: &str = "By a name";
pub const DNS_NAME: &str = "DNS name";
pub const DNS_NAME_HINT: &str =
    "Every address that it has is a replica, such as those of vllm.models.internal.";
pub const DNS_PORT: &str = "Port";
pub const IF_KUBERNETES: &str = "As a service of Kubernetes";
pub const NAMESPACE: &str = "Namespace";
pub const SERVICE: &str = "Service";
pub const SERVICE_PORT: &str = "Port of the service";
pub const SERVICE_PORT_HINT: &str = "Its name, such as http, or its number.";
pub const EVERY: &str = "Look for replicas every (seconds)";
pub const EVERY_HINT: &str = "1 to 3600, for names and services.";

pub const METRICS: &str = "How busy they are";
pub const SERVER: &str = "Model server";
pub const SERVER_HINT: &str = "By it gateways know the names of its metrics.";
pub const METRICS_PATH: &str = "Path of the metrics";
pub const METRICS_PORT: &str = "Port of the metrics";
pub const METRICS_PORT_HINT: &str = "Empty: that of the calls. Triton's is 8002.";
pub const SCRAPE: &str = "Read the metrics every (milliseconds)";
pub const SCRAPE_HINT: &str = "50 to 5000.";
pub const AFFINITY: &str = "Prefer the replica that lately worked on the beginning of the prompt";

pub const ROOM: &str = "When they are full";
pub const CONCURRENCY: &str = "Calls at once on a replica";
pub const CONCURRENCY_HINT: &str = "Empty: no bound, and no call waits in the gateway.";
pub const CALLS_MAX: &str = "Calls that wait at most";
pub const CALLS_MAX_HINT: &str = "In each gateway; 0: none waits, a full pool refuses.";
pub const WAIT: &str = "Longest wait (milliseconds)";
pub const WAIT_HINT: &str = "Up to 120000.";
pub const GPUS: &str = "Graphics processors of a replica";
pub const GPUS_HINT: &str = "Its time times this is what calls cost of them.";
pub const WHOLE_BAD: &str = "Enter a whole number, such as 100.";
pub const PORT_BAD: &str = "Enter a port, 1 to 65535.";

pub const SEE: &str = "See its replicas";
pub const LIVE_LEAD: &str =
    "How the gateways find them. What no gateway tells of is unknown, and so is said.";
pub const NOT_HEARD: &str = "Redis cannot be asked, so nobody knows how they do.";
pub const NO_GATEWAY: &str = "No gateway is alive, so nobody knows how they do.";
pub const NOT_TOLD: &str = "No gateway has told of them yet.";
pub const NO_REPLICAS: &str = "No gateway has found any yet.";
pub const NO_POOL_YET: &str =
    "This provider has one address, its own. Say under Edit provider how its replicas are found.";
pub const WAITING: &str = "Calls that wait";
pub const TELLING: &str = "Gateways that tell";
pub const AS_OF: &str = "As of (UTC)";
pub const NOBODY_KNOWS: &str = "Unknown now";
pub const REFRESH: &str = "Look again";
pub const FAULTS: &str = "Replicas could not be found";

pub const ADDRESS: &str = "Replica";
pub const STATE: &str = "State";
pub const CALLS: &str = "Our calls";
pub const RUNNING: &str = "Running in it";
pub const QUEUED: &str = "Queued in it";
pub const KV: &str = "KV cache";
pub const UNREAD: &str = "unknown";
pub const DRAIN: &str = "Drain";
pub const UNDRAIN: &str = "Let it work again";
pub const ACTION: &str = "Calls";
pub const DRAINED: &str =
    "It gets no new calls, and finishes those it works on. Gateways follow within a second.";
pub const UNDRAINED: &str = "It gets calls again. Gateways follow within a second.";

pub const PRIORITY: &str = "Priority";
pub const PRIORITY_HINT: &str = "0 to 9: where calls wait for a replica, those of 9 go first.";
pub const PRIORITY_BAD: &str = "Enter a whole number from 0 to 9.";

/// A model server, as a choice.
#[must_use]
pub const fn server(server: ReplicaServer) -> &'static str {
    match server {
        ReplicaServer::Vllm => "vLLM",
        ReplicaServer::Sglang => "SGLang",
        ReplicaServer::Tgi => "Text Generation Inference",
        ReplicaServer::Triton => "Triton",
        ReplicaServer::LlamaCpp => "llama.cpp",
    }
}

/// `2 of 3`, gateways that say so, of all that are alive.
#[must_use]
pub fn of_all(some: usize, all: usize) -> String {
    format!("{some} of {all}")
}

/// `Ready: 2 of 3 gateways`.
#[must_use]
pub fn said_by(state: &str, some: usize, all: usize) -> String {
    if some == all { state.to_owned() } else { format!("{state}: {some} of {all} gateways") }
}

/// `62 %, read 80 ms ago`.
#[must_use]
pub fn kv(permille: u16, ago: &str) -> String {
    let (whole, tenth) = (permille / 10, permille % 10);
    let percent = if tenth == 0 { whole.to_string() } else { format!("{whole}.{tenth}") };
    format!("{percent} %, read {ago} ago")
}

/// For people who do not see the row.
#[must_use]
pub fn kv_of(address: &str) -> String {
    format!("KV cache of {address}")
}
