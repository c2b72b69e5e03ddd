//! A whole gateway in this process, with a Redis and a simulator of its own. Records come in
//! through Redis and usage goes out through it, as in production.

use contract::Timestamp;
use contract::channel::{self, Change, Stored};
use contract::id::{
    AppId, DeploymentId, KeyId, LimitId, ModelId, OrgId, PlanId, PriceId, ProductId, ProviderId,
    SubscriptionId, TeamId,
};
use contract::key::{self, KeyEnv, KeyPepper};
use contract::money::{Nanos, Rates};
use contract::seal::MasterKey;
use contract::snapshot::{
    AppRecord, Auth, DeploymentRecord, Dialect, KeyRecord, KeySecret, Lifecycle, LimitRecord,
    LimitScope, Metric, Modality, ModelRecord, OrgRecord, PlanRecord, PriceRecord, ProductKind,
    ProductRecord, ProviderRecord, ProviderSettings, Record, SubscriptionRecord, SubscriptionState,
    Window,
};
use contract::usage::UsageEvent;
use gateway::background::{self, Background, Settings};
use gateway::clock::Clock;
use gateway::own::Control;
use gateway::provider::tls_config;
use gateway::server::Server;
use gateway::worker::{Bounds, Gateway};
use redis::Commands as _;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

pub const MODEL: &str = "house/chat";
pub const EMBED: &str = "house/embed";
/// What the provider calls [`MODEL`].
pub const UPSTREAM_MODEL: &str = "sim-chat";
pub const CREDENTIAL: &str = "sk-upstream-credential";

/// Rates that make every class tell: nano-dollars per million tokens.
pub fn rates() -> Rates {
    Rates {
        input: Nanos(3_000_000_000),
        output: Nanos(15_000_000_000),
        cached_input: Some(Nanos(300_000_000)),
        reasoning: Some(Nanos(20_000_000_000)),
        ..Rates::default()
    }
}

pub fn pepper() -> KeyPepper {
    KeyPepper::new([7; 32])
}

fn master() -> MasterKey {
    MasterKey::from_base64(&MASTER).unwrap()
}

/// 32 bytes of 9.
static MASTER: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode([9; 32])
});

/// An id that is always the same.
macro_rules! id {
    ($kind:ident, $n:expr) => {
        $kind::new(at(), &[$n; 10])
    };
}

pub fn at() -> Timestamp {
    Timestamp::from_timestamp(1_700_000_000, 0).unwrap()
}

/// A small world: one org with one app, subscribed to a product with a chat and an embedding
/// model, on one simulator.
pub struct World {
    pub org: OrgRecord,
    pub app: AppRecord,
    pub key: KeyRecord,
    /// The key's text.
    pub key_text: String,
    pub subscription: SubscriptionRecord,
    pub plan: PlanRecord,
    pub product: ProductRecord,
    pub models: Vec<ModelRecord>,
    pub prices: Vec<PriceRecord>,
    pub providers: Vec<ProviderRecord>,
    pub deployments: Vec<DeploymentRecord>,
    pub limits: Vec<LimitRecord>,
    pub more: Vec<Record>,
}

impl World {
    pub fn new(base_url: String) -> Self {
        let (org_id, app_id, product_id) = (id!(OrgId, 1), id!(AppId, 1), id!(ProductId, 1));
        let made = key::make(KeyEnv::Live, deterministic(1));
        let models = [(1, MODEL, Modality::Chat), (2, EMBED, Modality::Embedding)];
        let model_id = |n: u8| id!(ModelId, n);
        let upstream = |n: u8| if n == 1 { UPSTREAM_MODEL } else { "sim-embed" };
        Self {
            org: OrgRecord { id: org_id, slug: "acme".into(), suspended: false },
            app: AppRecord { id: app_id, org_id, team_id: id!(TeamId, 1), disabled: false },
            key: KeyRecord {
                id: id!(KeyId, 1),
                org_id,
                app_id,
                env: KeyEnv::Live,
                public_id: made.public_id.clone(),
                secrets: vec![KeySecret { hash: made.hash(&pepper()).unwrap(), expires_at: None }],
                expires_at: None,
                revoked_at: None,
            },
            key_text: made.reveal().to_owned(),
            subscription: SubscriptionRecord {
                id: id!(SubscriptionId, 1),
                org_id,
                app_id,
                product_id,
                plan_id: id!(PlanId, 1),
                state: SubscriptionState::Active,
                expires_at: None,
            },
            plan: PlanRecord {
                id: id!(PlanId, 1),
                product_id,
                slug: "standard".into(),
                output_tokens_max: None,
            },
            product: ProductRecord {
                id: product_id,
                slug: "all".into(),
                kind: ProductKind::Model,
                model_ids: vec![model_id(1), model_id(2)],
            },
            models: models
                .iter()
                .map(|(n, name, modality)| ModelRecord {
                    id: model_id(*n),
                    name: (*name).into(),
                    modality: *modality,
                    state: Lifecycle::Active,
                    context_tokens_max: 128_000,
                    output_tokens_max: if *n == 1 { 4_096 } else { 0 },
                    created_at: at(),
                })
                .collect(),
            prices: models
                .iter()
                .map(|(n, ..)| PriceRecord {
                    id: id!(PriceId, *n),
                    model_id: model_id(*n),
                    plan_id: None,
                    effective_from: at(),
                    rates: rates(),
                })
                .collect(),
            providers: vec![provider(1, base_url)],
            deployments: models.iter().map(|(n, ..)| deployment(*n, *n, 1, upstream(*n))).collect(),
            limits: Vec::new(),
            more: Vec::new(),
        }
    }

    /// Adds a limit on the app.
    pub fn limit(&mut self, metric: Metric, window: Window, max: i64) {
        let n = u8::try_from(self.limits.len() + 1).unwrap();
        let scope = LimitScope::App(self.app.id);
        let org = Some(self.org.id);
        self.limits.push(LimitRecord::new(id!(LimitId, n), org, scope, (metric, window, max)));
    }

    fn records(&self) -> Vec<Record> {
        let mut all = vec![
            Record::Org(self.org.clone()),
            Record::App(self.app.clone()),
            Record::Key(self.key.clone()),
            Record::Subscription(self.subscription.clone()),
            Record::Plan(self.plan.clone()),
            Record::Product(self.product.clone()),
        ];
        all.extend(self.models.iter().cloned().map(Record::Model));
        all.extend(self.prices.iter().cloned().map(Record::Price));
        all.extend(self.providers.iter().cloned().map(Record::Provider));
        all.extend(self.deployments.iter().cloned().map(Record::Deployment));
        all.extend(self.limits.iter().cloned().map(Record::Limit));
        all.extend(self.more.iter().cloned());
        all
    }
}

pub fn provider(n: u8, base_url: String) -> ProviderRecord {
    provider_with(n, base_url, CREDENTIAL)
}

pub fn provider_with(n: u8, base_url: String, credential: &str) -> ProviderRecord {
    let id = id!(ProviderId, n);
    let sealed =
        master().seal(&ProviderRecord::seal_context(id), credential.as_bytes(), &[n; 80]).unwrap();
    ProviderRecord {
        id,
        slug: format!("provider-{n}"),
        base_url,
        dialect: Dialect::Openai,
        also: Vec::new(),
        auth: Auth::Bearer,
        settings: ProviderSettings::default(),
        credential: Some(sealed),
        disabled: false,
    }
}

pub fn deployment(n: u8, model: u8, provider: u8, upstream_model: &str) -> DeploymentRecord {
    DeploymentRecord {
        id: id!(DeploymentId, n),
        model_id: id!(ModelId, model),
        provider_id: id!(ProviderId, provider),
        upstream_model: upstream_model.into(),
        region: String::new(),
        weight: 100,
        disabled: false,
    }
}

/// Bytes for making keys: the same for the same seed.
pub fn deterministic(seed: u8) -> impl FnMut(&mut [u8]) {
    let mut n = seed;
    move |buf| {
        for byte in buf {
            n = n.wrapping_mul(31).wrapping_add(17);
            *byte = n;
        }
    }
}

/// A Redis of this test's own.
pub struct Redis {
    child: Child,
    port: u16,
    pub url: String,
    dir: tempfile::TempDir,
}

impl Redis {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let url = format!("redis://127.0.0.1:{port}");
        let redis = Self { child: serve(port, dir.path()), port, url, dir };
        wait_for("Redis answers", || redis.try_connect().is_some()).await;
        redis
    }

    /// Ends it as a crash would.
    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, empty, on its old port.
    pub async fn restart(&mut self) {
        self.child = serve(self.port, self.dir.path());
        wait_for("Redis answers again", || self.try_connect().is_some()).await;
    }

    fn try_connect(&self) -> Option<redis::Connection> {
        redis::Client::open(self.url.as_str()).ok()?.get_connection().ok()
    }

    pub fn connect(&self) -> redis::Connection {
        self.try_connect().expect("Redis runs")
    }
}

fn serve(port: u16, dir: &std::path::Path) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "no", "--dir"])
        .arg(dir)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

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
        Self::build(change, bounds, 64 << 20, None).await
    }

    /// A gateway that refuses once so much usage waits on disk.
    pub async fn with_spool(bytes_max: u64) -> Self {
        Self::build(|_| {}, Bounds::default(), bytes_max, None).await
    }

    /// A gateway that knows where the control API is.
    pub async fn before(control: Control) -> Self {
        Self::build(|_| {}, Bounds::default(), 64 << 20, Some(control)).await
    }

    async fn build(
        change: impl FnOnce(&mut World),
        bounds: Bounds,
        spool_bytes_max: u64,
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
