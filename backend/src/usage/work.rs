//! The loops of a usage worker: read and book; sum up.

use super::stream::{Consumer, is_group_gone};
use super::{ingest, rollup};
use crate::app::App;
use chrono::TimeDelta;
use redis::RedisError;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Entries of a batch.
const BATCH: usize = 500;
/// How long one read waits for an entry.
pub const BLOCK: Duration = Duration::from_millis(1_000);
/// Pause after something failed.
const PAUSE: Duration = Duration::from_millis(500);
/// How often hours are summed up again; with the time a batch takes, what a figure lags behind.
const ROLLUP: Duration = Duration::from_millis(1_000);
/// How often a worker looks for what a dead one left.
const CLAIM: TimeDelta = TimeDelta::seconds(5);

#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error("redis: {0}")]
    Redis(#[from] RedisError),
    #[error(transparent)]
    Ingest(#[from] ingest::IngestError),
}

/// Works until `stop`. Neither a lost Postgres nor a lost Redis ends it.
pub async fn work(app: &App, consumer: Consumer, stop: &CancellationToken) {
    tokio::join!(read_and_book(app, consumer, stop), sum_up(app, stop));
}

async fn read_and_book(app: &App, mut consumer: Consumer, stop: &CancellationToken) {
    let mut claimed_at = None;
    let mut failing = false;
    while !stop.is_cancelled() {
        let now = app.clock.now();
        let claim = claimed_at.is_none_or(|at| now - at >= CLAIM);
        if claim {
            claimed_at = Some(now);
        }
        match round(app, &mut consumer, claim).await {
            Ok(()) => failing = false,
            Err(WorkError::Redis(error)) if is_group_gone(&error) => {
                if let Err(error) = consumer.ensure_group().await {
                    tracing::warn!(%error, "cannot make the group of usage workers");
                    pause(stop, PAUSE).await;
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "usage waits in the stream until this is over");
                }
                // What was read and not booked is ours to claim again.
                claimed_at = None;
                pause(stop, PAUSE).await;
            }
        }
    }
}

/// One batch: what others left when `claim`, else what is new.
async fn round(app: &App, consumer: &mut Consumer, claim: bool) -> Result<(), WorkError> {
    let mut entries = if claim { consumer.claim(BATCH).await? } else { Vec::new() };
    if entries.is_empty() {
        let block = u64::try_from(BLOCK.as_millis()).unwrap_or(1_000);
        entries = consumer.read(BATCH, block).await?;
    }
    if entries.is_empty() {
        return Ok(());
    }
    let booked = ingest::ingest(app, &entries).await?;
    tracing::debug!(?booked, "booked usage");
    consumer.finish(&entries).await?;
    Ok(())
}

async fn sum_up(app: &App, stop: &CancellationToken) {
    let mut failing = false;
    while !stop.is_cancelled() {
        match rollup::refresh(app).await {
            Ok(_) => failing = false,
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "usage is not summed up until this is over");
                }
            }
        }
        pause(stop, ROLLUP).await;
    }
}

async fn pause(stop: &CancellationToken, wait: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(wait) => {}
    }
}
