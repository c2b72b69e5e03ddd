//! The loops of a usage worker: read and book; sum up.

use super::stream::{Consumer, Entry, is_group_gone};
use super::{ingest, rollup};
use crate::app::App;
use chrono::TimeDelta;
use redis::RedisError;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Entries of a batch: large, so that what a transaction costs is shared by thousands.
const BATCH: usize = 5_000;
/// Batches that a process books at once: one is in Postgres while the other is read and checked.
/// Each needs a connection to Redis of its own, since a read waits on it.
pub const READERS: usize = 2;
/// How long one read waits for an entry.
pub const BLOCK: Duration = Duration::from_millis(1_000);
/// Pause after something failed.
const PAUSE: Duration = Duration::from_millis(500);
/// The least time between two passes of summing up.
const ROLLUP: Duration = Duration::from_millis(1_000);
/// A pass is followed by a pause of so many times what it took, so that under load summing up
/// leaves the machine to booking.
const ROLLUP_SHARE: u32 = 3;
/// How often a worker looks for what a dead one left.
const CLAIM: TimeDelta = TimeDelta::seconds(5);

#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error("redis: {0}")]
    Redis(#[from] RedisError),
    #[error(transparent)]
    Ingest(#[from] ingest::IngestError),
}

/// Works until `stop`, booking with each of `consumers`. Neither a lost Postgres nor a lost Redis
/// ends it.
pub async fn work(app: &App, consumers: Vec<Consumer>, stop: &CancellationToken) {
    let readers = consumers.into_iter().map(|consumer| read_and_book(app, consumer, stop));
    tokio::join!(futures::future::join_all(readers), sum_up(app, stop));
}

async fn read_and_book(app: &App, mut consumer: Consumer, stop: &CancellationToken) {
    let mut claimed_at = None;
    let mut failing = false;
    let mut next = Vec::new();
    while !stop.is_cancelled() {
        let now = app.clock.now();
        let claim = claimed_at.is_none_or(|at| now - at >= CLAIM);
        if claim {
            claimed_at = Some(now);
        }
        match round(app, &mut consumer, claim, std::mem::take(&mut next)).await {
            Ok(ahead) => {
                next = ahead;
                failing = false;
            }
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

/// One batch: what was read `ahead`, else what others left when `claim`, else what is new. While a
/// full one is booked the next is read, which is what comes back.
async fn round(
    app: &App,
    consumer: &mut Consumer,
    claim: bool,
    ahead: Vec<Entry>,
) -> Result<Vec<Entry>, WorkError> {
    let mut entries = ahead;
    if entries.is_empty() && claim {
        entries = consumer.claim(BATCH).await?;
    }
    if entries.is_empty() {
        let block = u64::try_from(BLOCK.as_millis()).unwrap_or(1_000);
        entries = consumer.read(BATCH, block).await?;
    }
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = consumer.clone();
    let read_ahead =
        async { if entries.len() < BATCH { Ok(Vec::new()) } else { reader.read(BATCH, 0).await } };
    let (booked, next) = tokio::join!(ingest::ingest(app, &entries), read_ahead);
    // Outside the line for the log, which looks at nothing while it is off.
    let booked = booked?;
    tracing::debug!(?booked, "booked usage");
    consumer.finish(&entries).await?;
    Ok(next?)
}

async fn sum_up(app: &App, stop: &CancellationToken) {
    let mut failing = false;
    while !stop.is_cancelled() {
        let began = Instant::now();
        match rollup::refresh(app).await {
            Ok(_) => failing = false,
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "usage is not summed up until this is over");
                }
            }
        }
        pause(stop, ROLLUP.max(began.elapsed() * ROLLUP_SHARE)).await;
    }
}

async fn pause(stop: &CancellationToken, wait: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(wait) => {}
    }
}
