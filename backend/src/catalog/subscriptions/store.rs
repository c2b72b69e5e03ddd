//! All SQL on subscriptions.

use crate::db::{TenantTx, Tx as _};
use crate::http::PageQuery;
use contract::api::catalog::{Approval, ProductState, Subscription};
use contract::id::{AppId, PlanId, ProductId, SubscriptionId};
use contract::snapshot::SubscriptionState;
use std::collections::HashMap;

/// A plan as far as subscribing to it must know it.
#[derive(Debug, Clone)]
pub struct Offer {
    pub plan_id: PlanId,
    pub product_id: ProductId,
    pub approval: Approval,
    pub product_state: ProductState,
}

pub async fn find_offer(tx: &mut TenantTx, plan: PlanId) -> sqlx::Result<Option<Offer>> {
    sqlx::query_as!(
        Offer,
        r#"select plans.id as "plan_id: PlanId", product_id as "product_id: ProductId",
             approval as "approval: Approval", state as "product_state: ProductState"
           from plans join products on products.id = product_id where plans.id = $1"#,
        plan.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// The plans that new apps get, of products in the catalogue.
pub async fn default_plans(tx: &mut TenantTx) -> sqlx::Result<Vec<Offer>> {
    sqlx::query_as!(
        Offer,
        r#"select plans.id as "plan_id: PlanId", product_id as "product_id: ProductId",
             approval as "approval: Approval", state as "product_state: ProductState"
           from plans join products on products.id = product_id
           where default_for_new_apps and approval = 'auto' and state = 'published'
           order by plans.id"#
    )
    .fetch_all(tx.conn())
    .await
}

/// Makes an active subscription.
pub async fn insert(tx: &mut TenantTx, app: AppId, offer: &Offer) -> sqlx::Result<SubscriptionId> {
    let (id, org, now) = (tx.new_id(SubscriptionId::new), tx.org_id(), tx.now());
    sqlx::query!(
        "insert into subscriptions (id, org_id, app_id, product_id, plan_id, state, created_at)
         values ($1, $2, $3, $4, $5, 'active', $6)",
        id.0,
        org.0,
        app.0,
        offer.product_id.0,
        offer.plan_id.0,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// Whether the org has such an app.
pub async fn has_app(tx: &mut TenantTx, app: AppId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from apps where id = $1) as "has!""#, app.0)
        .fetch_one(tx.conn())
        .await
}

pub async fn find(tx: &mut TenantTx, id: SubscriptionId) -> sqlx::Result<Option<Subscription>> {
    Ok(select(tx, Some(id), None, None, None).await?.pop())
}

/// As [`find`], and nobody else changes it until the transaction ends.
pub async fn find_for_update(
    tx: &mut TenantTx,
    id: SubscriptionId,
) -> sqlx::Result<Option<Subscription>> {
    sqlx::query!("select id from subscriptions where id = $1 for update", id.0)
        .fetch_optional(tx.conn())
        .await?;
    find(tx, id).await
}

pub async fn list(
    tx: &mut TenantTx,
    app: Option<AppId>,
    page: &PageQuery,
) -> sqlx::Result<Vec<Subscription>> {
    select(tx, None, app, None, Some(page)).await
}

/// The org's live subscriptions to a product.
pub async fn list_of_product(
    tx: &mut TenantTx,
    product: ProductId,
) -> sqlx::Result<Vec<Subscription>> {
    let mut all = select(tx, None, None, Some(product), None).await?;
    all.retain(|s| {
        matches!(
            s.state,
            SubscriptionState::Requested | SubscriptionState::Active | SubscriptionState::Suspended
        )
    });
    Ok(all)
}

async fn select(
    tx: &mut TenantTx,
    id: Option<SubscriptionId>,
    app: Option<AppId>,
    product: Option<ProductId>,
    page: Option<&PageQuery>,
) -> sqlx::Result<Vec<Subscription>> {
    sqlx::query_as!(
        Subscription,
        r#"select s.id as "id: SubscriptionId", s.app_id as "app_id: AppId", a.name as app_name,
             s.product_id as "product_id: ProductId", p.slug as product_slug,
             p.name as product_name, s.plan_id as "plan_id: PlanId", plans.name as plan_name,
             s.state as "state: SubscriptionState", s.created_at, s.version
           from subscriptions s join apps a on a.id = s.app_id
             join products p on p.id = s.product_id join plans on plans.id = s.plan_id
           where ($1::uuid is null or s.id = $1) and ($2::uuid is null or s.app_id = $2)
             and ($3::uuid is null or s.product_id = $3)
             and ($4::timestamptz is null or (s.created_at, s.id) < ($4, $5))
           order by s.created_at desc, s.id desc limit $6"#,
        id.map(|id| id.0),
        app.map(|id| id.0),
        product.map(|id| id.0),
        page.and_then(PageQuery::after_at),
        page.and_then(PageQuery::after_id),
        page.map(PageQuery::fetch),
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn set_state(
    tx: &mut TenantTx,
    id: SubscriptionId,
    state: SubscriptionState,
    version: i64,
) -> sqlx::Result<()> {
    let ended = match state {
        SubscriptionState::Cancelled | SubscriptionState::Expired | SubscriptionState::Refused => {
            Some(tx.now())
        }
        SubscriptionState::Requested | SubscriptionState::Active | SubscriptionState::Suspended => {
            None
        }
    };
    sqlx::query!(
        "update subscriptions set state = $2, version = $3, ended_at = $4 where id = $1",
        id.0,
        state.as_str(),
        version,
        ended,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Apps of the org with a live subscription, by product.
pub async fn count_apps(tx: &mut TenantTx) -> sqlx::Result<HashMap<ProductId, u32>> {
    let rows = sqlx::query!(
        r#"select product_id as "product_id: ProductId", count(*) as "apps!" from subscriptions
           where state in ('requested', 'active', 'suspended') group by product_id"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.product_id, u32::try_from(row.apps).unwrap_or(u32::MAX)))
        .collect())
}

pub async fn list_ids_of_app(tx: &mut TenantTx, app: AppId) -> sqlx::Result<Vec<SubscriptionId>> {
    sqlx::query_scalar!(
        r#"select id as "id: SubscriptionId" from subscriptions where app_id = $1"#,
        app.0,
    )
    .fetch_all(tx.conn())
    .await
}
