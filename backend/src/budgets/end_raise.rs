//! Ends a raise before its time.

use super::{raise, store};
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, OrgCtx, Result};
use contract::api::budgets::Budget;
use contract::id::{BudgetId, RaiseId};
use contract::role::Action;

/// Ends a raise now.
#[utoipa::path(delete, path = "/v1/orgs/{org}/budgets/{budget}/raises/{raise}", tag = "budgets",
    responses((status = 200, body = Budget)))]
pub async fn end_budget_raise(
    ctx: OrgCtx,
    At(id): At<BudgetId>,
    At(raise): At<RaiseId>,
) -> Result<Answer<Budget>> {
    let mut tx = ctx.tenant_tx(Action::EditBudget).await?;
    let row = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let ended = row.raises.iter().find(|one| one.id == raise).ok_or_else(ApiError::not_found)?;
    store::end_raise(&mut tx, raise).await?;
    let after = raise::changed(&mut tx, id).await?;
    let entry = Entry::new("end_budget_raise", "budget", id).before(&ended.shown());
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}
