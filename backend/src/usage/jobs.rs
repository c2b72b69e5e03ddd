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
