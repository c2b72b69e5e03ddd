//! The gateway program: reads its configuration, starts the background and the workers, and
//! drains when told to stop.

use anyhow::Context as _;
use base64::Engine as _;
use clap::Parser;
use contract::key::KeyPepper;
use gateway::background::{self, Settings};
use gateway::clock::Clock;
use gateway::own::Control;
use gateway::provider::tls_config;
use gateway::server::Server;
use gateway::worker::{Bounds, Gateway};
use std::io::IsTerminal as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long giving back and shipping may take once the last call is done.
const FAREWELL: Duration = Duration::from_secs(4);

/// The Tollgate gateway: serves model calls.
#[derive(Debug, Parser)]
#[command(name = "tollgate-gateway", version)]
struct Config {
    /// Where calls are taken.
    #[arg(long, env = "TOLLGATE_GATEWAY_LISTEN", default_value = "127.0.0.1:7100")]
    listen: SocketAddr,
    /// Where /livez, /readyz and /metrics are.
    #[arg(long, env = "TOLLGATE_GATEWAY_ADMIN_LISTEN", default_value = "127.0.0.1:7110")]
    admin_listen: SocketAddr,
    /// Worker threads; by default one for each core.
    #[arg(long, env = "TOLLGATE_GATEWAY_WORKERS")]
    workers: Option<usize>,
    /// Under which key secrets are hashed: 32 bytes in base64.
    #[arg(long, env = "TOLLGATE_KEY_PEPPER", hide_env_values = true, value_parser = pepper)]
    key_pepper: KeyPepper,
    /// What is logged, as `info` or `gateway=debug,warn`.
    #[arg(long, env = "TOLLGATE_LOG", default_value = "info")]
    log: String,
    /// Calls at once; more are refused with 503.
    #[arg(long, env = "TOLLGATE_IN_FLIGHT_MAX", default_value_t = 8_192)]
    in_flight_max: usize,
    /// Seconds for all attempts of a call up to its answer, or a stream's first content.
    #[arg(long, env = "TOLLGATE_CALL_TIMEOUT_S", default_value_t = 600)]
    call_timeout_s: u64,
    /// Seconds for one attempt at a whole answer, while another deployment is left to try.
    #[arg(long, env = "TOLLGATE_ANSWER_TIMEOUT_S", default_value_t = 300)]
    answer_timeout_s: u64,
    /// Seconds from sending a streamed call to its first content, for each attempt.
    #[arg(long, env = "TOLLGATE_FIRST_CONTENT_TIMEOUT_S", default_value_t = 120)]
    first_content_timeout_s: u64,
    /// Seconds of silence after which a stream counts as broken.
    #[arg(long, env = "TOLLGATE_STREAM_IDLE_TIMEOUT_S", default_value_t = 120)]
    stream_idle_timeout_s: u64,
    /// Copies of calls, for the shadows of routes, that run at once; more are not made.
    #[arg(long, env = "TOLLGATE_SHADOWS_MAX", default_value_t = 256)]
    shadows_max: usize,
    /// Seconds that calls under way may take once the gateway is told to stop.
    #[arg(long, env = "TOLLGATE_DRAIN_TIMEOUT_S", default_value_t = 25)]
    drain_timeout_s: u64,
    /// Where the control API is: `GET /v1/me/usage` and `GET /v1/requests/{id}` are passed on to it.
    /// Without it there are no such paths here.
    #[arg(long, env = "TOLLGATE_API_URL", value_parser = control)]
    api_url: Option<Control>,
    #[command(flatten)]
    background: Settings,
}

fn pepper(text: &str) -> Result<KeyPepper, &'static str> {
    let wrong = "the pepper is 32 bytes in base64";
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).map_err(|_| wrong)?;
    bytes.try_into().map(KeyPepper::new).map_err(|_| wrong)
}

fn control(text: &str) -> Result<Control, &'static str> {
    let url = text.parse().map_err(|_| "this is not an address")?;
    Control::at(&url)
}

impl Config {
    fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or_else(cores).max(1)
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            in_flight_max: self.in_flight_max.div_ceil(self.workers()),
            shadows_max: self.shadows_max.div_ceil(self.workers()),
            call_timeout: Duration::from_secs(self.call_timeout_s),
            answer_timeout: Duration::from_secs(self.answer_timeout_s),
            first_content_timeout: Duration::from_secs(self.first_content_timeout_s),
            stream_idle_timeout: Duration::from_secs(self.stream_idle_timeout_s),
            drain_timeout: Duration::from_secs(self.drain_timeout_s),
            ..Bounds::default()
        }
    }
}

fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    start_log(&config.log)?;
    let (workers, bounds) = (config.workers(), config.bounds());
    let admin = TcpListener::bind(config.admin_listen).with_context(|| {
        format!("cannot listen on {} (TOLLGATE_GATEWAY_ADMIN_LISTEN)", config.admin_listen)
    })?;
    let (tools, background) =
        background::start(config.background, Clock::System, workers, Some(admin))?;
    let gateway = Arc::new(Gateway {
        tools: tools.clone(),
        bounds,
        pepper: config.key_pepper,
        tls: Arc::new(tls_config()?),
        control: config.api_url,
    });
    let drain = CancellationToken::new();
    let server = Server::start(&gateway, config.listen, workers, drain.clone())?;
    tracing::info!(
        address = %server.address, admin = %config.admin_listen, workers,
        gateway_id = %tools.gateway_id, "serving"
    );
    wait_for_signal()?;
    tracing::info!("draining");
    tools.start_draining();
    drain.cancel();
    server.join();
    background.stop(FAREWELL);
    tracing::info!("drained");
    Ok(())
}

/// JSON lines to stderr, or text where a person looks on.
fn start_log(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).context("TOLLGATE_LOG is not a filter")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.init();
    } else {
        log.json().flatten_event(true).init();
    }
    Ok(())
}

/// Returns at the first SIGTERM or SIGINT; the second ends the process at once.
fn wait_for_signal() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut term, mut int) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    runtime.block_on(async {
        tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
    });
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
        });
        tracing::warn!("told to stop twice: ending at once");
        std::process::exit(130);
    })?;
    Ok(())
}
