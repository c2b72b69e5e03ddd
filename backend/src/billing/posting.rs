//! Writing any transaction of the ledger. A debit is positive, a credit negative.

use super::tariffs::Month;
use crate::db::{SystemTx, Tx as _};
use contract::Timestamp;
use contract::api::billing::{AccountKind, LedgerKind};
use contract::id::{LedgerTransactionId, OrgId, PlanId, PriceId, RequestId};
use contract::money::Nanos;
use serde::Serialize;
use uuid::Uuid;

/// The call that a transaction bills.
#[derive(Debug, Clone, Copy)]
pub struct Billed {
    pub request_id: RequestId,
    pub price_id: PriceId,
    pub plan_id: PlanId,
}

/// The month that a transaction rates.
#[derive(Debug, Clone, Copy)]
pub struct Rated {
    pub plan_id: PlanId,
    pub month: Month,
    /// 1 for the first transaction of its kind that does.
    pub revision: i32,
}

/// What a transaction is about.
#[derive(Debug, Clone, Copy)]
pub enum About {
    Call(Billed),
    Month(Rated),
    /// Whatever its kind and reason say.
    Itself,
}

/// A transaction to be. Its legs sum to zero, or the database refuses it.
#[derive(Debug, Clone)]
pub struct Posting {
    pub id: LedgerTransactionId,
    pub org_id: OrgId,
    pub kind: LedgerKind,
    /// When what it bills happened.
    pub at: Timestamp,
    pub about: About,
    pub corrects: Option<LedgerTransactionId>,
    pub reason: Option<String>,
    pub legs: Vec<(AccountKind, Nanos)>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: Uuid,
    org_id: Uuid,
    kind: &'static str,
    request_id: Option<Uuid>,
    price_id: Option<Uuid>,
    plan_id: Option<Uuid>,
    corrects: Option<Uuid>,
    reason: Option<&'a str>,
    month: Option<Timestamp>,
    revision: Option<i32>,
    at: Timestamp,
    legs: Vec<Leg>,
}

#[derive(Serialize)]
struct Leg {
    account: &'static str,
    amount_nanos: i64,
}

/// Writes transactions. Legs of nothing are left out.
///
/// # Errors
/// Postgres refused: one does not balance, or bills a call that is billed.
pub async fn post(tx: &mut SystemTx, postings: &[Posting]) -> sqlx::Result<()> {
    let rows: Vec<Row<'_>> = postings.iter().map(row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let rows = serde_json::to_value(rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let now = tx.now();
    sqlx::query!(
        "insert into ledger_accounts (id, org_id, kind, created_at)
         select gen_random_uuid(), org_id, kind, $2 from (
           select distinct posting.org_id, leg.account as kind
           from jsonb_to_recordset($1) as posting (org_id uuid, legs jsonb)
           cross join jsonb_to_recordset(posting.legs) as leg (account text)
           order by 1, 2) wanted
         where not exists (select from ledger_accounts known
           where known.org_id = wanted.org_id and known.kind = wanted.kind)
         on conflict (org_id, kind) do nothing",
        rows,
        now,
    )
    .execute(tx.conn())
    .await?;
    let actor = tx.actor().person_id.map(|person| person.0);
    let name = actor.map(|_| tx.actor().name.clone());
    // One statement, so that a transaction is never seen without its entries.
    sqlx::query!(
        "with posting as materialized (
           select * from jsonb_to_recordset($1) as posting (id uuid, org_id uuid, kind text,
             request_id uuid, price_id uuid, plan_id uuid, corrects uuid, reason text,
             month timestamptz, revision integer, at timestamptz, legs jsonb)),
         written as (
           insert into ledger_transactions (id, org_id, kind, request_id, price_id, plan_id,
             corrects, reason, month, revision, at, created_at, actor_id, actor_name)
           select id, org_id, kind, request_id, price_id, plan_id, corrects, reason, month, revision,
             at, $2, $3, $4
           from posting)
         insert into ledger_entries (transaction_id, position, org_id, account_id, amount_nanos)
         select posting.id, leg.position, posting.org_id, account.id,
           (leg.body->>'amount_nanos')::bigint
         from posting
         cross join jsonb_array_elements(posting.legs) with ordinality as leg (body, position)
         join ledger_accounts account
           on account.org_id = posting.org_id and account.kind = leg.body->>'account'",
        rows,
        now,
        actor,
        name,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn row(posting: &Posting) -> Row<'_> {
    let (call, month) = match posting.about {
        About::Call(call) => (Some(call), None),
        About::Month(month) => (None, Some(month)),
        About::Itself => (None, None),
    };
    let plan_id = call.map(|call| call.plan_id).or(month.map(|month| month.plan_id));
    let legs = posting.legs.iter().filter(|(_, amount)| *amount != Nanos::ZERO);
    Row {
        id: posting.id.0,
        org_id: posting.org_id.0,
        kind: posting.kind.as_str(),
        request_id: call.map(|call| call.request_id.0),
        price_id: call.map(|call| call.price_id.0),
        plan_id: plan_id.map(|plan| plan.0),
        corrects: posting.corrects.map(|id| id.0),
        reason: posting.reason.as_deref(),
        month: month.map(|month| month.month.start()),
        revision: month.map(|month| month.revision),
        at: posting.at,
        legs: legs
            .map(|(account, amount)| Leg { account: account.as_str(), amount_nanos: amount.0 })
            .collect(),
    }
}
