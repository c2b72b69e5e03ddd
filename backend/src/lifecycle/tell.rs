//! The jobs that tell people of the end of a model that their apps call: each step once an app,
//! also to those whose apps began to call it later.

use super::told::{self, ToTell};
use crate::app::App;
use crate::db::{SystemTx, Tx as _};
use crate::jobs::{self, Job, JobError};
use crate::models;
use crate::notify::{self, mails};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::api::lifecycle::NoticeStep;
use contract::api::models::Model;
use contract::id::{ModelId, OrgId};
use contract::snapshot::Lifecycle;
use serde::{Deserialize, Serialize};

/// How long before its end a model's callers are told once more.
const SOON: TimeDelta = TimeDelta::days(7);
/// How long after its end those hear of it who had called it.
const LATE: TimeDelta = TimeDelta::days(30);
/// Apps of one transaction.
const APPS_MAX: i64 = 200;

/// Tells of every model of which there is something to tell.
#[derive(Debug, Serialize, Deserialize)]
pub struct TellAllOwners;

impl Job for TellAllOwners {
    const KIND: &'static str = "tell_all_owners";

    async fn run(self, app: &App) -> Result<(), JobError> {
        let mut tx = app.system_tx("lifecycle", "find models to tell of").await?;
        for model in told::models_to_tell_of(&mut tx).await? {
            jobs::enqueue(&mut tx, &TellOwners { model }).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// Tells the people of the apps that call a model what becomes of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct TellOwners {
    pub model: ModelId,
}

impl Job for TellOwners {
    const KIND: &'static str = "tell_owners";

    /// Taking apps and queueing what is told to their people happen together or not at all, so a
    /// second run finds only those that are left.
    async fn run(self, app: &App) -> Result<(), JobError> {
        loop {
            let mut tx = app.system_tx("lifecycle", "tell of a model's end").await?;
            let Some(model) = models::store::find(&mut tx, self.model).await? else {
                return Ok(());
            };
            let mut is_done = true;
            for (step, about) in steps(&model, tx.now()) {
                let apps = told::take(&mut tx, self.model, step, about, APPS_MAX).await?;
                is_done &= apps.is_empty();
                tell(app, &mut tx, &model, (step, about), &apps).await?;
            }
            tx.commit().await?;
            if is_done {
                return Ok(());
            }
        }
    }
}

/// What there is to tell of a model now, each with the instant that it is about.
fn steps(model: &Model, now: Timestamp) -> Vec<(NoticeStep, Timestamp)> {
    let mut steps = Vec::new();
    if model.state == Lifecycle::Deprecated {
        match (model.sunset_at, model.deprecated_at) {
            // Who hears of it only now is told of the end alone.
            (Some(at), _) if at <= now + SOON => steps.push((NoticeStep::SunsetSoon, at)),
            (_, Some(at)) => steps.push((NoticeStep::Deprecated, at)),
            (_, None) => {}
        }
        let open = model.brown_outs.iter().filter(|one| one.ends_at > now);
        steps.extend(open.map(|one| (NoticeStep::BrownOut, one.starts_at)));
    }
    if let Some(next) = &model.next {
        steps.push((NoticeStep::CutOver, next.at));
    }
    let retired = model.retired_at.filter(|at| now < *at + LATE);
    steps.extend(retired.map(|at| (NoticeStep::Retired, at)));
    steps
}

async fn tell(
    app: &App,
    tx: &mut SystemTx,
    model: &Model,
    (step, about): (NoticeStep, Timestamp),
    apps: &[ToTell],
) -> sqlx::Result<()> {
    for of_org in apps.chunk_by(|one, other| one.org_id == other.org_id) {
        let Some(org) = of_org.first().map(|one| one.org_id) else { continue };
        tell_org(app, tx, model, (step, about), (org, of_org)).await?;
    }
    Ok(())
}

async fn tell_org(
    app: &App,
    tx: &mut SystemTx,
    model: &Model,
    (step, about): (NoticeStep, Timestamp),
    (org, apps): (OrgId, &[ToTell]),
) -> sqlx::Result<()> {
    let Some((slug, org, addresses)) = told::audience(tx, org).await? else { return Ok(()) };
    let brown_out = model.brown_outs.iter().find(|one| one.starts_at == about);
    let apps: Vec<&str> = apps.iter().map(|one| one.app_name.as_str()).collect();
    let mail = mails::model_notice(&mails::ModelNotice {
        org: &org,
        model: &model.name,
        step,
        about,
        apps: &apps,
        sunset_at: model.sunset_at,
        successor: model.successor.as_deref(),
        leads_to: model.next.as_ref().map(|next| next.to.as_str()),
        brown_out: brown_out.map(|one| (one.percent, one.ends_at)),
        page: &app.config.public.portal_page(&format!("o/{slug}/apps")),
    });
    for address in addresses {
        notify::queue(tx, &address, &mail).await?;
    }
    Ok(())
}
