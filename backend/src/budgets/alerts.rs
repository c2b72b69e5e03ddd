//! The thresholds that a budget reached, newest first.

use super::store;
use crate::http::{Answer, ApiError, At, OrgCtx, PageQuery, Result};
use contract::api::budgets::BudgetAlert;
use contract::id::BudgetId;
use contract::page::Page;
use contract::role::Action;

/// The thresholds that a budget reached, newest first. Each is told once a period.
#[utoipa::path(get, path = "/v1/orgs/{org}/budgets/{budget}/alerts", tag = "budgets",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<BudgetAlert>)))]
pub async fn list_budget_alerts(
    ctx: OrgCtx,
    At(id): At<BudgetId>,
    page: PageQuery,
) -> Result<Answer<Page<BudgetAlert>>> {
    let mut tx = ctx.tenant_tx(Action::ViewBudgets).await?;
    store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let alerts = store::alerts(&mut tx, id, &page).await?;
    Ok(Answer::ok(page.page(alerts, |alert| (alert.at, alert.id.0))))
}
