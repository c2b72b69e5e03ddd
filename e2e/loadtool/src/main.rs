//! Load for the bench and the fault tests, and a seed that needs no Postgres. Loopback only; each
//! command prints one line of JSON.

mod figures;
mod limits;
mod load;
mod seed;
mod servers;
mod wire;

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};
use std::io::Write as _;

#[derive(Debug, Parser)]
#[command(version, about = "Load for a gateway on this machine")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plain calls, each connection sending its next as soon as it has an answer.
    Calls(load::Calls),
    /// Plain calls at a constant rate; latency counts from when a call was due.
    Rate(load::Rate),
    /// Whole streams, each connection starting its next as soon as one has ended.
    Streams(load::Calls),
    /// Opens streams, says so, and holds them until standard input ends.
    Hold(load::Hold),
    /// Publishes one org with all it needs to call a model, straight into Redis.
    Seed(seed::Seed),
    /// Many clients through several gateways against one hard limit of each kind: whether any is
    /// passed, and how much of it can be used. Ends with 1 when one is, or too little can.
    Limits(limits::Limits),
    /// Starts a Redis, says its address, and keeps it until standard input ends.
    Redis(servers::Redis),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            Command::Calls(calls) => say(&load::closed(&calls, false).await?),
            Command::Streams(calls) => say(&load::closed(&calls, true).await?),
            Command::Rate(rate) => say(&load::rate(&rate).await?),
            Command::Hold(hold) => load::hold(&hold).await,
            Command::Seed(seed) => say(&seed::run(&seed).await?),
            Command::Limits(limits) => limits.run().await,
            Command::Redis(redis) => redis.run(),
        }
    })
}

/// One line of JSON on standard output.
fn say(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let line = serde_json::to_string(value)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush().context("standard output")
}

/// The address of `http://127.0.0.1:PORT/path`, and its host and path.
fn target(url: &str) -> anyhow::Result<(std::net::SocketAddr, &str, &str)> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url}: expected http://"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address: std::net::SocketAddr =
        host.parse().with_context(|| format!("{url}: expected an address and a port"))?;
    ensure!(address.ip().is_loopback(), "{url}: only this machine's own addresses");
    Ok((address, host, path))
}
