//! All SQL on wallets and credits. Credits change only while their wallet is locked.

use super::model::Open;
use crate::db::{SystemTx, TenantTx, Tx};
use contract::Timestamp;
use contract::api::billing::{AccountKind, Billing, Credit, CreditKind};
use contract::id::{CreditId, LedgerTransactionId, LimitId, OrgId};
use contract::money::{Nanos, Usd};
use uuid::Uuid;

/// A wallet that nobody else changes until the transaction ends.
#[derive(Debug, Clone)]
pub struct Locked {
    pub org_id: OrgId,
    pub billing: Billing,
    pub limit_id: LimitId,
    pub floor: Nanos,
    pub floor_next: Option<Nanos>,
    pub balance: Nanos,
    pub drawn: Nanos,
    pub version: i64,
}

impl Locked {
    /// The floor that new calls keep.
    #[must_use]
    pub fn floor_kept(&self) -> Nanos {
        self.floor.max(self.floor_next.unwrap_or(Nanos::ZERO))
    }
}

/// Locks wallets, in one order, so that two workers never wait for each other in a circle.
pub async fn lock(tx: &mut SystemTx, orgs: &[Uuid]) -> sqlx::Result<Vec<Locked>> {
    let rows = sqlx::query!(
        r#"select org_id as "org_id: OrgId", billing as "billing: Billing",
             limit_id as "limit_id: LimitId", floor_nanos, floor_next_nanos,
             balance_nanos as "balance_nanos!", drawn_nanos, version
           from wallets where org_id = any($1) order by org_id for no key update"#,
        orgs,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Locked {
            org_id: row.org_id,
            billing: row.billing,
            limit_id: row.limit_id,
            floor: Nanos(row.floor_nanos),
            floor_next: row.floor_next_nanos.map(Nanos),
            balance: Nanos(row.balance_nanos),
            drawn: Nanos(row.drawn_nanos),
            version: row.version,
        })
        .collect())
}

/// Locks the wallets of those that pay ahead.
pub async fn lock_prepaid(tx: &mut SystemTx, orgs: &[Uuid]) -> sqlx::Result<Vec<Locked>> {
    let prepaid = sqlx::query_scalar!(
        "select org_id from wallets where org_id = any($1) and billing = 'prepaid'",
        orgs,
    )
    .fetch_all(tx.conn())
    .await?;
    if prepaid.is_empty() {
        return Ok(Vec::new());
    }
    let mut locked = lock(tx, &prepaid).await?;
    locked.retain(|wallet| wallet.billing == Billing::Prepaid);
    Ok(locked)
}

/// An org's credits with something left, in the order in which they are drawn.
pub async fn open_credits(tx: &mut SystemTx, org: OrgId) -> sqlx::Result<Vec<Open>> {
    sqlx::query_as!(
        Open,
        r#"select id as "id: CreditId", remaining_nanos as "remaining: Nanos", ended_at
           from credits where org_id = $1 and remaining_nanos > 0
           order by priority, expires_at nulls last, created_at, id"#,
        org.0,
    )
    .fetch_all(tx.conn())
    .await
}

/// What transactions took of credits: written down, and taken.
pub async fn insert_draws(
    tx: &mut SystemTx,
    org: OrgId,
    draws: &[(LedgerTransactionId, CreditId, Nanos)],
) -> sqlx::Result<()> {
    let transactions: Vec<Uuid> = draws.iter().map(|(transaction, ..)| transaction.0).collect();
    let credits: Vec<Uuid> = draws.iter().map(|(_, credit, _)| credit.0).collect();
    let amounts: Vec<i64> = draws.iter().map(|(.., amount)| amount.0).collect();
    sqlx::query!(
        "with drawn as (
           insert into credit_draws (transaction_id, credit_id, org_id, amount_nanos)
           select transaction_id, credit_id, $4, amount_nanos
           from unnest($1::uuid[], $2::uuid[], $3::bigint[])
             as drawn (transaction_id, credit_id, amount_nanos)
           returning credit_id, amount_nanos)
         update credits set remaining_nanos = remaining_nanos - taken.nanos
         from (select credit_id, sum(amount_nanos)::bigint as nanos from drawn group by 1) taken
         where credits.id = taken.credit_id",
        &transactions,
        &credits,
        &amounts,
        org.0,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What changed in a wallet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moved {
    pub credited: Nanos,
    pub drawn: Nanos,
    pub uncounted: Nanos,
    pub expired: Nanos,
    pub overrun: Nanos,
}

pub async fn add(tx: &mut SystemTx, org: OrgId, moved: Moved) -> sqlx::Result<()> {
    sqlx::query!(
        "update wallets set credited_nanos = credited_nanos + $2, drawn_nanos = drawn_nanos + $3,
           uncounted_nanos = uncounted_nanos + $4, expired_nanos = expired_nanos + $5,
           overrun_nanos = overrun_nanos + $6
         where org_id = $1",
        org.0,
        moved.credited.0,
        moved.drawn.0,
        moved.uncounted.0,
        moved.expired.0,
        moved.overrun.0,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A credit to be.
#[derive(Debug)]
pub struct NewCredit {
    pub id: CreditId,
    pub kind: CreditKind,
    pub amount: Nanos,
    pub priority: i16,
    pub expires_at: Option<Timestamp>,
    pub note: String,
    pub transaction_id: LedgerTransactionId,
}

pub async fn insert_credit(tx: &mut SystemTx, org: OrgId, new: &NewCredit) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into credits (id, org_id, kind, amount_nanos, remaining_nanos, priority, expires_at,
           note, transaction_id, created_at)
         values ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9)",
        new.id.0,
        org.0,
        new.kind.as_str(),
        new.amount.0,
        new.priority,
        new.expires_at,
        new.note,
        new.transaction_id.0,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Credits of the org with something left, as people see them.
pub async fn list_credits(tx: &mut TenantTx) -> sqlx::Result<Vec<Credit>> {
    let org = tx.org_id();
    let rows = sqlx::query!(
        r#"select id as "id: CreditId", kind as "kind: CreditKind", amount_nanos, remaining_nanos,
             priority, expires_at, note, created_at
           from credits where org_id = $1 and remaining_nanos > 0
           order by priority, expires_at nulls last, created_at, id limit 500"#,
        org.0,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Credit {
            id: row.id,
            kind: row.kind,
            amount_usd: Usd(Nanos(row.amount_nanos)),
            remaining_usd: Usd(Nanos(row.remaining_nanos)),
            priority: row.priority,
            expires_at: row.expires_at,
            note: row.note,
            created_at: row.created_at,
        })
        .collect())
}

/// A wallet as it is read, with what the limit should have counted so far.
#[derive(Debug)]
pub struct Read {
    pub billing: Billing,
    pub limit_id: LimitId,
    pub balance: Nanos,
    pub floor: Nanos,
    pub counted: Nanos,
    pub owed: Nanos,
    pub version: i64,
}

pub async fn find(tx: &mut TenantTx) -> sqlx::Result<Option<Read>> {
    let org = tx.org_id();
    sqlx::query_as!(
        Read,
        r#"select billing as "billing: Billing", limit_id as "limit_id: LimitId",
             balance_nanos as "balance!: Nanos",
             greatest(floor_nanos, floor_next_nanos) as "floor!: Nanos",
             drawn_nanos - uncounted_nanos as "counted!: Nanos",
             coalesce((select sum(amount_nanos) from ledger_entries entry
               join ledger_accounts account on account.id = entry.account_id
               where account.org_id = $1 and account.kind = 'receivable'), 0)::bigint
               as "owed!: Nanos", version
           from wallets where org_id = $1"#,
        org.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// The sum of an account of a transaction and of what corrects it.
pub async fn sum_of(
    tx: &mut SystemTx,
    transaction: LedgerTransactionId,
    account: AccountKind,
) -> sqlx::Result<Nanos> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(entry.amount_nanos), 0)::bigint as "sum!: Nanos"
           from ledger_transactions t join ledger_entries entry on entry.transaction_id = t.id
           join ledger_accounts account on account.id = entry.account_id
           where (t.id = $1 or t.corrects = $1) and account.kind = $2"#,
        transaction.0,
        account.as_str(),
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn set_billing(
    tx: &mut SystemTx,
    wallet: &Locked,
    billing: Billing,
    floor: (Nanos, Option<Nanos>),
    limit: LimitId,
) -> sqlx::Result<()> {
    let now = tx.now();
    // What was drawn before a new limit began is not counted by it.
    sqlx::query!(
        "update wallets set billing = $2, floor_nanos = $3, floor_next_nanos = $4,
           floor_next_at = case when $4::bigint is not null then $6::timestamptz end,
           uncounted_nanos = case when limit_id = $5 then uncounted_nanos else drawn_nanos end,
           limit_id = $5, version = version + 1
         where org_id = $1",
        wallet.org_id.0,
        billing.as_str(),
        floor.0.0,
        floor.1.map(|floor| floor.0),
        limit.0,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Raises the floor to what gateways keep since before `before`.
pub async fn raise_floor(tx: &mut SystemTx, org: OrgId, before: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "update wallets set floor_nanos = floor_next_nanos, floor_next_nanos = null,
           floor_next_at = null
         where org_id = $1 and floor_next_at <= $2",
        org.0,
        before,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks credits whose time is over; answers whose they are.
pub async fn end_credits(tx: &mut SystemTx) -> sqlx::Result<Vec<(OrgId, LimitId)>> {
    let now = tx.now();
    let rows = sqlx::query!(
        r#"with ended as (
             update credits set ended_at = $1
             where expires_at <= $1 and ended_at is null and remaining_nanos > 0
             returning org_id)
           select org_id as "org_id: OrgId", limit_id as "limit_id: LimitId"
           from wallets where org_id in (select org_id from ended)"#,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.org_id, row.limit_id)).collect())
}

/// Orgs with something to book that gateways were told of before `before`.
pub async fn waiting(tx: &mut SystemTx, before: Timestamp) -> sqlx::Result<Vec<OrgId>> {
    sqlx::query_scalar!(
        r#"select org_id as "org_id: OrgId" from wallets
           where floor_next_at <= $1 or org_id in (
             select org_id from credits where remaining_nanos > 0 and ended_at <= $1)
           order by 1"#,
        before,
    )
    .fetch_all(tx.conn())
    .await
}

/// The maximum of the wallet's limit: see [`super`]. `publish/` reads the same.
pub async fn limit_max<T: Tx>(tx: &mut T, org: OrgId) -> sqlx::Result<Nanos> {
    sqlx::query_scalar!(
        r#"select credited_nanos - expired_nanos - uncounted_nanos
             - greatest(floor_nanos, floor_next_nanos)
             - coalesce((select sum(remaining_nanos) from credits
                 where credits.org_id = wallets.org_id and ended_at is not null), 0)::bigint
             as "max!: Nanos"
           from wallets where org_id = $1"#,
        org.0,
    )
    .fetch_one(tx.conn())
    .await
}
