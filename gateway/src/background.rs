//! Everything that goes on beside the calls, on a thread of its own: following the configuration,
//! drawing allowances, shipping usage, and saying that this gateway lives.

use crate::admin;
use crate::beat::{Peers, beat};
use crate::clock::Clock;
use crate::former::Former;
use crate::health::Health;
use crate::link::{Link, Purpose};
use crate::pool::{self, Cluster};
use crate::provider::{Keeper, TokenSource, keep_tokens, tls_config};
use crate::recall::{CacheBounds, Librarian, Recall};
use crate::reserve::{Drawer, Reserve};
use crate::settle::{Settle, Shipper, SpoolError};
use crate::snapshot::{Follower, Handle, Snapshot, disk};
use crate::telemetry::Telemetry;
use contract::id::GatewayId;
use contract::seal::MasterKey;
use redis_link::Address;
use route::breaker::BreakerRule;
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// How long the backend is waited for at the end, to take what was recorded.
const TAKEN_WITHIN: Duration = Duration::from_secs(2);
/// How long a word about former gateways may take.
const SAY: Duration = Duration::from_secs(1);
/// How long a call may wait for a draw before its limits count as unreachable.
const DRAW_WITHIN: Duration = Duration::from_millis(500);
/// How long a start waits for the first word from Redis before it serves from disk.
const FIRST_LOAD: Duration = Duration::from_secs(3);

/// What the background needs to know.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    /// Where the configuration comes from and usage goes to: redis://host, or
    /// redis+sentinel://host,host/master, or redis+cluster://host,host; rediss… is with TLS.
    #[arg(
        long,
        env = "REDIS_URL",
        default_value = "redis://127.0.0.1:6379",
        hide_env_values = true
    )]
    pub redis_url: String,
    /// Opens the providers' credentials: 32 bytes in base64.
    #[arg(long, env = "TOLLGATE_MASTER_KEY", hide_env_values = true, value_parser = master_key)]
    pub master_key: MasterKey,
    /// Folder for the last good configuration and the usage spool; one for each gateway.
    #[arg(long, env = "TOLLGATE_GATEWAY_STATE", default_value = "var/gateway")]
    pub state: PathBuf,
    /// Seconds without a word from Redis after which the configuration is no longer trusted.
    #[arg(long, env = "TOLLGATE_SNAPSHOT_AGE_MAX_S", default_value_t = 86_400)]
    pub snapshot_age_max_s: u64,
    /// Bytes of usage that may wait on disk before new work is refused.
    #[arg(long, env = "TOLLGATE_SPOOL_BYTES_MAX", default_value_t = 1 << 30)]
    pub spool_bytes_max: u64,
    /// Milliseconds that a deployment rests that fails again and again, until one call probes it.
    #[arg(long, env = "TOLLGATE_PROBE_EVERY_MS", default_value_t = 5_000)]
    pub probe_every_ms: u64,
    #[command(flatten)]
    pub cache: CacheBounds,
    #[command(flatten)]
    pub cluster: Cluster,
}

fn master_key(text: &str) -> Result<MasterKey, &'static str> {
    MasterKey::from_base64(text).ok_or("a master key is 32 bytes in base64")
}

/// Why the background cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("REDIS_URL is not an address of Redis: {0}")]
    RedisUrl(redis_link::BadAddress),
    #[error(
        "cannot use the state folder {path}: {source}; give TOLLGATE_GATEWAY_STATE a writable folder"
    )]
    State { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("the system gives no randomness: {0}")]
    Entropy(getrandom::Error),
    #[error("the cryptography has no TLS that is safe: {0}")]
    Tls(#[from] rustls::Error),
    #[error("cannot start the background thread: {0}")]
    Thread(io::Error),
}

/// The tools of a running gateway. Cheap to clone; each worker has one.
#[derive(Debug, Clone)]
pub struct Tools {
    pub gateway_id: GatewayId,
    pub clock: Clock,
    pub snapshot: Handle,
    pub reserve: Reserve,
    pub settle: Settle,
    pub telemetry: Arc<Telemetry>,
    /// Looks after the tokens of providers that want one.
    pub tokens: Keeper,
    /// Answers that are kept and calls that are shared.
    pub recall: Recall,
    /// How many gateways share the limits.
    pub peers: Peers,
    draining: Arc<AtomicBool>,
}

impl Tools {
    /// From now on this gateway says that it is not ready.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// The background thread. Stop it after the last call has been settled.
#[derive(Debug)]
pub struct Background {
    stop: oneshot::Sender<Duration>,
    thread: JoinHandle<()>,
}

impl Background {
    /// Gives allowances back, ships what is in the spool and writes the configuration down, as
    /// far as that goes `within` the time; then ends the thread. What is not shipped stays on
    /// disk for the next start. When the backend has all of it, it is told that this gateway is gone.
    pub fn stop(self, within: Duration) {
        self.stop.send(within).unwrap_or_default();
        if self.thread.join().is_err() {
            tracing::error!("the background thread had panicked");
        }
    }
}

/// Opens the state folder, takes the last good configuration from it, and starts the thread.
/// `admin` answers `/livez`, `/readyz` and `/metrics`. `threads` will record usage.
///
/// # Errors
/// [`StartError`] says what to change.
pub fn start(
    settings: Settings,
    clock: Clock,
    threads: usize,
    admin: Option<TcpListener>,
) -> Result<(Tools, Background), StartError> {
    let address: Address = settings.redis_url.parse().map_err(StartError::RedisUrl)?;
    std::fs::create_dir_all(&settings.state)
        .map_err(|source| StartError::State { path: settings.state.clone(), source })?;
    let mut entropy = [0; 10];
    getrandom::fill(&mut entropy).map_err(StartError::Entropy)?;
    let gateway_id = GatewayId::new(clock.now(), &entropy);
    let telemetry = Arc::new(Telemetry::default());
    let settle =
        Settle::open(&settings.state, settings.spool_bytes_max, threads, Arc::clone(&telemetry))?;
    let former = Former::take_over(&settings.state, gateway_id)
        .map_err(|source| StartError::State { path: settings.state.clone(), source })?;
    let (recall, librarian) = Recall::new(settings.cache, &settings.master_key);
    let rule =
        BreakerRule { probe_every_ms: settings.probe_every_ms.max(1), ..BreakerRule::default() };
    let empty = Snapshot::empty(Arc::new(settings.master_key), Health::new(rule));
    let age_max = Duration::from_secs(settings.snapshot_age_max_s);
    let snapshot = first_snapshot(&settings.state, empty, age_max);
    let (reserve, drawer) = Reserve::new(gateway_id, clock.clone(), Arc::clone(&telemetry));
    let (tokens, asked) = Keeper::new();
    let tools = Tools {
        gateway_id,
        clock,
        snapshot,
        reserve,
        settle,
        telemetry,
        tokens,
        recall,
        peers: Peers::default(),
        draining: Arc::default(),
    };
    let (tried, first_load) = std::sync::mpsc::channel();
    let pools = (settings.cluster, Arc::new(tls_config()?));
    let state = settings.state;
    let work = Work { tools: tools.clone(), address, state, former, tried, pools };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::Thread)?;
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("background".into())
        .spawn(move || runtime.block_on(work.run((drawer, librarian), asked, admin, stopped)))
        .map_err(StartError::Thread)?;
    // A copy on disk may be hours old: it serves only when Redis has nothing newer to say.
    first_load.recv_timeout(FIRST_LOAD).unwrap_or_default();
    Ok((tools, Background { stop, thread }))
}

fn first_snapshot(state: &std::path::Path, empty: Snapshot, age_max: Duration) -> Handle {
    match disk::read(state, &empty) {
        Some((snapshot, confirmed_at)) => {
            tracing::info!(version = snapshot.version(), %confirmed_at, "starting with the last good configuration");
            let handle = Handle::new(snapshot, age_max);
            handle.confirm(confirmed_at);
            handle
        }
        None => Handle::new(empty, age_max),
    }
}

struct Work {
    tools: Tools,
    address: Address,
    state: PathBuf,
    former: Former,
    /// Told when the first load has been tried.
    tried: std::sync::mpsc::Sender<()>,
    /// Where replicas are looked for, and how they are asked.
    pools: (Cluster, Arc<rustls::ClientConfig>),
}

impl Work {
    fn link(&self, purpose: Purpose, answer_within: Duration) -> Link {
        let telemetry = Arc::clone(&self.tools.telemetry);
        Link::new(self.address.clone(), purpose, answer_within, telemetry)
    }

    async fn run(
        self,
        (drawer, librarian): (Drawer, Librarian),
        asked: UnboundedReceiver<Arc<TokenSource>>,
        admin: Option<TcpListener>,
        stopped: oneshot::Receiver<Duration>,
    ) {
        let Tools { snapshot, clock, telemetry, settle, .. } = self.tools.clone();
        let changed = Arc::new(Notify::new());
        let follower = Follower {
            handle: snapshot.clone(),
            clock: clock.clone(),
            telemetry: Arc::clone(&telemetry),
            changed: Arc::clone(&changed),
            tried: Some(self.tried.clone()),
        };
        let farewell =
            self.former.clone().say(settle.clone(), clock.clone(), self.link(Purpose::Ship, SAY));
        let mut shipper = Shipper::new(settle, self.tools.gateway_id, telemetry);
        let mut ship_link = self.link(Purpose::Ship, Duration::from_secs(5));

        let mut tasks = JoinSet::new();
        tasks.spawn(follower.run(self.link(Purpose::Follow, Duration::from_secs(10))));
        tasks.spawn(drawer.run(self.link(Purpose::Draw, DRAW_WITHIN)));
        tasks.spawn(librarian.run(self.link(Purpose::Cache, SAY)));
        tasks.spawn(keep_tokens(asked, clock));
        let (cluster, tls) = self.pools.clone();
        tasks.spawn(pool::watch(self.tools.clone(), cluster, tls));
        tasks.spawn(disk::keep(self.state.clone(), snapshot.clone(), changed));
        tasks.spawn(beat(self.tools.clone(), self.link(Purpose::Beat, Duration::from_secs(1))));
        tasks.spawn(farewell);
        if let Some(listener) = admin {
            tasks.spawn(admin::serve(listener, self.tools.clone()));
        }
        let within = tokio::select! {
            within = stopped => within.unwrap_or(Duration::ZERO),
            () = shipper.run(&mut ship_link) => Duration::ZERO,
            ended = tasks.join_next() => {
                // None of them ends by itself. A gateway that goes on without one of them would
                // serve what it should not: better that its supervisor starts it again.
                tracing::error!(?ended, "a background task ended; stopping the gateway");
                std::process::exit(70);
            }
        };
        let finish = async {
            self.tools.reserve.give_back().await;
            shipper.finish(&mut ship_link).await;
            disk::save(self.state.clone(), snapshot, 0).await;
        };
        let began = Instant::now();
        if timeout(within, finish).await.is_err() {
            let left = self.tools.settle.depth().events;
            tracing::warn!(left, "the drain took too long; usage events stay in the spool");
        }
        tasks.shutdown().await;
        // Nothing is drawn from now on.
        let left = within.saturating_sub(began.elapsed()).min(TAKEN_WITHIN);
        if shipper.see_off(&mut ship_link, left).await {
            let said = self.former.leave(&self.tools.clock, &mut ship_link).await;
            said.unwrap_or_else(
                |error| tracing::warn!(%error, "the next process says that this one is gone"),
            );
        } else {
            tracing::info!(
                "the backend has not taken all usage yet; the next process ships the rest"
            );
        }
    }
}
