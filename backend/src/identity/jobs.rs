//! Housekeeping.

use super::store;
use crate::app::App;
use crate::db::Tx as _;
use crate::http::post;
use crate::jobs::{Job, JobError};
use crate::{notify, webhooks};
use serde::{Deserialize, Serialize};

/// Deletes sessions, links, throttles, stored answers, sent mails and messages whose time is over.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForgetExpired;

impl Job for ForgetExpired {
    const KIND: &'static str = "forget_expired";

    async fn run(self, app: &App) -> Result<(), JobError> {
        let mut tx = app.system_tx("housekeeping", "forget what has expired").await?;
        store::delete_expired(&mut tx).await?;
        post::delete_expired(&mut tx).await?;
        notify::delete_expired(&mut tx).await?;
        webhooks::delete_expired(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}
