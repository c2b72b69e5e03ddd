//! What the catalogue shows: published products with their models, prices and plans. Read by
//! anybody; what tells where a model runs comes from [`sources`], which only the platform reads.

use crate::billing::tariffs::model::shown as shown_tariff;
use crate::billing::tariffs::store::{Versions, versions_of};
use crate::db::{SystemTx, Tx};
use crate::http::PageQuery;
use crate::limits::model::shown;
use crate::limits::store::zone;
use crate::models;
use contract::Timestamp;
use contract::api::billing::UnknownPolicy;
use contract::api::catalog::{Approval, CatalogModel, Plan, PlanLimit, PlanPrice};
use contract::api::tariffs::TariffChange;
use contract::id::{ModelId, PlanId, ProductId};
use contract::money::Rates;
use contract::snapshot::{CachePolicy, Lifecycle, Metric, Modality, ProductKind, Window};
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

/// A product in the catalogue.
#[derive(Debug, Clone)]
pub struct Shelved {
    pub id: ProductId,
    pub slug: String,
    pub name: String,
    pub kind: ProductKind,
    pub summary: String,
    pub description: String,
    pub created_at: Timestamp,
}

/// What of the catalogue is asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Words of a name, a summary or a model's name; any case.
    pub q: Option<String>,
    pub modality: Option<Modality>,
}

/// Published products, newest first.
pub async fn list(
    tx: &mut impl Tx,
    filter: &Filter,
    page: &PageQuery,
) -> sqlx::Result<Vec<Shelved>> {
    sqlx::query_as!(
        Shelved,
        r#"select id as "id: ProductId", slug, name, kind as "kind: ProductKind", summary,
             description, created_at
           from products
           where state = 'published'
             and ($1::text is null
               or position(lower($1) in lower(name || ' ' || slug || ' ' || summary)) > 0
               or exists (select from product_models pm join models m on m.id = pm.model_id
                 where pm.product_id = products.id
                   and position(lower($1) in lower(m.name || ' ' || m.display_name)) > 0))
             and ($2::text is null or exists (select from product_models pm
               join models m on m.id = pm.model_id
               where pm.product_id = products.id and m.modality = $2))
             and ($3::timestamptz is null or (created_at, id) < ($3, $4))
           order by created_at desc, id desc limit $5"#,
        filter.q,
        filter.modality.map(Modality::as_str),
        page.after_at(),
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await
}

/// A published product by slug or id.
pub async fn find(tx: &mut impl Tx, named: &str) -> sqlx::Result<Option<Shelved>> {
    let id = named.parse::<ProductId>().ok().map(|id| id.0);
    sqlx::query_as!(
        Shelved,
        r#"select id as "id: ProductId", slug, name, kind as "kind: ProductKind", summary,
             description, created_at
           from products where state = 'published' and (id = $1 or slug = $2)"#,
        id,
        named,
    )
    .fetch_optional(tx.conn())
    .await
}

/// The models of each of `products`, in the product's order, without who runs them.
pub async fn models_of(
    tx: &mut impl Tx,
    products: &[ProductId],
) -> sqlx::Result<HashMap<ProductId, Vec<CatalogModel>>> {
    let products: Vec<Uuid> = products.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select pm.product_id as "product_id: ProductId", m.id as "id: ModelId", m.name,
             m.display_name, m.modality as "modality: Modality", m.state as "state: Lifecycle",
             m.context_tokens_max, m.output_tokens_max, m.deprecated_at, m.sunset_at,
             s.name as "successor?"
           from product_models pm join models m on m.id = pm.model_id
           left join models s on s.id = m.successor_id
           where pm.product_id = any($1) and m.state in ('active', 'deprecated')
           order by pm.position"#,
        &products,
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
    let prices = models::store::list_prices_in_force(tx, &ids).await?;
    let mut by_product: HashMap<ProductId, Vec<CatalogModel>> = HashMap::new();
    for row in rows {
        by_product.entry(row.product_id).or_default().push(CatalogModel {
            price: prices.get(&row.id).cloned(),
            id: row.id,
            name: row.name,
            display_name: row.display_name,
            modality: row.modality,
            state: row.state,
            context_tokens_max: row.context_tokens_max.unsigned_abs(),
            output_tokens_max: row.output_tokens_max.unsigned_abs(),
            provider_names: Vec::new(),
            regions: Vec::new(),
            deprecated_at: row.deprecated_at,
            sunset_at: row.sunset_at,
            successor: row.successor,
        });
    }
    Ok(by_product)
}

/// Adds who runs each model and where, by name: never an address.
pub async fn sources(tx: &mut SystemTx, models: &mut [CatalogModel]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = models.iter().map(|model| model.id.0).collect();
    let rows = sqlx::query!(
        r#"select distinct d.model_id as "model_id: ModelId", p.name, d.region
           from deployments d join providers p on p.id = d.provider_id
           where d.model_id = any($1) and not d.disabled and not p.disabled
           order by p.name, d.region"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in rows {
        let Some(model) = models.iter_mut().find(|model| model.id == row.model_id) else {
            continue;
        };
        if !model.provider_names.contains(&row.name) {
            model.provider_names.push(row.name);
        }
        if !row.region.is_empty() && !model.regions.contains(&row.region) {
            model.regions.push(row.region);
        }
    }
    Ok(())
}

/// A plan, which nobody else changes until the transaction ends.
pub async fn plan_for_update(tx: &mut SystemTx, id: PlanId) -> sqlx::Result<Option<Plan>> {
    let product = sqlx::query_scalar!(
        r#"select product_id as "product_id: ProductId" from plans where id = $1 for update"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(product) = product else { return Ok(None) };
    Ok(plans_of(tx, product).await?.into_iter().find(|plan| plan.id == id))
}

/// The plans of a product, oldest first.
pub async fn plans_of(tx: &mut impl Tx, product: ProductId) -> sqlx::Result<Vec<Plan>> {
    let rows = sqlx::query!(
        r#"select id as "id: PlanId", slug, name, description, approval as "approval: Approval",
             default_for_new_apps, output_tokens_max, version,
             unknown_policy as "unknown_policy: UnknownPolicy", cache as "cache: Json<CachePolicy>",
             priority
           from plans where product_id = $1 order by created_at, id"#,
        product.0,
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
    let mut limits = plan_limits(tx, &ids).await?;
    let mut prices = plan_prices(tx, &ids).await?;
    let tariffs = versions_of(tx, &ids).await?;
    Ok(rows
        .into_iter()
        .map(|row| Plan {
            id: row.id,
            product_id: product,
            slug: row.slug,
            name: row.name,
            description: row.description,
            approval: row.approval,
            default_for_new_apps: row.default_for_new_apps,
            output_tokens_max: row.output_tokens_max.map(i32::unsigned_abs),
            limits: limits.remove(&row.id).unwrap_or_default(),
            prices: prices.remove(&row.id).unwrap_or_default(),
            unknown_policy: row.unknown_policy,
            tariff: tariffs.get(&row.id).and_then(|of| of.now.as_ref()).map(shown_tariff),
            tariff_next: tariffs.get(&row.id).and_then(change),
            cache: row.cache.map(|cache| cache.0).unwrap_or_default(),
            priority: u8::try_from(row.priority).unwrap_or_default(),
            version: row.version,
        })
        .collect())
}

fn change(of: &Versions) -> Option<TariffChange> {
    let (from, tariff) = of.next.as_ref()?;
    Some(TariffChange { from: *from, tariff: tariff.as_ref().map(shown_tariff) })
}

async fn plan_limits(
    tx: &mut impl Tx,
    plans: &[Uuid],
) -> sqlx::Result<HashMap<PlanId, Vec<PlanLimit>>> {
    let rows = sqlx::query!(
        r#"select plan_id as "plan_id: PlanId", metric as "metric: Metric",
             time_window as "window: Window", sliding, time_zone, model_id as "model_id: ModelId",
             max, without_redis_percent
           from plan_limits where plan_id = any($1) order by id"#,
        plans,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut by_plan: HashMap<PlanId, Vec<PlanLimit>> = HashMap::new();
    for row in rows {
        let (max, max_usd) = shown(row.metric, row.max);
        let limit = PlanLimit {
            metric: row.metric,
            window: row.window,
            sliding: row.sliding,
            time_zone: zone(&row.time_zone)?,
            model_id: row.model_id,
            max,
            max_usd,
            without_redis_percent: u8::try_from(row.without_redis_percent).ok(),
        };
        by_plan.entry(row.plan_id).or_default().push(limit);
    }
    Ok(by_plan)
}

async fn plan_prices(
    tx: &mut impl Tx,
    plans: &[Uuid],
) -> sqlx::Result<HashMap<PlanId, Vec<PlanPrice>>> {
    let now = tx.now();
    let rows = sqlx::query!(
        r#"select distinct on (p.plan_id, m.name) p.plan_id as "plan_id!: PlanId", m.name,
             p.effective_from, p.rates as "rates: Json<Rates>"
           from prices p join models m on m.id = p.model_id
           where p.plan_id = any($1) and p.effective_from <= $2
           order by p.plan_id, m.name, p.effective_from desc"#,
        plans,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut by_plan: HashMap<PlanId, Vec<PlanPrice>> = HashMap::new();
    for row in rows {
        let price = models::model::price(&row.rates.0, row.effective_from);
        by_plan.entry(row.plan_id).or_default().push(PlanPrice { model_name: row.name, price });
    }
    Ok(by_plan)
}
