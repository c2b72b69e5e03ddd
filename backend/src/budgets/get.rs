//! One budget.

use super::{shown, store};
use crate::http::{Answer, ApiError, At, OrgCtx, Result};
use contract::api::budgets::Budget;
use contract::id::BudgetId;
use contract::role::Action;

/// One budget, with a forecast to the end of its period.
#[utoipa::path(get, path = "/v1/orgs/{org}/budgets/{budget}", tag = "budgets",
    responses((status = 200, body = Budget)))]
pub async fn get_budget(ctx: OrgCtx, At(id): At<BudgetId>) -> Result<Answer<Budget>> {
    let mut tx = ctx.tenant_tx(Action::ViewBudgets).await?;
    let row = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let budget = shown::whole(&mut tx, &row).await?;
    Ok(Answer::ok(budget).version(row.version))
}
