//! What usage needs done by the clock.

use super::{book, rollup};
use crate::app::App;
use crate::db::Tx as _;
use crate::jobs::{Job, JobError};
use chrono::Months;
use serde::{Deserialize, Serialize};

/// Makes the partitions of this month and the next two, so that booking never waits for one, and
/// drops the minutes of days gone by.
#[derive(Debug, Serialize, Deserialize)]
pub struct PrepareMonths;

impl Job for PrepareMonths {
    const KIND: &'static str = "prepare_usage_months";

    async fn run(self, app: &App) -> Result<(), JobError> {
        prepare(app).await.map_err(JobError::retry)
    }
}

async fn prepare(app: &App) -> sqlx::Result<()> {
    let mut tx = app.system_tx("usage", "make the partitions of the coming months").await?;
    for months in 0..=2 {
        let at = tx.now().checked_add_months(Months::new(months)).unwrap_or(tx.now());
        book::ensure_partition(&mut tx, &at.to_rfc3339()).await?;
    }
    let first = rollup::minutes_since(tx.now());
    sqlx::query!("select usage_minutes_drop($1)", first).fetch_one(tx.conn()).await?;
    tx.commit().await
}

/// Drops the months of events that are no longer kept, their sums sealed.
#[derive(Debug, Serialize, Deserialize)]
pub struct RetireMonths;

impl Job for RetireMonths {
    const KIND: &'static str = "retire_usage_months";

    async fn run(self, app: &App) -> Result<(), JobError> {
        while retire_oldest(app).await.map_err(JobError::retry)? {}
        Ok(())
    }
}

/// The oldest month that is no longer kept, in a transaction of its own. False: there is none.
async fn retire_oldest(app: &App) -> sqlx::Result<bool> {
    let mut tx = app.system_tx("usage", "drop a month that is no longer kept").await?;
    let kept = Months::new(app.config.usage.kept_months);
    let now = tx.now();
    let before = now.checked_sub_months(kept).unwrap_or_default();
    // A month's events are read whole once more, which takes longer than any request may.
    sqlx::query!("select set_config('statement_timeout', '200s', true)")
        .fetch_one(tx.conn())
        .await?;
    let month = sqlx::query_scalar!("select usage_month_retire($1, $2)", before, now)
        .fetch_one(tx.conn())
        .await?;
    tx.commit().await?;
    if let Some(month) = month {
        tracing::info!(%month, "dropped the events of a month; their sums are sealed");
    }
    Ok(month.is_some())
}
