//! The simulator as a program: one thread, loopback only, no model behind it.

use anyhow::{Context as _, ensure};
use clap::Parser;
use simulator::{Options, Switches, start_with};
use std::net::SocketAddr;

/// Stands in for a model provider: OpenAI's dialect, fault switches, its own count of tokens.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Where it listens; loopback only.
    #[arg(long, env = "TOLLGATE_SIMULATOR_LISTEN", default_value = "127.0.0.1:7103")]
    listen: SocketAddr,
    /// Where its mailbox takes mail; loopback only.
    #[arg(long, env = "TOLLGATE_SIMULATOR_SMTP_LISTEN", default_value = "127.0.0.1:7104")]
    smtp_listen: SocketAddr,
    /// Refuse model calls that do not carry this key as a bearer token.
    #[arg(long, env = "TOLLGATE_SIMULATOR_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Switches in force from the start, like `latency_ms=20 chunks=8`.
    #[arg(long, env = "TOLLGATE_SIMULATOR_SWITCHES", default_value = "")]
    switches: String,
    /// What is logged, to stderr.
    #[arg(long, env = "TOLLGATE_LOG", default_value = "info")]
    log: String,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    log_to_stderr(&args.log)?;
    for address in [args.listen, args.smtp_listen] {
        ensure!(address.ip().is_loopback(), "{address} is not a loopback address");
    }
    let mut switches = Switches::default();
    switches.apply_text(&args.switches).map_err(anyhow::Error::msg).context("--switches")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let key = args.key.filter(|key| !key.is_empty());
        let smtp_listen = Some(args.smtp_listen);
        let options = Options { listen: args.listen, smtp_listen, required_key: key, switches };
        let handle = start_with(options).await.with_context(|| {
            format!("cannot listen on {} and {}", args.listen, args.smtp_listen)
        })?;
        tracing::info!(address = %handle.addr, smtp = %args.smtp_listen, "simulator listens; no model runs here");
        stop_signal().await?;
        tracing::info!("simulator stops");
        anyhow::Ok(())
    })
}

fn log_to_stderr(filter: &str) -> anyhow::Result<()> {
    use std::io::IsTerminal as _;
    let filter = tracing_subscriber::EnvFilter::try_new(filter).context("--log")?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        subscriber.init()
    } else {
        subscriber.json().init()
    }
    Ok(())
}

async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        done = tokio::signal::ctrl_c() => done?,
    }
    Ok(())
}
