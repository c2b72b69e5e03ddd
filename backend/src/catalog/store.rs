//! All SQL that writes products and plans, and the operator's reading of them.

use super::model::Candidate;
use crate::db::{SystemTx, Tx as _};
use crate::http::PageQuery;
use contract::api::catalog::{Plan, Product, ProductState};
use contract::api::tariffs::UpdatePlan;
use contract::id::{ModelId, PlanId, ProductId};
use contract::snapshot::{CachePolicy, Lifecycle, Modality, ProductKind};
use sqlx::types::Json;
use uuid::Uuid;

pub async fn insert(tx: &mut SystemTx, product: &Product) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into products (id, slug, name, kind, summary, description, state, created_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        product.id.0,
        product.slug,
        product.name,
        product.kind.as_str(),
        product.summary,
        product.description,
        state_text(product.state),
        product.created_at,
        product.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn update(tx: &mut SystemTx, product: &Product) -> sqlx::Result<()> {
    sqlx::query!(
        "update products set name = $2, summary = $3, description = $4, state = $5, version = $6
         where id = $1",
        product.id.0,
        product.name,
        product.summary,
        product.description,
        state_text(product.state),
        product.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

const fn state_text(state: ProductState) -> &'static str {
    match state {
        ProductState::Draft => "draft",
        ProductState::Published => "published",
        ProductState::Withdrawn => "withdrawn",
    }
}

/// Replaces the product's list of models.
pub async fn set_models(
    tx: &mut SystemTx,
    product: ProductId,
    models: &[ModelId],
) -> sqlx::Result<()> {
    let models: Vec<Uuid> = models.iter().map(|id| id.0).collect();
    sqlx::query!("delete from product_models where product_id = $1", product.0)
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "insert into product_models (product_id, model_id, position)
         select $1, model_id, position from unnest($2::uuid[]) with ordinality as m (model_id, position)",
        product.0,
        &models,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn list_model_ids(tx: &mut SystemTx, product: ProductId) -> sqlx::Result<Vec<ModelId>> {
    sqlx::query_scalar!(
        r#"select model_id as "id: ModelId" from product_models where product_id = $1
           order by position"#,
        product.0,
    )
    .fetch_all(tx.conn())
    .await
}

/// Those of `ids` that exist, locked so that none is retired meanwhile.
pub async fn candidates(tx: &mut SystemTx, ids: &[ModelId]) -> sqlx::Result<Vec<Candidate>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let now = tx.now();
    let rows = sqlx::query!(
        r#"select id as "id: ModelId", name, modality as "modality: Modality",
             state as "state: Lifecycle",
             exists (select from prices where model_id = models.id and plan_id is null
               and effective_from <= $2) as "is_priced!"
           from models where id = any($1) order by id for share"#,
        &ids,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Candidate {
            id: row.id,
            name: row.name,
            modality: row.modality,
            state: row.state,
            is_priced: row.is_priced,
        })
        .collect())
}

pub async fn find(tx: &mut SystemTx, id: ProductId) -> sqlx::Result<Option<Product>> {
    Ok(select(tx, Some(id), None).await?.pop())
}

/// As [`find`], and nobody else changes it until the transaction ends.
pub async fn find_for_update(tx: &mut SystemTx, id: ProductId) -> sqlx::Result<Option<Product>> {
    sqlx::query!("select id from products where id = $1 for update", id.0)
        .fetch_optional(tx.conn())
        .await?;
    find(tx, id).await
}

pub async fn find_by_slug(tx: &mut SystemTx, slug: &str) -> sqlx::Result<Option<Product>> {
    let id =
        sqlx::query_scalar!(r#"select id as "id: ProductId" from products where slug = $1"#, slug)
            .fetch_optional(tx.conn())
            .await?;
    match id {
        Some(id) => find(tx, id).await,
        None => Ok(None),
    }
}

pub async fn list(tx: &mut SystemTx, page: &PageQuery) -> sqlx::Result<Vec<Product>> {
    select(tx, None, Some(page)).await
}

async fn select(
    tx: &mut SystemTx,
    id: Option<ProductId>,
    page: Option<&PageQuery>,
) -> sqlx::Result<Vec<Product>> {
    let rows = sqlx::query!(
        r#"select id as "id: ProductId", slug, name, kind as "kind: ProductKind", summary,
             description, state as "state: ProductState", created_at, version,
             array(select m.name from product_models pm join models m on m.id = pm.model_id
                   where pm.product_id = products.id order by pm.position) as "model_names!",
             (select count(*) from plans where plans.product_id = products.id) as "plan_count!"
           from products
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
    Ok(rows
        .into_iter()
        .map(|row| Product {
            id: row.id,
            slug: row.slug,
            name: row.name,
            kind: row.kind,
            summary: row.summary,
            description: row.description,
            state: row.state,
            model_names: row.model_names,
            plan_count: u32::try_from(row.plan_count).unwrap_or(u32::MAX),
            created_at: row.created_at,
            version: row.version,
        })
        .collect())
}

pub async fn insert_plan(tx: &mut SystemTx, plan: &Plan, is_auto: bool) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into plans (id, product_id, slug, name, description, approval,
           default_for_new_apps, output_tokens_max, created_at, version, unknown_policy, cache,
           priority)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        plan.id.0,
        plan.product_id.0,
        plan.slug,
        plan.name,
        plan.description,
        if is_auto { "auto" } else { "manual" },
        plan.default_for_new_apps,
        plan.output_tokens_max.and_then(|max| i32::try_from(max).ok()),
        now,
        plan.version,
        plan.unknown_policy.as_str(),
        stored(&plan.cache) as Option<Json<&CachePolicy>>,
        i16::from(plan.priority),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether calls of the model can be limited: it is in the catalogue and not retired.
pub async fn is_callable(tx: &mut SystemTx, model: ModelId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from models where id = $1 and state in ('active', 'deprecated'))
             as "callable!""#,
        model.0,
    )
    .fetch_one(tx.conn())
    .await
}

/// Some plans that compare calls by a model, as `product/plan`.
pub async fn plans_that_compare_by(tx: &mut SystemTx, model: ModelId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select products.slug || '/' || plans.slug as "name!" from plans
             join products on products.id = plans.product_id
           where cache #>> '{semantic,model_id}' = $1 order by 1 limit 5"#,
        model.to_string(),
    )
    .fetch_all(tx.conn())
    .await
}

/// As a plan's row holds it: nothing where nothing is kept or shared.
fn stored(cache: &CachePolicy) -> Option<Json<&CachePolicy>> {
    (!cache.is_default()).then_some(Json(cache))
}

pub async fn set_plan(
    tx: &mut SystemTx,
    plan: PlanId,
    terms: &UpdatePlan,
    version: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update plans set unknown_policy = $2, version = $3, cache = $4, priority = $5
         where id = $1",
        plan.0,
        terms.unknown_policy.as_str(),
        version,
        stored(&terms.cache) as Option<Json<&CachePolicy>>,
        i16::from(terms.priority),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn set_plan_version(tx: &mut SystemTx, plan: PlanId, version: i64) -> sqlx::Result<()> {
    sqlx::query!("update plans set version = $2 where id = $1", plan.0, version)
        .execute(tx.conn())
        .await?;
    Ok(())
}
