//! Paying with a wallet, at booking: what calls cost is drawn from credits; what they cannot give is
//! owed, and an alarm.

use super::model::allocate;
use super::store::{self, Locked, Moved};
use crate::billing::posting::{self, About, Posting};
use crate::db::SystemTx;
use crate::outbox;
use contract::Timestamp;
use contract::api::billing::{AccountKind, Billing, LedgerKind};
use contract::id::{CreditId, LedgerTransactionId, LimitId, OrgId};
use contract::money::Nanos;
use contract::snapshot::Kind;
use uuid::Uuid;

/// What a wallet is to pay.
#[derive(Debug, Clone)]
pub struct Due {
    pub id: LedgerTransactionId,
    pub kind: LedgerKind,
    pub at: Timestamp,
    pub about: About,
    pub corrects: Option<LedgerTransactionId>,
    pub reason: Option<String>,
    pub amount: Nanos,
    /// The limits that gateways counted it against.
    pub limits: Vec<LimitId>,
}

/// The wallets of those among `orgs` that pay ahead, locked until the transaction ends.
///
/// # Errors
/// Postgres refused.
pub async fn lock_prepaid(tx: &mut SystemTx, orgs: &[Uuid]) -> sqlx::Result<Vec<Locked>> {
    store::lock_prepaid(tx, orgs).await
}

/// Writes what `dues` cost to the ledger, paid by `wallet` as far as its credits reach.
///
/// # Errors
/// Postgres refused.
pub async fn book(tx: &mut SystemTx, wallet: &Locked, dues: &[Due]) -> sqlx::Result<()> {
    let mut credits = store::open_credits(tx, wallet.org_id).await?;
    let mut draws: Vec<(LedgerTransactionId, CreditId, Nanos)> = Vec::new();
    let mut postings = Vec::with_capacity(dues.len());
    let mut moved = Moved::default();
    for due in dues {
        let part = allocate(&mut credits, wallet.floor, due.at, due.amount);
        let drawn = part.drawn();
        moved.drawn = moved.drawn.saturating_add(drawn);
        moved.overrun = moved.overrun.saturating_add(part.short);
        if !due.limits.contains(&wallet.limit_id) {
            moved.uncounted = moved.uncounted.saturating_add(drawn);
        }
        draws.extend(part.draws.iter().map(|(credit, amount)| (due.id, *credit, *amount)));
        postings.push(Posting {
            id: due.id,
            org_id: wallet.org_id,
            kind: due.kind,
            at: due.at,
            about: due.about,
            corrects: due.corrects,
            reason: due.reason.clone(),
            legs: vec![
                (AccountKind::Wallet, drawn),
                (AccountKind::Receivable, part.short),
                (AccountKind::Revenue, Nanos(0_i64.saturating_sub(due.amount.0))),
            ],
        });
    }
    posting::post(tx, &postings).await?;
    store::insert_draws(tx, wallet.org_id, &draws).await?;
    store::add(tx, wallet.org_id, moved).await?;
    if moved.uncounted > Nanos::ZERO {
        outbox::push(tx, Kind::Limit, wallet.limit_id).await?;
    }
    if moved.overrun > Nanos::ZERO {
        let (org, nanos) = (wallet.org_id, moved.overrun.0);
        tracing::error!(%org, nanos, "calls cost more than the wallet could give; it is owed");
    }
    Ok(())
}

/// Writes one thing an org is to pay, by whatever way it pays.
///
/// # Errors
/// Postgres refused.
pub async fn draw_for(tx: &mut SystemTx, org: OrgId, due: Due) -> sqlx::Result<()> {
    let wallet = store::lock(tx, &[org.0]).await?.pop();
    if let Some(wallet) = wallet.filter(|wallet| wallet.billing == Billing::Prepaid) {
        return book(tx, &wallet, &[due]).await;
    }
    let legs = vec![
        (AccountKind::Receivable, due.amount),
        (AccountKind::Revenue, Nanos(0_i64.saturating_sub(due.amount.0))),
    ];
    let Due { id, kind, at, about, corrects, reason, .. } = due;
    posting::post(tx, &[Posting { id, org_id: org, kind, at, about, corrects, reason, legs }]).await
}
