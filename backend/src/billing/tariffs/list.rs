//! What tariffs make of an org's month: so far while it runs, as posted when it is over.

use super::store::{self, Closed};
use super::{Month, model, rate, sums};
use crate::db::{TenantTx, Tx as _};
use crate::http::page::query_param;
use crate::http::{Answer, ApiError, OrgCtx, Result};
use axum::extract::FromRequestParts;
use contract::api::billing::LedgerKind;
use contract::api::tariffs::{ModelUse, PlanMonth};
use contract::error::FieldError;
use contract::id::{ModelId, PlanId};
use contract::money::{Nanos, Usd};
use contract::page::Page;
use contract::rating::{Tariff, Volume};
use contract::role::Action;
use http::request::Parts;
use std::collections::{BTreeSet, HashMap};

/// `?month=`: one month; without it the one that runs.
#[derive(Debug, Clone, Copy)]
pub struct OfMonth(Option<Month>);

impl<S: Send + Sync> FromRequestParts<S> for OfMonth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(text) = query_param(parts, "month") else { return Ok(Self(None)) };
        let month = text
            .parse()
            .map_err(|why: &str| ApiError::invalid(vec![FieldError::new("?month", why)]))?;
        Ok(Self(Some(month)))
    }
}

/// The plans with a tariff that the organisation used or was subscribed to in a month, all on one page.
#[utoipa::path(get, path = "/v1/orgs/{org}/plan-months", tag = "billing",
    params(("month" = Option<String>, Query)),
    responses((status = 200, body = Page<PlanMonth>)))]
pub async fn list_plan_months(ctx: OrgCtx, month: OfMonth) -> Result<Answer<Page<PlanMonth>>> {
    let mut tx = ctx.tenant_tx(Action::ViewCosts).await?;
    let month = month.0.unwrap_or_else(|| Month::of(tx.now()));
    let items = list(&mut tx, month).await?;
    Ok(Answer::ok(Page { items, next: None, has_more: false }))
}

/// # Errors
/// Postgres refused.
pub async fn list(tx: &mut TenantTx, month: Month) -> sqlx::Result<Vec<PlanMonth>> {
    let org = tx.org_id();
    let tariffs = store::in_force(tx, month).await?;
    if tariffs.is_empty() {
        return Ok(Vec::new());
    }
    let uses = sums::uses(tx, org, None, month).await?;
    let plans: Vec<PlanId> = tariffs.keys().copied().collect();
    let days = store::days(tx, org, &plans, month).await?;
    let closed = store::closed(tx, Some(org), Some(month)).await?;
    let seen: BTreeSet<PlanId> = uses
        .iter()
        .map(|one| one.plan_id)
        .chain(days.keys().copied())
        .chain(closed.iter().map(|one| one.plan_id))
        .collect();
    let models: BTreeSet<ModelId> = uses.iter().map(|one| one.model_id).collect();
    let names = names(tx, &seen, &models).await?;
    let mut months = Vec::new();
    for (plan, tariff) in tariffs.iter().filter(|(plan, _)| seen.contains(plan)) {
        let own: Vec<_> = uses.iter().filter(|one| one.plan_id == *plan).collect();
        let closed = closed.iter().find(|one| one.plan_id == *plan);
        let days = closed.map_or_else(|| days.get(plan).copied().unwrap_or(0), |one| one.days);
        months.push(one(tx, (*plan, month, days), tariff, &own, closed, &names).await?);
    }
    months.sort_by(|a, b| (&a.product_name, &a.plan_name).cmp(&(&b.product_name, &b.plan_name)));
    Ok(months)
}

async fn one(
    tx: &mut TenantTx,
    (plan_id, month, days): (PlanId, Month, u32),
    tariff: &Tariff,
    uses: &[&rate::Use],
    closed: Option<&Closed>,
    names: &Names,
) -> sqlx::Result<PlanMonth> {
    let figures = rate::rate(tariff, uses, month, days);
    let mut posted = Nanos::ZERO;
    for kind in [LedgerKind::Tariff, LedgerKind::Minimum] {
        let key = (tx.org_id(), plan_id, month);
        posted = posted.saturating_add(store::posted(tx, key, kind).await?.nanos);
    }
    let (plan_name, product_name) = names.plans.get(&plan_id).cloned().unwrap_or_default();
    Ok(PlanMonth {
        plan_id,
        plan_name,
        product_name,
        month: month.to_string(),
        tariff: model::shown(tariff),
        used: used(uses, names),
        billed_usd: Usd(figures.billed),
        tariff_usd: Usd(figures.tariff),
        days,
        minimum_usd: Usd(figures.minimum),
        missing_usd: Usd(figures.missing),
        total_usd: Usd(figures.total()),
        posted_usd: Usd(posted),
        closed_at: closed.map(|one| one.closed_at),
    })
}

/// Model by model, by name.
fn used(uses: &[&rate::Use], names: &Names) -> Vec<ModelUse> {
    let mut by_model: HashMap<ModelId, Volume> = HashMap::new();
    for one in uses {
        let sum = by_model.entry(one.model_id).or_default();
        *sum = sum.and(&one.used);
    }
    let each = by_model.into_iter().map(|(model_id, used)| {
        let model_name = names.models.get(&model_id).cloned().unwrap_or_default();
        ModelUse { model_id, model_name, used }
    });
    let mut list: Vec<ModelUse> = each.collect();
    list.sort_by(|a, b| a.model_name.cmp(&b.model_name));
    list
}

/// What plans (with their products) and models are called.
struct Names {
    plans: HashMap<PlanId, (String, String)>,
    models: HashMap<ModelId, String>,
}

async fn names(
    tx: &mut TenantTx,
    plans: &BTreeSet<PlanId>,
    models: &BTreeSet<ModelId>,
) -> sqlx::Result<Names> {
    let plans: Vec<_> = plans.iter().map(|plan| plan.0).collect();
    let models: Vec<_> = models.iter().map(|model| model.0).collect();
    let plans = sqlx::query!(
        r#"select plans.id as "id: PlanId", plans.name, products.name as product
           from plans join products on products.id = product_id where plans.id = any($1)"#,
        &plans,
    )
    .fetch_all(tx.conn())
    .await?;
    let models = sqlx::query!(
        r#"select id as "id: ModelId", name from models where id = any($1)"#,
        &models,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(Names {
        plans: plans.into_iter().map(|row| (row.id, (row.name, row.product))).collect(),
        models: models.into_iter().map(|row| (row.id, row.name)).collect(),
    })
}
