//! Calls of unknown outcome, as finance and operators see them.

use crate::db::{SystemTx, TenantTx, Tx};
use crate::http::page::query_param;
use crate::http::{Answer, ApiError, OperatorCtx, OrgCtx, PageQuery, Result};
use axum::extract::FromRequestParts;
use contract::Timestamp;
use contract::api::billing::{Unknown, UnknownPolicy, UnknownState};
use contract::error::FieldError;
use contract::id::{AppId, LedgerTransactionId, OrgId, RequestId};
use contract::money::{Nanos, Usd};
use contract::page::Page;
use contract::role::Action;
use http::request::Parts;

/// `?state=`: calls in one state, or in all.
#[derive(Debug, Clone, Copy)]
pub struct InState(pub Option<UnknownState>);

impl<S: Send + Sync> FromRequestParts<S> for InState {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(text) = query_param(parts, "state") else { return Ok(Self(None)) };
        let known = UnknownState::ALL.iter().find(|state| state.as_str() == text);
        known.copied().map(|state| Self(Some(state))).ok_or_else(|| {
            let words: Vec<_> = UnknownState::ALL.iter().map(|state| state.as_str()).collect();
            let detail = format!("Use one of {}.", words.join(", "));
            ApiError::invalid(vec![FieldError::new("?state", detail)])
        })
    }
}

/// The organisation's calls whose end nobody told, newest first.
#[utoipa::path(get, path = "/v1/orgs/{org}/unknowns", tag = "billing",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query),
        ("state" = Option<UnknownState>, Query)),
    responses((status = 200, body = Page<Unknown>)))]
pub async fn list_unknowns(
    ctx: OrgCtx,
    state: InState,
    page: PageQuery,
) -> Result<Answer<Page<Unknown>>> {
    let mut tx = ctx.tenant_tx(Action::ViewCosts).await?;
    let org = ctx.org_id();
    let rows = select(&mut tx, (Some(org), None), state.0, Some(&page)).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.at, row.request_id.0))))
}

/// Calls of all organisations whose end nobody told, newest first.
#[utoipa::path(get, path = "/v1/admin/unknowns", tag = "billing",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query),
        ("state" = Option<UnknownState>, Query)),
    responses((status = 200, body = Page<Unknown>)))]
pub async fn list_all_unknowns(
    ctx: OperatorCtx,
    state: InState,
    page: PageQuery,
) -> Result<Answer<Page<Unknown>>> {
    let mut tx = ctx.system_tx("list calls of unknown outcome").await?;
    let rows = select(&mut tx, (None, None), state.0, Some(&page)).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.at, row.request_id.0))))
}

/// One of them.
///
/// # Errors
/// Postgres refused.
pub async fn find(tx: &mut SystemTx, request: RequestId) -> sqlx::Result<Option<Unknown>> {
    Ok(select(tx, (None, Some(request)), None, None).await?.pop())
}

/// One of the org's.
///
/// # Errors
/// Postgres refused.
pub async fn of_org(tx: &mut TenantTx, request: RequestId) -> sqlx::Result<Option<Unknown>> {
    let org = tx.org_id();
    Ok(select(tx, (Some(org), Some(request)), None, None).await?.pop())
}

/// How many calls between two instants are still of unknown outcome, and what is reserved for them.
///
/// # Errors
/// Postgres refused.
pub async fn waiting(
    tx: &mut TenantTx,
    (from, to): (Timestamp, Timestamp),
    (team, app): (Option<uuid::Uuid>, Option<uuid::Uuid>),
) -> sqlx::Result<(u64, Usd)> {
    let org = tx.org_id();
    let row = sqlx::query!(
        r#"select count(*) as "calls!", coalesce(sum(reserved_nanos), 0)::bigint as "nanos!"
           from usage_unknowns
           where org_id = $1 and at >= $2 and at < $3 and state in ('open', 'unknown')
             and ($4::uuid is null or team_id = $4) and ($5::uuid is null or app_id = $5)"#,
        org.0,
        from,
        to,
        team,
        app,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.calls.unsigned_abs(), Usd(Nanos(row.nanos))))
}

async fn select<T: Tx>(
    tx: &mut T,
    (org, request): (Option<OrgId>, Option<RequestId>),
    state: Option<UnknownState>,
    page: Option<&PageQuery>,
) -> sqlx::Result<Vec<Unknown>> {
    let rows = sqlx::query!(
        r#"select request_id as "request_id: RequestId", at, u.org_id as "org_id: OrgId",
             orgs.slug as org_slug, u.app_id as "app_id: AppId", apps.name as "app_name?",
             models.name as "model_name?", reserved_nanos, u.state as "state: UnknownState",
             plans.unknown_policy as "policy: UnknownPolicy", unknown_at, resolved_at, reason,
             actor_name, transaction_id as "transaction_id: LedgerTransactionId", model_id
           from usage_unknowns u join orgs on orgs.id = u.org_id join plans on plans.id = u.plan_id
             left join apps on apps.id = u.app_id left join models on models.id = u.model_id
           where ($1::uuid is null or u.org_id = $1) and ($2::uuid is null or request_id = $2)
             and ($3::text is null or u.state = $3)
             and ($4::timestamptz is null or (at, request_id) < ($4, $5))
           order by at desc, request_id desc limit $6"#,
        org.map(|org| org.0),
        request.map(|request| request.0),
        state.map(UnknownState::as_str),
        page.and_then(PageQuery::after_at),
        page.and_then(PageQuery::after_id),
        page.map(PageQuery::fetch),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Unknown {
            request_id: row.request_id,
            at: row.at,
            org_id: row.org_id,
            org_slug: row.org_slug,
            app_id: row.app_id,
            app_name: row.app_name.unwrap_or_else(|| row.app_id.to_string()),
            model_name: row.model_name.unwrap_or_else(|| row.model_id.to_string()),
            reserved_usd: Usd(Nanos(row.reserved_nanos)),
            state: row.state,
            policy: row.policy,
            unknown_at: row.unknown_at,
            resolved_at: row.resolved_at,
            reason: row.reason,
            actor_name: row.actor_name,
            transaction_id: row.transaction_id,
        })
        .collect())
}
