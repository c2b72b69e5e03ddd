//! Reading the ledger of an org.

use super::tariffs::Month;
use crate::db::{TenantTx, Tx as _};
use crate::http::page::query_param;
use crate::http::{Answer, ApiError, OrgCtx, PageQuery, Result};
use axum::extract::FromRequestParts;
use contract::Timestamp;
use contract::api::billing::{AccountKind, LedgerEntry, LedgerKind, LedgerTransaction};
use contract::error::FieldError;
use contract::id::{LedgerTransactionId, PlanId, PriceId, RequestId};
use contract::money::{Nanos, Usd};
use contract::page::Page;
use contract::role::Action;
use http::request::Parts;
use std::collections::HashMap;

/// `?kind=`: transactions of one kind, or of all.
#[derive(Debug, Clone, Copy)]
pub struct OfKind(pub Option<LedgerKind>);

impl<S: Send + Sync> FromRequestParts<S> for OfKind {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(text) = query_param(parts, "kind") else { return Ok(Self(None)) };
        let known = LedgerKind::ALL.iter().find(|kind| kind.as_str() == text);
        known.copied().map(|kind| Self(Some(kind))).ok_or_else(|| {
            let words: Vec<_> = LedgerKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let detail = format!("Use one of {}.", words.join(", "));
            ApiError::invalid(vec![FieldError::new("?kind", detail)])
        })
    }
}

/// The organisation's ledger, newest first.
#[utoipa::path(get, path = "/v1/orgs/{org}/ledger", tag = "billing",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query),
        ("kind" = Option<LedgerKind>, Query)),
    responses((status = 200, body = Page<LedgerTransaction>)))]
pub async fn list_ledger(
    ctx: OrgCtx,
    kind: OfKind,
    page: PageQuery,
) -> Result<Answer<Page<LedgerTransaction>>> {
    let mut tx = ctx.tenant_tx(Action::ViewCosts).await?;
    let rows = list(&mut tx, kind.0, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}

struct Row {
    id: LedgerTransactionId,
    kind: LedgerKind,
    at: Timestamp,
    created_at: Timestamp,
    request_id: Option<RequestId>,
    price_id: Option<PriceId>,
    plan_id: Option<PlanId>,
    month: Option<Timestamp>,
    corrects: Option<LedgerTransactionId>,
    reason: Option<String>,
    actor_name: Option<String>,
}

/// A page of the org's transactions.
///
/// # Errors
/// Postgres refused.
pub async fn list(
    tx: &mut TenantTx,
    kind: Option<LedgerKind>,
    page: &PageQuery,
) -> sqlx::Result<Vec<LedgerTransaction>> {
    let org = tx.org_id();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: LedgerTransactionId", kind as "kind: LedgerKind", at, created_at,
             request_id as "request_id: RequestId", price_id as "price_id: PriceId",
             plan_id as "plan_id: PlanId", month, corrects as "corrects: LedgerTransactionId", reason,
             actor_name
           from ledger_transactions
           where org_id = $1 and ($2::text is null or kind = $2)
             and ($3::timestamptz is null or (created_at, id) < ($3, $4))
           order by created_at desc, id desc limit $5"#,
        org.0,
        kind.map(LedgerKind::as_str),
        page.after_at(),
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?;
    with_entries(tx, rows).await
}

/// What the ledger holds of one call: what bills it, and what corrects that. Oldest first.
///
/// # Errors
/// Postgres refused.
pub async fn of_request(
    tx: &mut TenantTx,
    request: RequestId,
) -> sqlx::Result<Vec<LedgerTransaction>> {
    let org = tx.org_id();
    let rows = sqlx::query_as!(
        Row,
        r#"with own as materialized (
             select id from ledger_transactions where kind = 'usage' and request_id = $1
             union all
             select id from ledger_transactions where kind = 'unknown' and request_id = $1)
           select id as "id: LedgerTransactionId", kind as "kind: LedgerKind", at, created_at,
             request_id as "request_id: RequestId", price_id as "price_id: PriceId",
             plan_id as "plan_id: PlanId", month, corrects as "corrects: LedgerTransactionId", reason,
             actor_name
           from ledger_transactions
           where org_id = $2 and (id in (select id from own) or corrects in (select id from own))
           order by created_at, id"#,
        request.0,
        org.0,
    )
    .fetch_all(tx.conn())
    .await?;
    with_entries(tx, rows).await
}

async fn with_entries(tx: &mut TenantTx, rows: Vec<Row>) -> sqlx::Result<Vec<LedgerTransaction>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.0).collect();
    let found = sqlx::query!(
        r#"select transaction_id as "id: LedgerTransactionId", kind as "account: AccountKind",
             amount_nanos
           from ledger_entries entry join ledger_accounts account on account.id = entry.account_id
           where transaction_id = any($1) order by transaction_id, position"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut entries: HashMap<LedgerTransactionId, Vec<LedgerEntry>> = HashMap::new();
    for entry in found {
        let amount_usd = Usd(Nanos(entry.amount_nanos));
        entries
            .entry(entry.id)
            .or_default()
            .push(LedgerEntry { account: entry.account, amount_usd });
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let entries = entries.remove(&row.id).unwrap_or_default();
            LedgerTransaction {
                id: row.id,
                kind: row.kind,
                at: row.at,
                created_at: row.created_at,
                amount_usd: Usd(moved(&entries)),
                request_id: row.request_id,
                price_id: row.price_id,
                plan_id: row.plan_id,
                month: row.month.map(|month| Month::of(month).to_string()),
                corrects: row.corrects,
                reason: row.reason,
                actor_name: row.actor_name,
                entries,
            }
        })
        .collect())
}

/// The sum of the debits.
fn moved(entries: &[LedgerEntry]) -> Nanos {
    let debits =
        entries.iter().map(|entry| entry.amount_usd.0).filter(|amount| *amount > Nanos::ZERO);
    debits.fold(Nanos::ZERO, Nanos::saturating_add)
}
