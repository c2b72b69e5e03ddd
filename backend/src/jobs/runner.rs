//! Takes jobs and runs them.

use super::{JobError, queue, registry, schedule};
use crate::app::App;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use futures::FutureExt as _;

/// How long an idle worker waits before it looks again.
const POLL: Duration = Duration::from_millis(500);
const SCHEDULE_POLL: Duration = Duration::from_secs(20);
/// A job that takes longer than this is stuck. Shorter than its lease.
const JOB_TIMEOUT: Duration = Duration::from_secs(240);

/// Runs jobs until asked to stop; finishes the one in hand first.
pub async fn work(app: &App, stop: &CancellationToken) {
    tokio::join!(run_forever(app, stop), run_forever(app, stop), follow_schedule(app, stop));
}

async fn run_forever(app: &App, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match run_one(app).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the job queue is not reachable"),
        }
        pause(stop, POLL).await;
    }
}

async fn follow_schedule(app: &App, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = schedule::queue_due(app).await {
            tracing::warn!(%error, "the schedule is not reachable");
        }
        pause(stop, SCHEDULE_POLL).await;
    }
}

async fn pause(stop: &CancellationToken, time: Duration) {
    let _ = tokio::time::timeout(time, stop.cancelled()).await;
}

/// Runs everything that is due now, in order: for tests and commands.
///
/// # Errors
/// Postgres is not reachable.
pub async fn run_due(app: &App) -> sqlx::Result<()> {
    schedule::queue_due(app).await?;
    while run_one(app).await? {}
    Ok(())
}

/// Runs one job. False: none was due.
async fn run_one(app: &App) -> sqlx::Result<bool> {
    let Some(mut job) = queue::take(app).await? else { return Ok(false) };
    let payload = job.payload.take();
    let end = match registry::JOBS.iter().find(|(kind, _)| *kind == job.kind) {
        None => Err(JobError::fail(anyhow::anyhow!("no such kind of job"))),
        Some((_, run)) => {
            let running = AssertUnwindSafe(run(app.clone(), payload)).catch_unwind();
            match tokio::time::timeout(JOB_TIMEOUT, running).await {
                Ok(Ok(end)) => end,
                Ok(Err(_)) => Err(JobError::fail(anyhow::anyhow!("it panicked"))),
                Err(_) => Err(JobError::retry(anyhow::anyhow!("it took too long"))),
            }
        }
    };
    queue::settle(app, &job, end).await?;
    Ok(true)
}
