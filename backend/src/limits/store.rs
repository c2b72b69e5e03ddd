//! All SQL on an org's limits.

use super::model::shown;
use crate::db::{TenantTx, Tx as _};
use crate::http::PageQuery;
use contract::api::limits::Limit;
use contract::id::{AppId, KeyId, LimitId, OrgId, TeamId};
use contract::snapshot::{LimitScope, Metric, Window};
use uuid::Uuid;

/// A scope as it is stored; `None` for a plan's, which is not an org's to set.
#[must_use]
pub const fn scope_columns(scope: LimitScope) -> Option<(&'static str, Uuid)> {
    match scope {
        LimitScope::Org(id) => Some(("org", id.0)),
        LimitScope::Team(id) => Some(("team", id.0)),
        LimitScope::App(id) => Some(("app", id.0)),
        LimitScope::Key(id) => Some(("key", id.0)),
        LimitScope::Plan(_) => None,
    }
}

/// The scope of its stored form.
///
/// # Errors
/// It is none.
pub(crate) fn scope(kind: &str, id: Uuid) -> sqlx::Result<LimitScope> {
    match kind {
        "org" => Ok(LimitScope::Org(OrgId(id))),
        "team" => Ok(LimitScope::Team(TeamId(id))),
        "app" => Ok(LimitScope::App(AppId(id))),
        "key" => Ok(LimitScope::Key(KeyId(id))),
        other => Err(sqlx::Error::Decode(format!("limit scope `{other}`").into())),
    }
}

/// What a scope points at, by name; `None` when the org has no such thing.
pub async fn find_scope_name(
    tx: &mut TenantTx,
    (kind, id): (&str, Uuid),
) -> sqlx::Result<Option<String>> {
    let name = sqlx::query_scalar!(
        r#"select name from (
             select 'org' as kind, id, name from orgs union all
             select 'team', id, name from teams union all
             select 'app', id, name from apps union all
             select 'key', id, name from api_keys) scopes
           where kind = $1 and id = $2"#,
        kind,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(name.flatten())
}

pub async fn insert(
    tx: &mut TenantTx,
    id: LimitId,
    (kind, scope): (&str, Uuid),
    (metric, window, max): (Metric, Window, i64),
) -> sqlx::Result<()> {
    let (org, now) = (tx.org_id(), tx.now());
    sqlx::query!(
        "insert into limits (id, org_id, scope_kind, scope_id, metric, time_window, max, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.0,
        org.0,
        kind,
        scope,
        metric.as_str(),
        window.as_str(),
        max,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn find(tx: &mut TenantTx, id: LimitId) -> sqlx::Result<Option<Limit>> {
    Ok(select(tx, Some(id), None).await?.pop())
}

/// As [`find`], and nobody else changes it until the transaction ends.
pub async fn find_for_update(tx: &mut TenantTx, id: LimitId) -> sqlx::Result<Option<Limit>> {
    sqlx::query!("select id from limits where id = $1 for update", id.0)
        .fetch_optional(tx.conn())
        .await?;
    find(tx, id).await
}

pub async fn list(tx: &mut TenantTx, page: &PageQuery) -> sqlx::Result<Vec<Limit>> {
    select(tx, None, Some(page)).await
}

async fn select(
    tx: &mut TenantTx,
    id: Option<LimitId>,
    page: Option<&PageQuery>,
) -> sqlx::Result<Vec<Limit>> {
    let rows = sqlx::query!(
        r#"select id as "id: LimitId", scope_kind, scope_id, metric as "metric: Metric",
             time_window as "window: Window", max, created_at, version,
             coalesce(case scope_kind
               when 'org' then (select name from orgs where orgs.id = scope_id)
               when 'team' then (select name from teams where teams.id = scope_id)
               when 'app' then (select name from apps where apps.id = scope_id)
               when 'key' then (select name from api_keys where api_keys.id = scope_id)
             end, '') as "scope_name!"
           from limits
           where ($1::uuid is null or id = $1)
             and ($2::timestamptz is null or (created_at, id) < ($2, $3))
           order by created_at desc, id desc limit $4"#,
        id.map(|id| id.0),
        page.and_then(PageQuery::after_at),
        page.and_then(PageQuery::after_id),
        page.map(PageQuery::fetch),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let (max, max_usd) = shown(row.metric, row.max);
            Ok(Limit {
                id: row.id,
                scope: scope(&row.scope_kind, row.scope_id)?,
                scope_name: row.scope_name,
                metric: row.metric,
                window: row.window,
                max,
                max_usd,
                created_at: row.created_at,
                version: row.version,
            })
        })
        .collect()
}

pub async fn set_max(tx: &mut TenantTx, id: LimitId, max: i64, version: i64) -> sqlx::Result<()> {
    sqlx::query!("update limits set max = $2, version = $3 where id = $1", id.0, max, version)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn delete(tx: &mut TenantTx, id: LimitId) -> sqlx::Result<()> {
    sqlx::query!("delete from limits where id = $1", id.0).execute(tx.conn()).await?;
    Ok(())
}

/// Deletes an app's limits and says which they were.
pub async fn delete_of_app(tx: &mut TenantTx, app: AppId) -> sqlx::Result<Vec<LimitId>> {
    sqlx::query_scalar!(
        r#"delete from limits where scope_kind = 'app' and scope_id = $1
           returning id as "id: LimitId""#,
        app.0,
    )
    .fetch_all(tx.conn())
    .await
}
