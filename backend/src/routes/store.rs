//! All SQL on routes and their versions, and on what they may name. A transaction of an org finds
//! the org's routes, one of the platform the platform's.

use crate::db::{SystemTx, Tx};
use crate::http::PageQuery;
use contract::api::routes::{Route, RoutePlace, RouteVersion};
use contract::id::{DeploymentId, ModelId, OrgId, RouteId, RouteVersionId};
use contract::snapshot::{Fallbacks, Lifecycle, Modality, RoutePolicy};
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

pub async fn insert(
    tx: &mut impl Tx,
    id: RouteId,
    model: ModelId,
    is_active: bool,
) -> sqlx::Result<()> {
    let (org, now) = (tx.org().map(|org| org.0), tx.now());
    sqlx::query!(
        "insert into routes (id, org_id, model_id, number, active, created_at)
         values ($1, $2, $3, 1, $4, $5)",
        id.0,
        org,
        model.0,
        is_active.then_some(1),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_version(
    tx: &mut impl Tx,
    route: RouteId,
    number: u32,
    policy: &RoutePolicy,
    note: &str,
) -> sqlx::Result<()> {
    let id = tx.new_id(RouteVersionId::new);
    let (org, now, name) = (tx.org().map(|org| org.0), tx.now(), tx.actor().name.clone());
    sqlx::query!(
        "insert into route_versions (id, route_id, org_id, number, policy, note, created_by_name,
           created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.0,
        route.0,
        org,
        stored(number),
        Json(policy) as _,
        note,
        name,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn update(
    tx: &mut impl Tx,
    id: RouteId,
    number: u32,
    active: Option<u32>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update routes set number = $2, active = $3, version = version + 1 where id = $1",
        id.0,
        stored(number),
        active.map(stored),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete(tx: &mut impl Tx, id: RouteId) -> sqlx::Result<()> {
    sqlx::query!("delete from routes where id = $1", id.0).execute(tx.conn()).await?;
    Ok(())
}

pub async fn find(tx: &mut impl Tx, id: RouteId) -> sqlx::Result<Option<Route>> {
    Ok(select(tx, Some(id), None).await?.pop())
}

/// As [`find`], and nobody else changes it until the transaction ends.
pub async fn find_for_update(tx: &mut impl Tx, id: RouteId) -> sqlx::Result<Option<Route>> {
    sqlx::query!("select id from routes where id = $1 for update", id.0)
        .fetch_optional(tx.conn())
        .await?;
    find(tx, id).await
}

pub async fn list(tx: &mut impl Tx, page: &PageQuery) -> sqlx::Result<Vec<Route>> {
    select(tx, None, Some(page)).await
}

async fn select(
    tx: &mut impl Tx,
    id: Option<RouteId>,
    page: Option<&PageQuery>,
) -> sqlx::Result<Vec<Route>> {
    let org = tx.org().map(|org| org.0);
    let rows = sqlx::query!(
        r#"select r.id as "id: RouteId", r.org_id as "org_id: OrgId",
             r.model_id as "model_id: ModelId", m.name as model_name,
             v.policy as "policy: Json<RoutePolicy>", r.number, r.active, r.created_at, r.version
           from routes r join models m on m.id = r.model_id
           join route_versions v on v.route_id = r.id and v.number = r.number
           where r.org_id is not distinct from $1 and ($2::uuid is null or r.id = $2)
             and ($3::timestamptz is null or (r.created_at, r.id) < ($3, $4))
           order by r.created_at desc, r.id desc limit $5"#,
        org,
        id.map(|id| id.0),
        page.and_then(PageQuery::after_at),
        page.and_then(PageQuery::after_id),
        page.map(PageQuery::fetch),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Route {
            id: row.id,
            org_id: row.org_id,
            model_id: row.model_id,
            model_name: row.model_name,
            policy: row.policy.0,
            number: row.number.unsigned_abs(),
            active: row.active.map(i32::unsigned_abs),
            created_at: row.created_at,
            version: row.version,
        })
        .collect())
}

pub async fn find_policy(
    tx: &mut impl Tx,
    route: RouteId,
    number: u32,
) -> sqlx::Result<Option<RoutePolicy>> {
    let policy = sqlx::query_scalar!(
        r#"select policy as "policy: Json<RoutePolicy>" from route_versions
           where route_id = $1 and number = $2"#,
        route.0,
        stored(number),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(policy.map(|policy| policy.0))
}

pub async fn list_versions(
    tx: &mut impl Tx,
    route: RouteId,
    page: &PageQuery,
) -> sqlx::Result<Vec<RouteVersion>> {
    let rows = sqlx::query!(
        r#"select id as "id: RouteVersionId", number, policy as "policy: Json<RoutePolicy>", note,
             created_by_name, created_at
           from route_versions
           where route_id = $1 and ($2::uuid is null or number <
             (select number from route_versions last where last.id = $2 and last.route_id = $1))
           order by number desc limit $3"#,
        route.0,
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RouteVersion {
            id: row.id,
            number: row.number.unsigned_abs(),
            policy: row.policy.0,
            note: row.note,
            created_by_name: row.created_by_name,
            created_at: row.created_at,
        })
        .collect())
}

/// What counts for a model's calls of an org: its own route, else the platform's.
pub async fn find_active(
    tx: &mut impl Tx,
    org: Option<OrgId>,
    model: ModelId,
) -> sqlx::Result<Option<(RouteId, u32, RoutePolicy)>> {
    let row = sqlx::query!(
        r#"select r.id as "id: RouteId", v.number, v.policy as "policy: Json<RoutePolicy>"
           from routes r join route_versions v on v.route_id = r.id and v.number = r.active
           where r.model_id = $1 and (r.org_id is null or r.org_id = $2)
           order by r.org_id nulls last limit 1"#,
        model.0,
        org.map(|org| org.0),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.id, row.number.unsigned_abs(), row.policy.0)))
}

/// What the owner's routes that count fall back to.
pub async fn fallbacks(
    tx: &mut impl Tx,
    org: Option<OrgId>,
) -> sqlx::Result<HashMap<ModelId, Fallbacks>> {
    let rows = sqlx::query!(
        r#"select r.model_id as "model_id: ModelId",
             coalesce(v.policy -> 'fallbacks', '{}') as "fallbacks!: Json<Fallbacks>"
           from routes r join route_versions v on v.route_id = r.id and v.number = r.active
           where r.org_id is not distinct from $1"#,
        org.map(|org| org.0),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.model_id, row.fallbacks.0)).collect())
}

/// A model that a route may be of, or send calls to.
#[derive(Debug)]
pub struct ModelRow {
    pub id: ModelId,
    pub name: String,
    pub modality: Modality,
    pub state: Lifecycle,
}

/// Every model; of an org those that one of its apps is subscribed to.
pub async fn models(tx: &mut impl Tx, org: Option<OrgId>) -> sqlx::Result<Vec<ModelRow>> {
    let now = tx.now();
    let rows = sqlx::query!(
        r#"select id as "id: ModelId", name, modality as "modality: Modality",
             state as "state: Lifecycle"
           from models
           where $1::uuid is null or (state <> 'draft' and id in (
             select pm.model_id from subscriptions s join product_models pm using (product_id)
             where s.org_id = $1 and s.state = 'active'
               and (s.expires_at is null or s.expires_at > $2)))
           order by name"#,
        org.map(|org| org.0),
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ModelRow {
            id: row.id,
            name: row.name,
            modality: row.modality,
            state: row.state,
        })
        .collect())
}

/// The deployments of [`models`], by the model's name.
pub async fn places(tx: &mut impl Tx, org: Option<OrgId>) -> sqlx::Result<Vec<RoutePlace>> {
    let models = models(tx, org).await?;
    let ids: Vec<Uuid> = models.iter().map(|model| model.id.0).collect();
    let rows = sqlx::query!(
        r#"select id as "id: DeploymentId", model_id as "model_id: ModelId", region,
             case when disabled then 0 else weight end as "weight!"
           from deployments where model_id = any($1) order by id"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut by_model: HashMap<ModelId, Vec<RoutePlace>> = HashMap::new();
    let names: HashMap<ModelId, &str> =
        models.iter().map(|model| (model.id, model.name.as_str())).collect();
    for row in rows {
        by_model.entry(row.model_id).or_default().push(RoutePlace {
            deployment_id: row.id,
            model_id: row.model_id,
            model_name: names.get(&row.model_id).copied().unwrap_or_default().to_owned(),
            region: row.region,
            weight: row.weight.unsigned_abs(),
        });
    }
    Ok(models.iter().flat_map(|model| by_model.remove(&model.id).unwrap_or_default()).collect())
}

/// A deployment as a plan sees it.
#[derive(Debug)]
pub struct PlaceSeenRow {
    pub id: DeploymentId,
    pub model_id: ModelId,
    pub model_name: String,
    pub region: String,
    /// The label of the version that answers there.
    pub version: Option<String>,
    pub weight: u32,
    /// It and its provider are enabled, and its version takes calls.
    pub is_open: bool,
    /// The model's, where it has none of its own; 0: nobody knows.
    pub context_tokens_max: u32,
    pub lacks: Vec<String>,
}

/// The deployments of a model, and those of `ids`.
pub async fn places_seen(
    tx: &mut SystemTx,
    model: ModelId,
    ids: &[Uuid],
) -> sqlx::Result<Vec<PlaceSeenRow>> {
    let rows = sqlx::query!(
        r#"select d.id as "id: DeploymentId", d.model_id as "model_id: ModelId", m.name, d.region,
             v.label as "label?", d.weight,
             not d.disabled and not p.disabled
               and coalesce(v.state in ('active', 'deprecated'), true) as "is_open!",
             case d.context_tokens_max when 0 then m.context_tokens_max
               else d.context_tokens_max end as "context_tokens_max!",
             d.lacks
           from deployments d join models m on m.id = d.model_id
           join providers p on p.id = d.provider_id
           left join model_versions v on v.id = d.model_version_id
           where d.model_id = $1 or d.id = any($2) order by d.id"#,
        model.0,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PlaceSeenRow {
            id: row.id,
            model_id: row.model_id,
            model_name: row.name,
            region: row.region,
            version: row.label,
            weight: row.weight.unsigned_abs(),
            is_open: row.is_open,
            context_tokens_max: row.context_tokens_max.unsigned_abs(),
            lacks: row.lacks,
        })
        .collect())
}

fn stored(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
