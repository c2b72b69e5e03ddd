//! The command line: serve · work · publish · migrate · openapi · admin.

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use backend::admin;
use backend::app::App;
use backend::clock::Clock;
use backend::config::{Config, Database};
use backend::db::Db;
use backend::http::{openapi, stack};
use backend::limits::recount::{self, Recount};
use backend::publish::{self, Publisher, Target};
use backend::{entropy, honesty, jobs, redis_link, usage};
use clap::{Parser, Subcommand};
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
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
    /// Run the jobs (mail, housekeeping, whatever else was queued), take in usage and sum it up.
    Work(Box<Config>),
    /// Bring every change of the configuration to Redis, for the gateways.
    Publish(Box<Config>),
    /// Look after an installation.
    Admin {
        #[command(flatten)]
        config: Box<Config>,
        #[command(subcommand)]
        command: admin::Command,
    },
    /// Bring the database up to date.
    Migrate(Database),
    /// Print the OpenAPI document.
    Openapi,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    init_log();
    match Cli::parse().command {
        Command::Serve(config) => serve(*config).await?,
        Command::Work(config) => work(*config).await?,
        Command::Publish(config) => publish(*config).await?,
        Command::Admin { config, command } => {
            let app = open(*config)?;
            let is_well = admin::run(&app, command, &mut std::io::stdout()).await?;
            app.db.close().await;
            return Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Migrate(database) => migrate(&database).await?,
        Command::Openapi => {
            std::io::stdout().lock().write_all(openapi::document()?.as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
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
    let consumers = (0..usage::READERS)
        .map(|_| {
            let redis = redis_link::connect_blocking(&app.config.redis, usage::BLOCK)?;
            // A name of its own for each; what a dead one was at is claimed by the living.
            Ok(usage::Consumer::new(redis, data_encoding::HEXLOWER.encode(&entropy::bytes::<8>())))
        })
        .collect::<anyhow::Result<Vec<_>>>()
        .context("REDIS_URL is not an address of Redis")?;
    let stop = stopping();
    let metrics = metrics(&app, stop.clone()).await?;
    tracing::info!("working");
    tokio::join!(jobs::work(&app, &stop), usage::work(&app, consumers, &stop), metrics);
    app.db.close().await;
    Ok(())
}

/// Serves the worker's metrics until `stop`, where they are asked for.
async fn metrics(app: &App, stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let listener = match app.config.http.metrics_listen {
        Some(address) => {
            let listener = tokio::net::TcpListener::bind(address)
                .await
                .with_context(|| format!("cannot listen on {address} (TOLLGATE_METRICS_LISTEN)"))?;
            Some(listener)
        }
        None => None,
    };
    let router = honesty::metrics::router(app.clone());
    Ok(async move {
        let Some(listener) = listener else { return };
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "metrics are not served any more");
        }
    })
}

async fn publish(config: Config) -> anyhow::Result<()> {
    let app = open(config)?;
    let redis =
        redis_link::connect(&app.config.redis).context("REDIS_URL is not an address of Redis")?;
    let publisher = Publisher::new(app.clone(), Target::new(redis.clone()));
    let counters = Recount::new(app.clone(), redis);
    let stop = stopping();
    tracing::info!("publishing");
    tokio::join!(publish::run(app.clone(), publisher, stop.clone()), recount::run(counters, stop));
    app.db.close().await;
    Ok(())
}

/// Cancelled when the program is asked to stop.
fn stopping() -> CancellationToken {
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        asked_to_stop().await;
        asked.cancel();
    });
    stop
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
