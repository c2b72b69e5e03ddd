//! Writing the ledger. A debit is positive, a credit negative.

use crate::db::{SystemTx, Tx as _};
use contract::Timestamp;
use contract::id::LedgerTransactionId;
use contract::money::Nanos;
use contract::usage::UsageEvent;
use serde::Serialize;
use uuid::Uuid;

/// A call that costs something, as a row to be.
#[derive(Serialize)]
struct Charge {
    id: Uuid,
    org_id: Uuid,
    request_id: Uuid,
    price_id: Uuid,
    plan_id: Uuid,
    at: Timestamp,
    cost_nanos: Nanos,
}

/// Bills calls: each that costs something makes one transaction, the org's receivable against
/// revenue. The caller has made sure that none was billed before; one that was fails the whole
/// transaction.
///
/// # Errors
/// Postgres refused; a request id that was billed already violates
/// `ledger_transactions_request_id_key`.
pub async fn book_usage(tx: &mut SystemTx, events: &[&UsageEvent]) -> sqlx::Result<()> {
    let charges: Vec<Charge> = events
        .iter()
        .filter(|event| event.cost_nanos > Nanos::ZERO)
        .map(|event| Charge {
            id: tx.new_id(LedgerTransactionId::new).0,
            org_id: event.org_id.0,
            request_id: event.request_id.0,
            price_id: event.price_id.0,
            plan_id: event.plan_id.0,
            at: event.at,
            cost_nanos: event.cost_nanos,
        })
        .collect();
    if charges.is_empty() {
        return Ok(());
    }
    open_accounts(tx, &charges).await?;
    let now = tx.now();
    let charges =
        serde_json::to_value(charges).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "insert into ledger_transactions (id, org_id, kind, request_id, price_id, plan_id, at, created_at)
         select id, org_id, 'usage', request_id, price_id, plan_id, at, $2
         from jsonb_to_recordset($1) as charge (id uuid, org_id uuid, request_id uuid,
           price_id uuid, plan_id uuid, at timestamptz)",
        charges,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into ledger_entries (transaction_id, position, org_id, account_id, amount_nanos)
         select charge.id, side.position, charge.org_id, account.id, side.sign * charge.cost_nanos
         from jsonb_to_recordset($1) as charge (id uuid, org_id uuid, cost_nanos bigint)
         cross join (values (1::smallint, 'receivable', 1), (2::smallint, 'revenue', -1))
           as side (position, kind, sign)
         join ledger_accounts account
           on account.org_id = charge.org_id and account.kind = side.kind",
        charges,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn open_accounts(tx: &mut SystemTx, charges: &[Charge]) -> sqlx::Result<()> {
    let mut orgs: Vec<Uuid> = charges.iter().map(|charge| charge.org_id).collect();
    orgs.sort_unstable();
    orgs.dedup();
    let known = sqlx::query_scalar!(
        r#"select count(*) as "count!" from ledger_accounts where org_id = any($1)"#,
        &orgs,
    )
    .fetch_one(tx.conn())
    .await?;
    if usize::try_from(known).is_ok_and(|known| known == orgs.len() * 2) {
        return Ok(());
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
    Ok(())
}
