//! Puts the lines of hours that are over together, one for each cell, and forgets copies that no
//! gateway can tell of again.

use super::store;
use crate::app::App;
use crate::db::Tx as _;
use crate::jobs::{Job, JobError};
use crate::usage::{floor_hour, shadows};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Hours that are left as they are: most of what is late comes within.
const FRESH: TimeDelta = TimeDelta::hours(2);

#[derive(Debug, Serialize, Deserialize)]
pub struct MergeOutcomes;

impl Job for MergeOutcomes {
    const KIND: &'static str = "merge_route_outcomes";

    async fn run(self, app: &App) -> Result<(), JobError> {
        merge(app).await.map_err(JobError::retry)
    }
}

async fn merge(app: &App) -> sqlx::Result<()> {
    let mut tx = app.system_tx("routes", "put outcomes of hours that are over together").await?;
    let before = floor_hour(tx.now()) - FRESH;
    let lines = store::merge(&mut tx, before).await?;
    shadows::forget(&mut tx).await?;
    tx.commit().await?;
    tracing::debug!(lines, "put outcomes of routes together");
    Ok(())
}
