//! The command line: serve · migrate · openapi.

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use backend::app::App;
use backend::clock::Clock;
use backend::config::{Config, Database};
use backend::db::Db;
use backend::http::{openapi, stack};
use backend::{audit, jobs};
use clap::{Parser, Subcommand};
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Parser)]
#[command(name = "tollgate-backend", about = "Tollgate's control API and its workers")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the control API.
    Serve(Box<Config>),
    /// Run the jobs: mail, housekeeping, and whatever else was queued.
    Work(Box<Config>),
    /// Look after an installation.
    Admin {
        #[command(subcommand)]
        command: Admin,
    },
    /// Bring the database up to date.
    Migrate(Database),
    /// Print the OpenAPI document.
    Openapi,
}

#[derive(Debug, Subcommand)]
enum Admin {
    /// Prove that no entry of any audit log was edited or removed.
    VerifyAudit(Box<Config>),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    init_log();
    match Cli::parse().command {
        Command::Serve(config) => serve(*config).await,
        Command::Work(config) => work(*config).await,
        Command::Admin { command: Admin::VerifyAudit(config) } => verify_audit(*config).await,
        Command::Migrate(database) => migrate(&database).await,
        Command::Openapi => {
            Ok(std::io::stdout().lock().write_all(openapi::document()?.as_bytes())?)
        }
    }
}

fn init_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TOLLGATE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.init();
    } else {
        log.json().init();
    }
}

fn open(config: Config) -> anyhow::Result<App> {
    let max = config.database.database_connections_max.get();
    let db = Db::open(&config.database.url, max)
        .context("DATABASE_URL is not an address of Postgres")?;
    Ok(App::new(db, Clock::System, config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let address = config.http.api_listen;
    let app = open(config)?;
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (TOLLGATE_API_LISTEN)"))?;
    tracing::info!(%address, "serving the control API");
    let service = stack::service(&app).into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "nodelay");
        }
    });
    axum::serve(listener, service).with_graceful_shutdown(asked_to_stop()).await?;
    app.db.close().await;
    Ok(())
}

async fn work(config: Config) -> anyhow::Result<()> {
    if config.mail.smtp_url.is_none() {
        tracing::warn!("TOLLGATE_SMTP_URL is not set: mail waits in the queue until it is");
    }
    let app = open(config)?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        asked_to_stop().await;
        stopping.cancel();
    });
    tracing::info!("working");
    jobs::work(&app, &stop).await;
    app.db.close().await;
    Ok(())
}

async fn verify_audit(config: Config) -> anyhow::Result<()> {
    let app = open(config)?;
    let verdicts = audit::verify(&app).await.map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let mut out = std::io::stdout().lock();
    for verdict in &verdicts {
        let whose = verdict.org.map_or_else(|| "platform".to_owned(), |org| org.to_string());
        match verdict.broken_at {
            None => writeln!(out, "{whose}: {} entries, whole", verdict.entries)?,
            Some(seq) => writeln!(out, "{whose}: BROKEN at entry {seq}")?,
        }
    }
    anyhow::ensure!(verdicts.iter().all(|v| v.broken_at.is_none()), "a chain is broken");
    Ok(())
}

async fn migrate(database: &Database) -> anyhow::Result<()> {
    let db = Db::open(&database.url, 1).context("DATABASE_URL is not an address of Postgres")?;
    db.migrate().await.context("migrating")?;
    tracing::info!("the database is up to date");
    Ok(())
}

/// SIGTERM or Ctrl-C.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
        }
        Err(_) => {
            let _ = interrupt.await;
        }
    }
    tracing::info!("stopping");
}
