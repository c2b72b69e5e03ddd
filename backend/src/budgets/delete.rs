//! Removes a budget, with its raises and alerts.

use super::{model, shown, store};
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{ApiError, At, OrgCtx, Result};
use crate::outbox;
use contract::id::BudgetId;
use contract::role::Action;
use contract::snapshot::Kind;
use http::StatusCode;

/// Removes a budget. Its alerts go with it.
#[utoipa::path(delete, path = "/v1/orgs/{org}/budgets/{budget}", tag = "budgets",
    responses((status = 204)))]
pub async fn delete_budget(ctx: OrgCtx, At(id): At<BudgetId>) -> Result<StatusCode> {
    let mut tx = ctx.tenant_tx(Action::EditBudget).await?;
    let row = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let before = shown::whole(&mut tx, &row).await?;
    store::delete(&mut tx, id).await?;
    outbox::push(&mut tx, Kind::Limit, model::limit_id(id)).await?;
    audit::record(&mut tx, Entry::new("delete_budget", "budget", id).before(&before)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
