//! Writing the ledger. A debit is positive, a credit negative.
//!
//! A transaction and its entries are written in one statement: the database proves each statement.

use super::posting::{About, Billed};
use super::wallets::{self, Due};
use crate::db::{SystemTx, Tx as _};
use contract::api::billing::LedgerKind;
use contract::id::LedgerTransactionId;
use contract::money::Nanos;
use contract::usage::UsageEvent;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// The accounts that a call moves money between.
#[derive(Debug, Clone, Copy, Default)]
struct Accounts {
    receivable: Uuid,
    revenue: Uuid,
}

/// Bills calls: each that costs something makes one transaction, the org's wallet or receivable
/// against revenue. The caller has made sure that none was billed before; one that was fails the whole
/// transaction.
///
/// # Errors
/// Postgres refused; a request id that was billed already violates
/// `ledger_transactions_request_id_key`.
pub async fn book_usage(tx: &mut SystemTx, events: &[&UsageEvent]) -> sqlx::Result<()> {
    let mut priced: Vec<&UsageEvent> =
        events.iter().copied().filter(|event| event.cost_nanos > Nanos::ZERO).collect();
    let orgs: BTreeSet<Uuid> = priced.iter().map(|event| event.org_id.0).collect();
    for wallet in wallets::lock_prepaid(tx, &orgs.into_iter().collect::<Vec<_>>()).await? {
        let own = priced.extract_if(.., |event| event.org_id == wallet.org_id);
        let dues: Vec<Due> = own.map(|event| due(tx, event)).collect();
        wallets::book(tx, &wallet, &dues).await?;
    }
    if priced.is_empty() {
        return Ok(());
    }
    let accounts = accounts(tx, &priced).await?;
    let of = |event: &UsageEvent| accounts.get(&event.org_id.0).copied().unwrap_or_default();
    let ids: Vec<Uuid> = priced.iter().map(|_| tx.new_id(LedgerTransactionId::new).0).collect();
    let column = |value: fn(&UsageEvent) -> Uuid| -> Vec<Uuid> {
        priced.iter().map(|event| value(event)).collect()
    };
    let now = tx.now();
    sqlx::query!(
        "with charge as materialized (
           select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[],
               $6::timestamptz[], $7::bigint[], $8::uuid[], $9::uuid[])
             as charge (id, org_id, request_id, price_id, plan_id, at, nanos, receivable, revenue)),
         transactions as (
           insert into ledger_transactions
             (id, org_id, kind, request_id, price_id, plan_id, at, created_at)
           select id, org_id, 'usage', request_id, price_id, plan_id, at, $10 from charge)
         insert into ledger_entries (transaction_id, position, org_id, account_id, amount_nanos)
         select charge.id, side.position, charge.org_id, side.account_id, side.amount_nanos
         from charge cross join lateral (values
             (1::smallint, charge.receivable, charge.nanos),
             (2::smallint, charge.revenue, -charge.nanos))
           as side (position, account_id, amount_nanos)",
        &ids,
        &column(|event| event.org_id.0),
        &column(|event| event.request_id.0),
        &column(|event| event.price_id.0),
        &column(|event| event.plan_id.0),
        &priced.iter().map(|event| event.at).collect::<Vec<_>>(),
        &priced.iter().map(|event| event.cost_nanos.0).collect::<Vec<_>>(),
        &priced.iter().map(|event| of(event).receivable).collect::<Vec<_>>(),
        &priced.iter().map(|event| of(event).revenue).collect::<Vec<_>>(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a call of an org that pays ahead is to pay.
fn due(tx: &SystemTx, event: &UsageEvent) -> Due {
    Due {
        id: tx.new_id(LedgerTransactionId::new),
        kind: LedgerKind::Usage,
        at: event.at,
        about: About::Call(Billed {
            request_id: event.request_id,
            price_id: event.price_id,
            plan_id: event.plan_id,
        }),
        corrects: None,
        reason: None,
        amount: event.cost_nanos,
        limits: event.limits.iter().map(|limit| limit.limit_id).collect(),
    }
}

/// The accounts of the events' orgs, opened where they are missing.
async fn accounts(
    tx: &mut SystemTx,
    events: &[&UsageEvent],
) -> sqlx::Result<HashMap<Uuid, Accounts>> {
    let orgs: BTreeSet<Uuid> = events.iter().map(|event| event.org_id.0).collect();
    let orgs: Vec<Uuid> = orgs.into_iter().collect();
    let known = known_accounts(tx, &orgs).await?;
    if known.len() == orgs.len() {
        return Ok(known);
    }
    let now = tx.now();
    sqlx::query!(
        "insert into ledger_accounts (id, org_id, kind, created_at)
         select gen_random_uuid(), org_id, kind, $2
         from unnest($1::uuid[]) as org_id, (values ('receivable'), ('revenue')) as kinds (kind)
         order by org_id, kind
         on conflict (org_id, kind) do nothing",
        &orgs,
        now,
    )
    .execute(tx.conn())
    .await?;
    known_accounts(tx, &orgs).await
}

/// The accounts of those orgs that have both.
async fn known_accounts(tx: &mut SystemTx, orgs: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Accounts>> {
    let rows = sqlx::query!(
        "select receivable.org_id, receivable.id as receivable, revenue.id as revenue
         from ledger_accounts receivable
         join ledger_accounts revenue
           on revenue.org_id = receivable.org_id and revenue.kind = 'revenue'
         where receivable.org_id = any($1) and receivable.kind = 'receivable'",
        orgs,
    )
    .fetch_all(tx.conn())
    .await?;
    let each = rows
        .into_iter()
        .map(|row| (row.org_id, Accounts { receivable: row.receivable, revenue: row.revenue }));
    Ok(each.collect())
}
