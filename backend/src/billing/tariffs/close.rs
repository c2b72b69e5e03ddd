//! Rates months that are over, and again when calls arrive late: posts what is still missing.

use super::rate::{self, Figures};
use super::store::{self, Posted};
use super::{Month, sums};
use crate::app::App;
use crate::billing::posting::{About, Posting, Rated};
use crate::billing::wallets::{Due, credit, draw_for, store as wallets};
use crate::db::{SystemTx, Tx as _};
use crate::jobs::{Job, JobError};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::api::billing::LedgerKind;
use contract::id::{LedgerTransactionId, OrgId, PlanId};
use contract::money::{Nanos, Usd};
use contract::rating::Tariff;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long after its end a month is rated: by then calls of unknown outcome have mostly ended.
pub const WAIT: TimeDelta = TimeDelta::hours(24);
/// How many months back are looked at that nobody rated: a worker that was away for longer than a year
/// leaves older ones to the call that arrives late.
const MONTHS_BACK: usize = 12;

/// Sums up what tariffs are rated from, and rates the months that are over.
#[derive(Debug, Serialize, Deserialize)]
pub struct RateMonths;

impl Job for RateMonths {
    const KIND: &'static str = "rate_months";

    async fn run(self, app: &App) -> Result<(), JobError> {
        let mut tx = app.system_tx("billing", "find months to rate").await?;
        let months = over(&mut tx).await?;
        let orgs = store::waiting(&mut tx, &months).await?;
        tx.commit().await?;
        let mut failed = None;
        for org in orgs {
            // One org's trouble is not the others'.
            if let Err(error) = settle(app, org, &months).await {
                tracing::error!(%org, %error, "could not rate an org's months");
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// The last month that is over at `now` for long enough.
#[must_use]
pub fn last_over(now: Timestamp) -> Month {
    Month::of(now - WAIT).before()
}

/// The months that are to be rated, newest first.
pub(super) async fn over(tx: &mut SystemTx) -> sqlx::Result<Vec<Month>> {
    let Some(first) = store::first(tx).await? else { return Ok(Vec::new()) };
    let months = std::iter::successors(Some(last_over(tx.now())), |month| Some(month.before()));
    Ok(months.take_while(|month| *month >= first).take(MONTHS_BACK).collect())
}

/// Brings an org's sums up to date and rates what they and the end of months ask for, in one transaction.
async fn settle(app: &App, org: OrgId, months: &[Month]) -> sqlx::Result<()> {
    let mut tx = app.system_tx("billing", "rate an org's months").await?;
    store::alone(&mut tx, org).await?;
    let last = last_over(tx.now());
    let mut due: BTreeSet<(Month, PlanId)> = BTreeSet::new();
    for month in sums::recompute(&mut tx, org).await? {
        if month <= last {
            let uses = sums::uses(&mut tx, org, None, month).await?;
            due.extend(uses.iter().map(|one| (month, one.plan_id)));
        }
    }
    for month in months {
        let open = store::open(&mut tx, Some(org), *month).await?;
        due.extend(open.into_iter().map(|(_, plan)| (*month, plan)));
    }
    for (month, plan) in due {
        close(&mut tx, (org, plan, month)).await?;
    }
    tx.commit().await
}

/// Rates one month and posts what is missing in the ledger. The caller is alone with the org.
async fn close(tx: &mut SystemTx, of: (OrgId, PlanId, Month)) -> sqlx::Result<()> {
    let (org, plan, month) = of;
    let Some(tariff) = store::in_force(tx, month).await?.remove(&plan) else { return Ok(()) };
    let days = store::days(tx, org, &[plan], month).await?.remove(&plan).unwrap_or(0);
    store::insert_month(tx, of, days).await?;
    let figures = figures(tx, of, &tariff).await?;
    for (kind, wanted) in wanted(&figures) {
        let posted = store::posted(tx, of, kind).await?;
        let missing = wanted.saturating_sub(posted.nanos);
        if missing != Nanos::ZERO {
            post(tx, of, kind, posted, missing).await?;
        }
    }
    Ok(())
}

/// What the ledger is to hold for a month.
pub(super) const fn wanted(figures: &Figures) -> [(LedgerKind, Nanos); 2] {
    [(LedgerKind::Tariff, figures.tariff), (LedgerKind::Minimum, figures.missing)]
}

/// What the tariff makes of a rated month.
pub(super) async fn figures(
    tx: &mut SystemTx,
    (org, plan, month): (OrgId, PlanId, Month),
    tariff: &Tariff,
) -> sqlx::Result<Figures> {
    let closed = store::closed(tx, Some(org), Some(month)).await?;
    let days = closed.iter().find(|one| one.plan_id == plan).map_or(0, |one| one.days);
    let uses = sums::uses(tx, org, Some(plan), month).await?;
    Ok(rate::rate(tariff, &uses.iter().collect::<Vec<_>>(), month, days))
}

/// Posts a difference: what is charged is paid as anything an org is to pay, by today's credit; what is given
/// back goes first to what is owed, then to the wallet.
async fn post(
    tx: &mut SystemTx,
    (org_id, plan_id, month): (OrgId, PlanId, Month),
    kind: LedgerKind,
    before: Posted,
    missing: Nanos,
) -> sqlx::Result<()> {
    let id = tx.new_id(LedgerTransactionId::new);
    let revision = before.revision.saturating_add(1);
    let about = About::Month(Rated { plan_id, month, revision });
    let reason = Some(reason(kind, month, before, missing));
    let (at, corrects) = (tx.now(), None);
    if missing > Nanos::ZERO {
        let (amount, limits) = (missing, Vec::new());
        let due = Due { id, kind, at, about, corrects, reason, amount, limits };
        return draw_for(tx, org_id, due).await;
    }
    wallets::lock(tx, &[org_id.0]).await?;
    let owed = store::owed(tx, org_id).await?;
    let posting = Posting { id, org_id, kind, at, about, corrects, reason, legs: Vec::new() };
    credit::give_back(tx, posting, Nanos(0_i64.saturating_sub(missing.0)), owed).await
}

fn reason(kind: LedgerKind, month: Month, before: Posted, missing: Nanos) -> String {
    let what = match kind {
        LedgerKind::Minimum => "What is missing to the plan's minimum",
        _ => "The plan's included quantities and tiers",
    };
    let late = if before.revision > 0 { ", after calls that arrived late" } else { "" };
    let total = Usd(before.nanos.saturating_add(missing));
    format!("{what} of {month}{late}: {total} in all.")
}
