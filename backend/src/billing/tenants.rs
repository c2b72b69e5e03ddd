//! Orgs as the platform's staff sees them: who pays how, what is left, what is owed.

use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, OperatorCtx, PageQuery, Result};
use contract::api::billing::{Account, Billing, LedgerTransaction};
use contract::id::OrgId;
use contract::money::Usd;
use contract::page::Page;
use contract::role::Role;

/// Every organisation, newest first.
#[utoipa::path(get, path = "/v1/admin/orgs", tag = "billing",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Account>)))]
pub async fn list_accounts(ctx: OperatorCtx, page: PageQuery) -> Result<Answer<Page<Account>>> {
    let mut tx = ctx.system_tx("list orgs").await?;
    let rows = select(&mut tx, None, Some(&page)).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}

/// One organisation.
#[utoipa::path(get, path = "/v1/admin/orgs/{org}", tag = "billing",
    responses((status = 200, body = Account)))]
pub async fn get_account(ctx: OperatorCtx, At(org): At<String>) -> Result<Answer<Account>> {
    let mut tx = ctx.system_tx("look at an org").await?;
    let org = find_id(&mut tx, &org).await?.ok_or_else(ApiError::not_found)?;
    let account = find(&mut tx, org).await?.ok_or_else(ApiError::not_found)?;
    let version = account.version;
    Ok(Answer::ok(account).version(version))
}

/// An organisation's wallet, as its members see it.
#[utoipa::path(get, path = "/v1/admin/orgs/{org}/wallet", tag = "billing",
    responses((status = 200, body = contract::api::billing::Wallet)))]
pub async fn get_account_wallet(
    ctx: OperatorCtx,
    At(org): At<String>,
) -> Result<Answer<contract::api::billing::Wallet>> {
    let mut tx = ctx.system_tx("look at an org's wallet").await?;
    let org = find_id(&mut tx, &org).await?.ok_or_else(ApiError::not_found)?;
    let tx = tx.enter(org, Role::Auditor).await?;
    let wallet = super::wallets::get::read(ctx.app(), tx).await?;
    let version = wallet.version;
    Ok(Answer::ok(wallet).version(version))
}

/// An organisation's ledger, newest first.
#[utoipa::path(get, path = "/v1/admin/orgs/{org}/ledger", tag = "billing",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query),
        ("kind" = Option<contract::api::billing::LedgerKind>, Query)),
    responses((status = 200, body = Page<LedgerTransaction>)))]
pub async fn list_account_ledger(
    ctx: OperatorCtx,
    At(org): At<String>,
    kind: super::list::OfKind,
    page: PageQuery,
) -> Result<Answer<Page<LedgerTransaction>>> {
    let mut tx = ctx.system_tx("look at an org's ledger").await?;
    let org = find_id(&mut tx, &org).await?.ok_or_else(ApiError::not_found)?;
    let mut tx = tx.enter(org, Role::Auditor).await?;
    let rows = super::list::list(&mut tx, kind.0, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}

/// The org that an operator names by slug or id.
pub async fn find_id(tx: &mut SystemTx, named: &str) -> sqlx::Result<Option<OrgId>> {
    if !crate::orgs::is_name_of_org(named) {
        return Ok(None);
    }
    let id = named.parse::<OrgId>().ok().map(|org| org.0);
    sqlx::query_scalar!(
        r#"select id as "id: OrgId" from orgs where id = $1 or slug = $2"#,
        id,
        named,
    )
    .fetch_optional(tx.conn())
    .await
}

/// One org's account.
pub async fn find(tx: &mut SystemTx, org: OrgId) -> sqlx::Result<Option<Account>> {
    Ok(select(tx, Some(org), None).await?.pop())
}

async fn select(
    tx: &mut SystemTx,
    org: Option<OrgId>,
    page: Option<&PageQuery>,
) -> sqlx::Result<Vec<Account>> {
    let rows = sqlx::query!(
        r#"select orgs.id as "id: OrgId", slug, name, suspended, created_at,
             billing as "billing: Billing", balance_nanos as "balance_nanos!",
             greatest(floor_nanos, floor_next_nanos) as "floor_nanos!", overrun_nanos,
             coalesce((select sum(entry.amount_nanos) from ledger_accounts account
               join ledger_entries entry on entry.account_id = account.id
               where account.org_id = orgs.id and account.kind = 'receivable'), 0)::bigint
               as "owed_nanos!", wallets.version
           from orgs join wallets on wallets.org_id = orgs.id
           where ($1::uuid is null or orgs.id = $1)
             and ($2::timestamptz is null or (created_at, orgs.id) < ($2, $3))
           order by created_at desc, orgs.id desc limit $4"#,
        org.map(|org| org.0),
        page.and_then(PageQuery::after_at),
        page.and_then(PageQuery::after_id),
        page.map(PageQuery::fetch),
    )
    .fetch_all(tx.conn())
    .await?;
    let usd = |nanos| Usd(contract::money::Nanos(nanos));
    Ok(rows
        .into_iter()
        .map(|row| Account {
            id: row.id,
            slug: row.slug,
            name: row.name,
            suspended: row.suspended,
            billing: row.billing,
            balance_usd: usd(row.balance_nanos),
            floor_usd: usd(row.floor_nanos),
            owed_usd: usd(row.owed_nanos),
            overrun_usd: usd(row.overrun_nanos),
            created_at: row.created_at,
            version: row.version,
        })
        .collect())
}
