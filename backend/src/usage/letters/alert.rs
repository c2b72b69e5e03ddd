//! Tells operators of new dead letters: of the first within a minute, of those that follow together, at
//! most once an hour.

use super::store;
use crate::app::App;
use crate::db::Tx as _;
use crate::jobs::{Job, JobError};
use crate::notify::{self, mails};
use serde::{Deserialize, Serialize};

/// Mails every operator while there are letters that none was told of.
#[derive(Debug, Serialize, Deserialize)]
pub struct AlertDeadLetters;

impl Job for AlertDeadLetters {
    const KIND: &'static str = "alert_dead_letters";

    async fn run(self, app: &App) -> Result<(), JobError> {
        let mut tx = app.system_tx("usage", "tell operators of dead letters").await?;
        let (new, open) = store::tell_new(&mut tx).await?;
        let to = store::operators(&mut tx).await?;
        // Without an operator there is nobody to tell: they stay untold until there is.
        if new == 0 || to.is_empty() {
            return Ok(());
        }
        let page = app.config.public.portal_page("admin/dead-letters");
        let mail = mails::dead_letters(new, open, &page);
        for address in to {
            notify::queue(&mut tx, &address, &mail).await.map_err(|error| {
                JobError::retry(anyhow::anyhow!("cannot queue a mail: {error:?}"))
            })?;
        }
        Ok(tx.commit().await?)
    }
}
