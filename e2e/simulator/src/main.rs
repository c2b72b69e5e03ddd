//! The simulator as a program: one thread, loopback only, no model behind it.

use anyhow::{Context as _, ensure};
use clap::Parser;
use simulator::replica::Speed;
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
    /// Plays a replica of a model server, as `prefill_us=100,decode_us=10000,decode_more_us=1000,
    /// batch_max=8,cache_blocks=4096`: `--replica 127.0.0.1:7201/batch_max=4`, as often as wanted.
    #[arg(long = "replica", value_parser = replica)]
    replicas: Vec<(SocketAddr, Speed)>,
    /// What is logged, to stderr.
    #[arg(long, env = "TOLLGATE_LOG", default_value = "info")]
    log: String,
}

fn replica(text: &str) -> Result<(SocketAddr, Speed), String> {
    let (listen, speed) = text.split_once('/').unwrap_or((text, ""));
    let listen: SocketAddr = listen.parse().map_err(|_| format!("{listen} is no address"))?;
    Ok((listen, Speed::parse(speed)?))
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    log_to_stderr(&args.log)?;
    let replicas = args.replicas.iter().map(|(address, _)| *address);
    for address in [args.listen, args.smtp_listen].into_iter().chain(replicas) {
        ensure!(address.ip().is_loopback(), "{address} is not a loopback address");
    }
    let mut switches = Switches::default();
    switches.apply_text(&args.switches).map_err(anyhow::Error::msg).context("--switches")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let key = args.key.filter(|key| !key.is_empty());
        let smtp_listen = Some(args.smtp_listen);
        let mut played = Vec::new();
        for (listen, speed) in args.replicas {
            let options = Options {
                required_key: key.clone(),
                switches: switches.clone(),
                replica: Some(speed),
                ..Options::at(listen)
            };
            played.push(start_with(options).await.with_context(|| format!("cannot listen on {listen}"))?);
        }
        let options = Options {
            smtp_listen,
            required_key: key,
            switches,
            ..Options::at(args.listen)
        };
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
