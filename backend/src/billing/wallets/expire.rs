//! Ends credits whose time is over, and raises floors: gateways are told first, and it is booked
//! once what they hold fits without it, so that no call that runs is cut off.

use super::held;
use super::model::GRACE;
use super::store::{self, Moved};
use crate::app::App;
use crate::billing::posting::{self, About, Posting};
use crate::db::{SystemTx, Tx as _};
use crate::jobs::{Job, JobError};
use crate::outbox;
use chrono::TimeDelta;
use contract::api::billing::{AccountKind, Billing, LedgerKind};
use contract::id::{LedgerTransactionId, OrgId};
use contract::money::Nanos;
use contract::snapshot::Kind;
use serde::{Deserialize, Serialize};

/// How long after gateways were told it may be booked: no call admitted before is unknown by then.
const SETTLED: TimeDelta = TimeDelta::seconds(30);

/// Ends what is over.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExpireCredits;

impl Job for ExpireCredits {
    const KIND: &'static str = "expire_credits";

    async fn run(self, app: &App) -> Result<(), JobError> {
        tell(app).await?;
        let mut tx = app.system_tx("billing", "find credits to book as expired").await?;
        let before = tx.now() - GRACE - SETTLED;
        let orgs = store::waiting(&mut tx, before).await?;
        tx.commit().await?;
        for org in orgs {
            settle(app, org).await?;
        }
        Ok(())
    }
}

/// Takes the credits that are over out of what gateways may spend.
async fn tell(app: &App) -> sqlx::Result<()> {
    let mut tx = app.system_tx("billing", "end credits whose time is over").await?;
    for (_, limit) in store::end_credits(&mut tx).await? {
        outbox::push(&mut tx, Kind::Limit, limit).await?;
    }
    tx.commit().await
}

/// Books what has ended, when what gateways hold fits without it.
async fn settle(app: &App, org: OrgId) -> sqlx::Result<()> {
    let mut tx = app.system_tx("billing", "book credits as expired").await?;
    let Some(wallet) = store::lock(&mut tx, &[org.0]).await?.pop() else {
        return tx.commit().await;
    };
    let max = store::limit_max(&mut tx, org).await?;
    if wallet.billing == Billing::Prepaid {
        // The wallet stays locked meanwhile: the wait for Redis is bounded.
        let fits = held::drawn(app, org, wallet.limit_id).await.is_some_and(|drawn| drawn <= max);
        if !fits {
            tracing::info!(%org, "gateways hold too much to end credits yet");
            return tx.commit().await;
        }
    }
    let mut free = wallet.balance.saturating_sub(wallet.floor_kept());
    let before = tx.now() - GRACE - SETTLED;
    let mut expired = Nanos::ZERO;
    for credit in store::open_credits(&mut tx, org).await? {
        let amount = credit.remaining.min(free);
        if amount <= Nanos::ZERO || credit.ended_at.is_none_or(|ended| ended > before) {
            continue;
        }
        free = free.saturating_sub(amount);
        expired = expired.saturating_add(amount);
        let id = expire(&mut tx, org, amount).await?;
        store::insert_draws(&mut tx, org, &[(id, credit.id, amount)]).await?;
    }
    store::add(&mut tx, org, Moved { expired, ..Moved::default() }).await?;
    if wallet.balance.saturating_sub(expired) >= wallet.floor_kept() {
        store::raise_floor(&mut tx, org, before).await?;
    }
    outbox::push(&mut tx, Kind::Limit, wallet.limit_id).await?;
    tx.commit().await
}

async fn expire(tx: &mut SystemTx, org: OrgId, amount: Nanos) -> sqlx::Result<LedgerTransactionId> {
    let id = tx.new_id(LedgerTransactionId::new);
    let legs = vec![
        (AccountKind::Wallet, amount),
        (AccountKind::Breakage, Nanos(0_i64.saturating_sub(amount.0))),
    ];
    let posting = Posting {
        id,
        org_id: org,
        kind: LedgerKind::Expiry,
        at: tx.now(),
        about: About::Itself,
        corrects: None,
        reason: None,
        legs,
    };
    posting::post(tx, &[posting]).await?;
    Ok(id)
}
