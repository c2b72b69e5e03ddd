//! The command line: serve · migrate · openapi.

use anyhow::Context as _;
use backend::app::App;
use backend::clock::Clock;
use backend::config::{Config, Database};
use backend::db::Db;
use backend::http::{openapi, stack};
use clap::{Parser, Subcommand};
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;

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
    /// Bring the database up to date.
    Migrate(Database),
    /// Print the OpenAPI document.
    Openapi,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    init_log();
    match Cli::parse().command {
        Command::Serve(config) => serve(*config).await,
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
    axum::serve(listener, service).with_graceful_shutdown(asked_to_stop()).await?;
    app.db.close().await;
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
