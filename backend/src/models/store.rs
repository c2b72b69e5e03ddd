//! All SQL on models, deployments and prices.

use super::model;
use crate::db::{SystemTx, Tx};
use crate::http::PageQuery;
use crate::lifecycle::cut_overs::store as cut_overs;
use crate::lifecycle::names::Node;
use crate::lifecycle::store as lifecycle;
use contract::Timestamp;
use contract::api::catalog::Price;
use contract::api::lifecycle::BrownOut;
use contract::api::models::{Deployment, Model, PriceVersion};
use contract::id::{DeploymentId, ModelId, PlanId, PriceId, ProviderId};
use contract::money::Rates;
use contract::snapshot::{Feature, Lifecycle, Modality};
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

pub async fn insert(tx: &mut SystemTx, model: &Model) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into models (id, name, display_name, modality, state, context_tokens_max,
           output_tokens_max, created_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        model.id.0,
        model.name,
        model.display_name,
        model.modality.as_str(),
        model.state.as_str(),
        i32::try_from(model.context_tokens_max).unwrap_or(i32::MAX),
        i32::try_from(model.output_tokens_max).unwrap_or(i32::MAX),
        model.created_at,
        model.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn update(tx: &mut SystemTx, model: &Model) -> sqlx::Result<()> {
    sqlx::query!(
        "update models set display_name = $2, state = $3, context_tokens_max = $4,
           output_tokens_max = $5, version = $6, deprecated_at = $7, sunset_at = $8,
           retired_at = $9, successor_id = (select s.id from models s where s.name = $10)
         where id = $1",
        model.id.0,
        model.display_name,
        model.state.as_str(),
        i32::try_from(model.context_tokens_max).unwrap_or(i32::MAX),
        i32::try_from(model.output_tokens_max).unwrap_or(i32::MAX),
        model.version,
        model.deprecated_at,
        model.sunset_at,
        model.retired_at,
        model.successor,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn find(tx: &mut SystemTx, id: ModelId) -> sqlx::Result<Option<Model>> {
    Ok(select(tx, Some(id), None).await?.pop())
}

/// As [`find`], and nobody else changes it until the transaction ends.
pub async fn find_for_update(tx: &mut SystemTx, id: ModelId) -> sqlx::Result<Option<Model>> {
    sqlx::query!("select id from models where id = $1 for update", id.0)
        .fetch_optional(tx.conn())
        .await?;
    find(tx, id).await
}

pub async fn find_by_name(tx: &mut SystemTx, name: &str) -> sqlx::Result<Option<Model>> {
    let id = sqlx::query_scalar!(r#"select id as "id: ModelId" from models where name = $1"#, name)
        .fetch_optional(tx.conn())
        .await?;
    match id {
        Some(id) => find(tx, id).await,
        None => Ok(None),
    }
}

pub async fn list(tx: &mut SystemTx, page: &PageQuery) -> sqlx::Result<Vec<Model>> {
    select(tx, None, Some(page)).await
}

async fn select(
    tx: &mut SystemTx,
    id: Option<ModelId>,
    page: Option<&PageQuery>,
) -> sqlx::Result<Vec<Model>> {
    let rows = sqlx::query!(
        r#"select id as "id: ModelId", name, display_name, modality as "modality: Modality",
             state as "state: Lifecycle", context_tokens_max, output_tokens_max, deprecated_at,
             sunset_at, retired_at,
             (select s.name from models s where s.id = models.successor_id) as successor,
             created_at, version
           from models
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
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
    let mut deployments = deployments_of(tx, &ids).await?;
    let mut prices = list_prices_in_force(tx, &ids).await?;
    let mut versions = lifecycle::versions_of(tx, &ids).await?;
    let mut brown_outs: HashMap<ModelId, Vec<BrownOut>> = HashMap::new();
    for one in lifecycle::open_brown_outs(tx, Some(&ids)).await? {
        brown_outs.entry(one.model_id).or_default().push(one);
    }
    let names = lifecycle::names(tx).await?;
    let mut next = cut_overs::pending(tx, &names).await?;
    let lead = |id| names.get(Node::Model(id)).and_then(|name| name.lead.as_ref());
    Ok(rows
        .into_iter()
        .map(|row| Model {
            id: row.id,
            name: row.name,
            display_name: row.display_name,
            modality: row.modality,
            state: row.state,
            context_tokens_max: row.context_tokens_max.unsigned_abs(),
            output_tokens_max: row.output_tokens_max.unsigned_abs(),
            deployments: deployments.remove(&row.id).unwrap_or_default(),
            price: prices.remove(&row.id),
            deprecated_at: row.deprecated_at,
            sunset_at: row.sunset_at,
            retired_at: row.retired_at,
            successor: row.successor,
            leads_to: lead(row.id).map(|lead| names.spell(lead)),
            next: next.remove(&Node::Model(row.id)),
            versions: versions.remove(&row.id).unwrap_or_default(),
            brown_outs: brown_outs.remove(&row.id).unwrap_or_default(),
            aliases: names.aliases_of(row.id),
            created_at: row.created_at,
            version: row.version,
        })
        .collect())
}

async fn deployments_of(
    tx: &mut SystemTx,
    models: &[Uuid],
) -> sqlx::Result<HashMap<ModelId, Vec<Deployment>>> {
    let mut by_model: HashMap<ModelId, Vec<Deployment>> = HashMap::new();
    for deployment in select_deployments(tx, None, models).await? {
        by_model.entry(deployment.model_id).or_default().push(deployment);
    }
    Ok(by_model)
}

pub async fn find_deployment_for_update(
    tx: &mut SystemTx,
    id: DeploymentId,
) -> sqlx::Result<Option<Deployment>> {
    sqlx::query!("select id from deployments where id = $1 for update", id.0)
        .fetch_optional(tx.conn())
        .await?;
    Ok(select_deployments(tx, Some(id), &[]).await?.pop())
}

async fn select_deployments(
    tx: &mut SystemTx,
    id: Option<DeploymentId>,
    models: &[Uuid],
) -> sqlx::Result<Vec<Deployment>> {
    let rows = sqlx::query!(
        r#"select d.id as "id: DeploymentId", d.model_id as "model_id: ModelId",
             d.provider_id as "provider_id: ProviderId", p.name as provider_name, d.upstream_model,
             d.region, d.weight, d.disabled, d.context_tokens_max, d.lacks,
             v.label as "label?", d.version
           from deployments d join providers p on p.id = d.provider_id
           left join model_versions v on v.id = d.model_version_id
           where d.id = $1 or d.model_id = any($2)
           order by d.created_at, d.id"#,
        id.map(|id| id.0),
        models,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Deployment {
            id: row.id,
            model_id: row.model_id,
            provider_id: row.provider_id,
            provider_name: row.provider_name,
            upstream_model: row.upstream_model,
            region: row.region,
            weight: row.weight.unsigned_abs(),
            disabled: row.disabled,
            context_tokens_max: row.context_tokens_max.unsigned_abs(),
            lacks: row.lacks.iter().filter_map(|word| Feature::parse(word)).collect(),
            model_version: row.label,
            version: row.version,
        })
        .collect())
}

pub async fn insert_deployment(tx: &mut SystemTx, new: &Deployment) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into deployments (id, model_id, provider_id, upstream_model, region, weight,
           disabled, context_tokens_max, lacks, created_at, version, model_version_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
           (select id from model_versions where model_id = $2 and label = $12))",
        new.id.0,
        new.model_id.0,
        new.provider_id.0,
        new.upstream_model,
        new.region,
        i32::try_from(new.weight).unwrap_or(i32::MAX),
        new.disabled,
        i32::try_from(new.context_tokens_max).unwrap_or(i32::MAX),
        &words(&new.lacks) as _,
        now,
        new.version,
        new.model_version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn update_deployment(tx: &mut SystemTx, deployment: &Deployment) -> sqlx::Result<()> {
    sqlx::query!(
        "update deployments set weight = $2, disabled = $3, context_tokens_max = $4, lacks = $5,
           version = $6,
           model_version_id = (select v.id from model_versions v
             where v.model_id = deployments.model_id and v.label = $7)
         where id = $1",
        deployment.id.0,
        i32::try_from(deployment.weight).unwrap_or(i32::MAX),
        deployment.disabled,
        i32::try_from(deployment.context_tokens_max).unwrap_or(i32::MAX),
        &words(&deployment.lacks) as _,
        deployment.version,
        deployment.model_version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Features as they are stored.
fn words(features: &[Feature]) -> Vec<&'static str> {
    features.iter().map(|feature| feature.as_str()).collect()
}

/// The list price in force of each of `models`.
pub async fn list_prices_in_force(
    tx: &mut impl Tx,
    models: &[Uuid],
) -> sqlx::Result<HashMap<ModelId, Price>> {
    let rates = select_rates(tx, models).await?.into_iter();
    Ok(rates.map(|(model, (from, rates))| (model, model::price(&rates, from))).collect())
}

/// As [`list_prices_in_force`], as they are charged.
pub async fn list_rates_in_force(
    tx: &mut impl Tx,
    models: &[Uuid],
) -> sqlx::Result<HashMap<ModelId, Rates>> {
    let rates = select_rates(tx, models).await?.into_iter();
    Ok(rates.map(|(model, (_, rates))| (model, rates)).collect())
}

async fn select_rates(
    tx: &mut impl Tx,
    models: &[Uuid],
) -> sqlx::Result<HashMap<ModelId, (Timestamp, Rates)>> {
    let now = tx.now();
    let rows = sqlx::query!(
        r#"select distinct on (model_id) model_id as "model_id: ModelId", effective_from,
             rates as "rates: Json<Rates>"
           from prices where model_id = any($1) and plan_id is null and effective_from <= $2
           order by model_id, effective_from desc"#,
        models,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.model_id, (row.effective_from, row.rates.0))).collect())
}

pub async fn insert_price(
    tx: &mut SystemTx,
    price: &PriceVersion,
    rates: &Rates,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into prices (id, model_id, plan_id, effective_from, rates, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        price.id.0,
        price.model_id.0,
        price.plan_id.map(|id| id.0),
        price.price.effective_from,
        Json(rates) as _,
        price.created_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Every price of a model, the one that starts last first.
pub async fn list_prices(
    tx: &mut SystemTx,
    model: ModelId,
    page: &PageQuery,
) -> sqlx::Result<Vec<PriceVersion>> {
    let rows = sqlx::query!(
        r#"select id as "id: PriceId", plan_id as "plan_id: PlanId", effective_from,
             rates as "rates: Json<Rates>", created_at
           from prices
           where model_id = $1 and ($2::timestamptz is null or (effective_from, id) < ($2, $3))
           order by effective_from desc, id desc limit $4"#,
        model.0,
        page.after_at(),
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PriceVersion {
            id: row.id,
            model_id: model,
            plan_id: row.plan_id,
            price: model::price(&row.rates.0, row.effective_from),
            created_at: row.created_at,
        })
        .collect())
}

/// Whether a plan offers a model: only then can it have a price of its own for it.
pub async fn plan_offers(tx: &mut SystemTx, plan: PlanId, model: ModelId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from plans join product_models m using (product_id)
             where plans.id = $1 and m.model_id = $2) as "offers!""#,
        plan.0,
        model.0,
    )
    .fetch_one(tx.conn())
    .await
}

/// The list price in force, as it is charged.
pub async fn find_rates(
    tx: &mut SystemTx,
    model: ModelId,
) -> sqlx::Result<Option<(PriceId, Rates)>> {
    let now = tx.now();
    let row = sqlx::query!(
        r#"select id as "id: PriceId", rates as "rates: Json<Rates>" from prices
           where model_id = $1 and plan_id is null and effective_from <= $2
           order by effective_from desc limit 1"#,
        model.0,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.id, row.rates.0)))
}
