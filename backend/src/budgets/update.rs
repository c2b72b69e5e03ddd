//! Changes a budget. What was spent stays spent.

use super::create::check_fit;
use super::model::{self, Row};
use super::{shown, store};
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OrgCtx, Patch, Result};
use crate::outbox;
use contract::api::budgets::{Budget, BudgetAction, UpdateBudget};
use contract::id::BudgetId;
use contract::role::Action;
use contract::snapshot::Kind;

/// Changes a budget's name, amount, thresholds or action.
#[utoipa::path(patch, path = "/v1/orgs/{org}/budgets/{budget}", tag = "budgets",
    request_body = UpdateBudget, responses((status = 200, body = Budget)))]
pub async fn update_budget(
    ctx: OrgCtx,
    At(id): At<BudgetId>,
    patch: Patch<UpdateBudget>,
) -> Result<Answer<Budget>> {
    let mut tx = ctx.tenant_tx(Action::EditBudget).await?;
    let row = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let before = shown::whole(&mut tx, &row).await?;
    let body = patch.over(&before, row.version)?;
    let after = update(&mut tx, row, &body).await?;
    let entry = Entry::new("update_budget", "budget", id).before(&before).after(&after);
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}

async fn update(tx: &mut TenantTx, row: Row, body: &UpdateBudget) -> Result<Budget> {
    let mut check = Check::new();
    let name = check.line("/name", &body.name, 1..=80).to_owned();
    let amount = check.take(model::amount("/amount_usd", body.amount_usd));
    let thresholds = check.take(model::thresholds(Some(&body.thresholds)));
    check.take(model::action(body.action));
    let changed = body.action != row.action;
    let version = row.version + 1;
    let row = Row { name, amount, thresholds, action: body.action, version, ..row };
    if row.most() > model::AMOUNT_MAX {
        check.all([model::too_much("/amount_usd")]);
    }
    check.done()?;
    if let BudgetAction::Downgrade { model_id } = row.action
        && changed
    {
        check_fit(tx, &row, model_id).await?;
    }
    store::update(tx, &row).await?;
    outbox::push(tx, Kind::Limit, model::limit_id(row.id)).await?;
    let row = store::find(tx, row.id).await?.ok_or_else(ApiError::not_found)?;
    Ok(shown::whole(tx, &row).await?)
}
