//! Housekeeping.

use super::store;
use crate::app::App;
use crate::db::Tx as _;
use crate::jobs::{Job, JobError};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// How long an answer to an `Idempotency-Key` is kept.
const IDEMPOTENCY_LASTS: TimeDelta = TimeDelta::hours(24);
/// How long it stays known that a mail was sent.
const MAIL_LASTS: TimeDelta = TimeDelta::days(30);

/// Deletes sessions, links, stored answers and throttles whose time is over.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForgetExpired;

impl Job for ForgetExpired {
    const KIND: &'static str = "forget_expired";

    async fn run(self, app: &App) -> Result<(), JobError> {
        let mut tx = app.system_tx("housekeeping", "forget what has expired").await?;
        let now = tx.now();
        store::delete_expired(&mut tx, now, now - IDEMPOTENCY_LASTS, now - MAIL_LASTS).await?;
        Ok(tx.commit().await?)
    }
}
