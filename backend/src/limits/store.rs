//! All SQL on an org's limits.

use super::model::{Shape, shown};
use super::overrides;
use crate::db::{TenantTx, Tx as _};
use crate::http::PageQuery;
use contract::api::limits::Limit;
use contract::id::{AppId, KeyId, LimitId, ModelId, OrgId, TeamId};
use contract::snapshot::{LimitScope, Metric, Tag, Window, Zone};
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

/// A stored time zone. Names are checked before they are stored.
///
/// # Errors
/// The name is none that this program knows.
pub fn zone(name: &str) -> sqlx::Result<Zone> {
    name.parse().map_err(|error| sqlx::Error::Decode(format!("time zone `{name}`: {error}").into()))
}

/// What a scope points at, by name, of what can still be called with; `None` when the org has no
/// such thing.
pub async fn find_scope_name(
    tx: &mut TenantTx,
    (kind, id): (&str, Uuid),
) -> sqlx::Result<Option<String>> {
    let name = sqlx::query_scalar!(
        r#"select name from (
             select 'org' as kind, id, name from orgs union all
             select 'team', id, name from teams union all
             select 'app', id, name from apps union all
             select 'key', id, name from api_keys where revoked_at is null) scopes
           where kind = $1 and id = $2"#,
        kind,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(name.flatten())
}

/// Whether calls of the model can be limited: it is in the catalogue and not retired.
pub async fn is_callable(tx: &mut TenantTx, model: ModelId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from models where id = $1 and state in ('active', 'deprecated'))
             as "callable!""#,
        model.0,
    )
    .fetch_one(tx.conn())
    .await
}

/// How many limits the org has.
pub async fn count(tx: &mut TenantTx) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from limits"#).fetch_one(tx.conn()).await
}

/// A limit to be stored.
#[derive(Debug)]
pub struct NewLimit {
    pub id: LimitId,
    pub scope: (&'static str, Uuid),
    pub shape: Shape,
    pub tag: Option<Tag>,
    pub max: i64,
    pub without_redis_percent: u8,
}

pub async fn insert(tx: &mut TenantTx, new: &NewLimit) -> sqlx::Result<()> {
    let (org, now) = (tx.org_id(), tx.now());
    let (kind, scope) = new.scope;
    sqlx::query!(
        "insert into limits (id, org_id, scope_kind, scope_id, metric, time_window, sliding,
           time_zone, model_id, tag_name, tag_value, max, without_redis_percent, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        new.id.0,
        org.0,
        kind,
        scope,
        new.shape.metric.as_str(),
        new.shape.window.as_str(),
        new.shape.sliding,
        new.shape.zone.name(),
        new.shape.model_id.map(|id| id.0),
        new.tag.as_ref().map(|tag| tag.name.as_str()),
        new.tag.as_ref().map(|tag| tag.value.as_str()),
        new.max,
        i16::from(new.without_redis_percent),
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

/// All of the org's limits, newest first.
pub async fn all(tx: &mut TenantTx) -> sqlx::Result<Vec<Limit>> {
    select(tx, None, None).await
}

async fn select(
    tx: &mut TenantTx,
    id: Option<LimitId>,
    page: Option<&PageQuery>,
) -> sqlx::Result<Vec<Limit>> {
    let rows = sqlx::query!(
        r#"select l.id as "id: LimitId", scope_kind, scope_id, metric as "metric: Metric",
             time_window as "window: Window", sliding, time_zone,
             model_id as "model_id: ModelId", m.name as "model_name?", m.state as "model_state?",
             tag_name, tag_value, max, without_redis_percent, l.created_at, l.version,
             coalesce(case scope_kind
               when 'org' then (select name from orgs where orgs.id = scope_id)
               when 'team' then (select name from teams where teams.id = scope_id)
               when 'app' then (select name from apps where apps.id = scope_id)
               when 'key' then (select name from api_keys where api_keys.id = scope_id)
             end, '') as "scope_name!",
             exists (select from api_keys where scope_kind = 'key' and api_keys.id = scope_id
               and revoked_at is not null) as "is_revoked!"
           from limits l left join models m on m.id = l.model_id
           where ($1::uuid is null or l.id = $1)
             and ($2::timestamptz is null or (l.created_at, l.id) < ($2, $3))
           order by l.created_at desc, l.id desc limit $4"#,
        id.map(|id| id.0),
        page.and_then(PageQuery::after_at),
        page.and_then(PageQuery::after_id),
        page.map(PageQuery::fetch),
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
    let mut overrides = overrides::store::open_of(tx, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let (max, max_usd) = shown(row.metric, row.max);
            let is_gone = row.is_revoked
                || row.scope_name.is_empty()
                || row.model_state.as_deref() == Some("retired");
            let tag = row.tag_name.zip(row.tag_value).map(|(name, value)| Tag { name, value });
            Ok(Limit {
                id: row.id,
                scope: scope(&row.scope_kind, row.scope_id)?,
                scope_name: row.scope_name,
                metric: row.metric,
                window: row.window,
                sliding: row.sliding,
                time_zone: zone(&row.time_zone)?,
                model_id: row.model_id,
                model_name: row.model_name,
                tag,
                max,
                max_usd,
                without_redis_percent: u8::try_from(row.without_redis_percent).unwrap_or(0),
                overrides: overrides
                    .remove(&row.id)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|one| one.shown(row.metric))
                    .collect(),
                is_gone,
                created_at: row.created_at,
                version: row.version,
            })
        })
        .collect()
}

pub async fn update(tx: &mut TenantTx, limit: &Limit, max: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update limits set max = $2, without_redis_percent = $3, version = $4 where id = $1",
        limit.id.0,
        max,
        i16::from(limit.without_redis_percent),
        limit.version,
    )
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
