//! The job that writes down what has happened by the clock: names that lead elsewhere, models and
//! versions whose time is over. Gateways did it at the instant.

use super::cut_overs::{Change, carry_out, store as cut_overs};
use super::tell::TellOwners;
use super::{store, versions};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{ApiError, Result};
use crate::jobs::{self, Job, JobError};
use crate::{models, outbox};
use contract::api::models::Model;
use contract::id::ModelId;
use contract::snapshot::{Kind, Lifecycle};
use serde::{Deserialize, Serialize};

/// Does what is due.
#[derive(Debug, Serialize, Deserialize)]
pub struct FollowLifecycles;

impl Job for FollowLifecycles {
    const KIND: &'static str = "follow_lifecycles";

    async fn run(self, app: &App) -> Result<(), JobError> {
        while move_one(app).await.map_err(retry)? {}
        retire(app).await.map_err(retry)
    }
}

fn retry(error: ApiError) -> JobError {
    JobError::retry(anyhow::anyhow!("{error:?}"))
}

/// Does the earliest cut-over that is due. False: none is.
async fn move_one(app: &App) -> Result<bool> {
    let mut tx = app.system_tx("lifecycle", "carry out a cut-over").await?;
    store::lock(&mut tx).await?;
    let names = store::names(&mut tx).await?;
    let Some(row) = cut_overs::due(&mut tx, &names).await?.into_iter().next() else {
        return Ok(false);
    };
    let id = row.shown.id;
    let Some(to) = row.to else {
        // What it was to lead to is gone: gateways know nothing of it either.
        cut_overs::set_cancelled(&mut tx, id).await?;
        tx.commit().await?;
        return Ok(true);
    };
    let change = Change { of: row.of, to, rolls_back: row.shown.rolls_back };
    carry_out(&mut tx, &names, id, &change).await?;
    let names = store::names(&mut tx).await?;
    let after = cut_overs::find(&mut tx, &names, id).await?.ok_or_else(ApiError::not_found)?;
    let entry = Entry::new("carry_out_cut_over", "cut_over", id);
    audit::record(&mut tx, entry.before(&row.shown).after(&after.shown)).await?;
    tx.commit().await?;
    Ok(true)
}

async fn retire(app: &App) -> Result<()> {
    let mut tx = app.system_tx("lifecycle", "retire what has ended").await?;
    for id in store::models_to_retire(&mut tx).await? {
        retire_model(&mut tx, id).await?;
    }
    for id in store::versions_to_retire(&mut tx).await? {
        let before = store::find_version_for_update(&mut tx, id).await?;
        let Some(before) = before.filter(|one| one.state == Lifecycle::Deprecated) else {
            continue;
        };
        let mut after = before.clone();
        (after.state, after.version) = (Lifecycle::Retired, before.version + 1);
        versions::update::write(&mut tx, &before, &after).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn retire_model(tx: &mut SystemTx, id: ModelId) -> Result<()> {
    let before = models::store::find_for_update(tx, id).await?;
    let Some(before) = before.filter(|one| one.state == Lifecycle::Deprecated) else {
        return Ok(());
    };
    let after = Model {
        state: Lifecycle::Retired,
        retired_at: Some(tx.now()),
        version: before.version + 1,
        ..before.clone()
    };
    models::store::update(tx, &after).await?;
    outbox::push(tx, Kind::Model, id).await?;
    jobs::enqueue(tx, &TellOwners { model: id }).await?;
    let entry = Entry::new("retire_model", "model", id).before(&before).after(&after);
    audit::record(tx, entry).await
}
