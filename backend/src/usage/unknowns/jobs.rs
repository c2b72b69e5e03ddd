//! What is done about calls of unknown outcome by the clock: those of silent gateways are given up,
//! and a day later each is ended by the policy of its plan.

use super::resolve::{bill, forgive};
use super::store;
use crate::app::App;
use crate::db::Tx as _;
use crate::honesty::beats;
use crate::jobs::{Job, JobError};
use chrono::TimeDelta;
use contract::api::billing::{UnknownPolicy, UnknownState};
use contract::id::RequestId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A gateway that is silent for so long tells nothing more of its calls.
const SILENT: TimeDelta = TimeDelta::minutes(10);
/// How long a settlement or a person's word is waited for.
const WAIT: TimeDelta = TimeDelta::hours(24);
/// Ended in one run at most; the next minute goes on.
const BATCH: i64 = 1_000;

#[derive(Debug, Serialize, Deserialize)]
pub struct SweepUnknowns;

impl Job for SweepUnknowns {
    const KIND: &'static str = "sweep_unknowns";

    async fn run(self, app: &App) -> Result<(), JobError> {
        give_up(app).await?;
        let mut tx = app.system_tx("usage", "find calls unknown for a day").await?;
        let before = tx.now() - WAIT;
        let due = store::due(&mut tx, before, BATCH).await?;
        tx.commit().await?;
        for request in due {
            end(app, request).await?;
        }
        Ok(())
    }
}

async fn give_up(app: &App) -> sqlx::Result<()> {
    let mut tx = app.system_tx("usage", "find calls of silent gateways").await?;
    let before = tx.now() - SILENT;
    let gateways = store::silent_since(&mut tx, before).await?;
    tx.commit().await?;
    if gateways.is_empty() {
        return Ok(());
    }
    // While Redis cannot say who is alive, nobody is given up.
    let Some(beats) = beats(app).await else { return Ok(()) };
    let is_silent = |id: &Uuid| {
        let beat = beats.iter().find(|beat| beat.gateway_id.0 == *id);
        beat.is_none_or(|beat| beat.at <= before)
    };
    let silent: Vec<Uuid> = gateways.into_iter().map(|id| id.0).filter(is_silent).collect();
    let mut tx = app.system_tx("usage", "give up on calls of silent gateways").await?;
    let calls = store::give_up(&mut tx, &silent, before).await?;
    tx.commit().await?;
    if calls > 0 {
        tracing::error!(calls, "calls of silent gateways are of unknown outcome");
    }
    Ok(())
}

async fn end(app: &App, request: RequestId) -> sqlx::Result<()> {
    let mut tx = app.system_tx("usage", "end a call of unknown outcome by its plan").await?;
    let found = store::find_for_update(&mut tx, request).await?;
    let Some(call) = found.filter(|call| call.state == UnknownState::Unknown) else {
        return tx.commit().await;
    };
    let reason = "A day passed without a settlement; so says the plan.";
    match call.policy {
        UnknownPolicy::Forgive => forgive(&mut tx, &call, reason).await?,
        UnknownPolicy::BillReserved => bill(&mut tx, &call, reason).await?,
    }
    tx.commit().await
}
