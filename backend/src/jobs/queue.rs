//! All SQL on the queue.

use super::{Job, JobError};
use crate::app::App;
use crate::db::{SystemTx, Tx};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::id::JobId;
use serde_json::Value;

/// A worker that is silent for this long has died, and another takes its job.
const LEASE: TimeDelta = TimeDelta::minutes(5);
/// Runs of a job that fails each time.
pub const ATTEMPTS_MAX: i32 = 12;

/// A job taken from the queue.
#[derive(Debug)]
pub(super) struct Taken {
    pub id: JobId,
    pub kind: String,
    pub payload: Value,
    pub attempts: i32,
}

/// Queues `job`, to run as soon as the transaction commits.
///
/// # Errors
/// Postgres refused.
pub async fn enqueue<J: Job>(tx: &mut impl Tx, job: &J) -> sqlx::Result<()> {
    let payload = serde_json::to_value(job).map_err(|error| sqlx::Error::Encode(error.into()))?;
    insert(tx, J::KIND, &payload).await
}

pub(super) async fn insert(tx: &mut impl Tx, kind: &str, payload: &Value) -> sqlx::Result<()> {
    let (id, now) = (tx.new_id(JobId::new), tx.now());
    sqlx::query!(
        "insert into jobs (id, kind, payload, run_at, created_at) values ($1, $2, $3, $4, $4)",
        id.0,
        kind,
        payload,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes the job that has waited longest, if one is due.
pub(super) async fn take(app: &App) -> sqlx::Result<Option<Taken>> {
    let mut tx = app.system_tx("jobs", "take a job").await?;
    let now = tx.now();
    let taken = sqlx::query_as!(
        Taken,
        r#"update jobs set leased_until = $2, attempts = attempts + 1
           where id = (
             select id from jobs
             where failed_at is null and run_at <= $1
               and (leased_until is null or leased_until <= $1)
             order by run_at, id limit 1 for update skip locked)
           returning id as "id: JobId", kind, payload, attempts"#,
        now,
        now + LEASE,
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(taken)
}

/// Writes down how it went.
pub(super) async fn settle(app: &App, job: &Taken, end: Result<(), JobError>) -> sqlx::Result<()> {
    let mut tx: SystemTx = app.system_tx("jobs", "settle a job").await?;
    let now = tx.now();
    let (error, is_final) = match end {
        Ok(()) => {
            sqlx::query!("delete from jobs where id = $1", job.id.0).execute(tx.conn()).await?;
            return tx.commit().await;
        }
        Err(JobError::Retry(error)) => (error, job.attempts >= ATTEMPTS_MAX),
        Err(JobError::Fail(error)) => (error, true),
    };
    let error = format!("{error:#}");
    tracing::warn!(job = %job.id, kind = job.kind, attempts = job.attempts, is_final, error, "job failed");
    sqlx::query!(
        "update jobs set leased_until = null, last_error = $2, run_at = $3, failed_at = $4
         where id = $1",
        job.id.0,
        error,
        next_run(now, job.attempts),
        is_final.then_some(now),
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// 1, 2, 4 … seconds, at most an hour.
fn next_run(now: Timestamp, attempts: i32) -> Timestamp {
    let exponent = u32::try_from(attempts - 1).unwrap_or(0).min(12);
    now + TimeDelta::seconds((1_i64 << exponent).min(3600))
}

/// Queues the run of `kind` for `slot`, unless somebody has.
pub(super) async fn queue_slot(app: &App, kind: &'static str, slot: i64) -> sqlx::Result<()> {
    let mut tx = app.system_tx("jobs", "queue a scheduled job").await?;
    let claimed = sqlx::query!(
        "insert into job_slots (kind, slot) values ($1, $2)
         on conflict (kind) do update set slot = excluded.slot where job_slots.slot < excluded.slot",
        kind,
        slot,
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    if claimed == 1 {
        insert(&mut tx, kind, &Value::Null).await?;
    }
    tx.commit().await
}
