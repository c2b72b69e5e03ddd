//! A whole gateway in this process, with a Redis and a simulator of its own. Records come in
//! through Redis and usage goes out through it, as in production.

mod redis_server;
mod world;

pub use redis_server::Redis;
pub use world::*;

use contract::channel::{self, Change, Stored};
use contract::snapshot::Record;
use contract::usage::UsageEvent;
use gateway::background::{self, Background, Settings};
use gateway::clock::Clock;
use gateway::own::Control;
use gateway::pool::Cluster;
use gateway::provider::tls_config;
use gateway::recall::CacheBounds;
use gateway::server::Server;
use gateway::worker::{Bounds, Gateway};
use redis::Commands as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a deployment that fails rests.
pub const PROBE_EVERY_MS: u64 = 1_000;

/// Time enough to compare calls on a machine that has much else to do.
pub const CACHE: CacheBounds = CacheBounds { compare_ms: 2_000, ..CacheBounds::USUAL };

/// Polls until `is` holds; panics after ten seconds.
pub async fn wait_for(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is() {
        assert!(Instant::now() < end, "waited ten seconds: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A running gateway with all that it needs.
pub struct Stack {
    pub address: SocketAddr,
    pub sim: simulator::Handle,
    pub world: World,
    pub redis: Redis,
    pub gateway: Arc<Gateway>,
    pub client: reqwest::Client,
    pub drain: CancellationToken,
    server: Option<Server>,
    background: Option<Background>,
    _state: tempfile::TempDir,
}

impl Stack {
    pub async fn start() -> Self {
        Self::with(|_| {}, Bounds::default()).await
    }

    /// A gateway in a changed world.
    pub async fn of(change: impl FnOnce(&mut World)) -> Self {
        Self::with(change, Bounds::default()).await
    }

    pub async fn with(change: impl FnOnce(&mut World), bounds: Bounds) -> Self {
        Self::build(change, bounds, (64 << 20, CACHE), None).await
    }

    /// A gateway that refuses once so much usage waits on disk.
    pub async fn with_spool(bytes_max: u64) -> Self {
        Self::build(|_| {}, Bounds::default(), (bytes_max, CACHE), None).await
    }

    /// A gateway that knows where the control API is.
    pub async fn before(control: Control) -> Self {
        Self::build(|_| {}, Bounds::default(), (64 << 20, CACHE), Some(control)).await
    }

    /// A gateway that keeps so much, in a changed world.
    pub async fn keeping(change: impl FnOnce(&mut World), cache: CacheBounds) -> Self {
        Self::build(change, Bounds::default(), (64 << 20, cache), None).await
    }

    async fn build(
        change: impl FnOnce(&mut World),
        bounds: Bounds,
        (spool_bytes_max, cache): (u64, CacheBounds),
        control: Option<Control>,
    ) -> Self {
        let sim = simulator::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let redis = Redis::start().await;
        let mut world = World::new(sim.base_url());
        change(&mut world);
        publish(&redis, &world.records());
        let state = tempfile::tempdir().unwrap();
        let settings = Settings {
            redis_url: redis.url.clone(),
            master_key: master(),
            state: state.path().to_owned(),
            snapshot_age_max_s: 3_600,
            spool_bytes_max,
            probe_every_ms: PROBE_EVERY_MS,
            cache,
            cluster: Cluster::default(),
        };
        let (tools, background) = background::start(settings, Clock::System, 1, None).unwrap();
        wait_for("the snapshot arrives", || tools.snapshot.load().version() == 1).await;
        let tls = Arc::new(tls_config().unwrap());
        let gateway = Arc::new(Gateway { tools, bounds, pepper: pepper(), tls, control });
        let drain = CancellationToken::new();
        let listen = "127.0.0.1:0".parse().unwrap();
        let server = Server::start(&gateway, listen, 1, drain.clone()).unwrap();
        Self {
            address: server.address,
            sim,
            world,
            redis,
            gateway,
            client: reqwest::Client::new(),
            drain,
            server: Some(server),
            background: Some(background),
            _state: state,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request with the world's key.
    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(self.url(path)).bearer_auth(&self.world.key_text)
    }

    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(self.url(path)).bearer_auth(&self.world.key_text)
    }

    /// Publishes one record more, or another in its place, and waits until the gateway has it.
    pub async fn publish(&self, record: Record) {
        let version = self.gateway.tools.snapshot.load().version() + 1;
        let (kind, id) = (record.kind(), record.id());
        let stored = Stored { version, record: record.clone() };
        let at = Clock::System.now();
        let change = Change { version, kind, id: id.clone(), record: Some(record), at };
        let _: () = redis::pipe()
            .atomic()
            .hset(channel::records(kind), &id, serde_json::to_string(&stored).unwrap())
            .set(channel::VERSION, version)
            .xadd(
                channel::CHANGES,
                format!("{version}-0"),
                &[("c", serde_json::to_string(&change).unwrap())],
            )
            .query(&mut self.redis.connect())
            .unwrap();
        wait_for("the record arrives", || self.gateway.tools.snapshot.load().version() == version)
            .await;
    }

    /// A chat call; `switches` are the simulator's.
    pub async fn chat(&self, switches: &str) -> reqwest::Response {
        self.post("/v1/chat/completions").json(&chat(switches)).send().await.unwrap()
    }

    pub async fn chat_stream(&self, switches: &str) -> reqwest::Response {
        let mut body = chat(switches);
        body["stream"] = true.into();
        self.post("/v1/chat/completions").json(&body).send().await.unwrap()
    }

    /// Makes a chat call and hangs up as soon as the provider has it.
    pub async fn leave_once_called(&self, body: serde_json::Value) {
        let before = self.sim.stats().calls;
        let call = tokio::spawn(self.post("/v1/chat/completions").json(&body).send());
        wait_for("the provider is called", || self.sim.stats().calls > before).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled(), "the call was still running");
    }

    /// The usage events shipped so far, once there are `n`.
    pub async fn events(&self, n: usize) -> Vec<UsageEvent> {
        let mut events = Vec::new();
        wait_for("usage events arrive", || {
            events = self.shipped();
            events.len() >= n
        })
        .await;
        assert_eq!(events.len(), n, "{events:#?}");
        events
    }

    pub async fn event(&self) -> UsageEvent {
        self.events(1).await.remove(0)
    }

    fn shipped(&self) -> Vec<UsageEvent> {
        let stream: redis::streams::StreamRangeReply =
            self.redis.connect().xrange_all(channel::USAGE).unwrap();
        stream
            .ids
            .iter()
            .filter_map(|entry| entry.get::<String>("e"))
            .map(|text| serde_json::from_str(&text).unwrap())
            .collect()
    }

    /// Drains, and waits until the workers have ended.
    pub async fn stop(&mut self) {
        self.drain.cancel();
        if let Some(server) = self.server.take() {
            tokio::task::spawn_blocking(|| server.join()).await.unwrap();
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.drain.cancel();
        if let Some(server) = self.server.take() {
            server.join();
        }
        if let Some(background) = self.background.take() {
            background.stop(Duration::from_millis(200));
        }
    }
}

/// The body of a chat call.
pub fn chat(switches: &str) -> serde_json::Value {
    let said =
        if switches.is_empty() { "Hello".into() } else { format!("Hello [[sim {switches}]]") };
    serde_json::json!({"model": MODEL, "messages": [{"role": "user", "content": said}]})
}

fn publish(redis: &Redis, records: &[Record]) {
    let mut connection = redis.connect();
    for record in records {
        if let Record::Org(org) = record {
            // As the backend does for a new org: its counters are complete.
            let mut script = redis::cmd("EVAL");
            script.arg(channel::MARK_RESTORED).arg(1).arg(channel::restored(org.id));
            script.query::<()>(&mut connection).unwrap();
        }
    }
    for record in records {
        let stored = Stored { version: 1, record: record.clone() };
        let text = serde_json::to_string(&stored).unwrap();
        let _: () = connection.hset(channel::records(record.kind()), record.id(), text).unwrap();
    }
    let _: () = connection.set(channel::VERSION, 1).unwrap();
}

/// The error of an answer: status, code, param.
pub async fn error(response: reqwest::Response) -> (u16, String, Option<String>) {
    let status = response.status().as_u16();
    let id = response.headers()["x-tollgate-request-id"].to_str().unwrap().to_owned();
    let body: serde_json::Value = response.json().await.unwrap();
    let error = &body["error"];
    assert!(error["message"].as_str().is_some_and(|text| text.ends_with('.')), "{body}");
    assert!(error["type"].is_string(), "{body}");
    assert_eq!(error["request_id"], id.as_str());
    let param = error["param"].as_str().map(str::to_owned);
    (status, error["code"].as_str().unwrap().to_owned(), param)
}
