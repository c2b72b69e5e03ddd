//! More money for a budget, for a while.

use super::model::{self, RaiseRow};
use super::{shown, store};
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OrgCtx, Post, Result};
use crate::outbox;
use chrono::TimeDelta;
use contract::api::budgets::{Budget, CreateRaise};
use contract::error::{ErrorCode, FieldError};
use contract::id::{BudgetId, RaiseId};
use contract::role::Action;
use contract::snapshot::Kind;

/// The furthest that a raise may reach into the future.
const ENDS_WITHIN: TimeDelta = TimeDelta::days(366);

/// Raises a budget until an instant. It ends by itself.
#[utoipa::path(post, path = "/v1/orgs/{org}/budgets/{budget}/raises", tag = "budgets",
    request_body = CreateRaise, responses((status = 201, body = Budget)))]
pub async fn raise_budget(
    ctx: OrgCtx,
    At(id): At<BudgetId>,
    post: Post<CreateRaise>,
) -> Result<Answer<Budget>> {
    let mut tx = ctx.tenant_tx(Action::EditBudget).await?;
    post.once(&mut tx).await?;
    let budget = raise(&mut tx, id, &post.body).await?;
    let version = budget.version;
    post.commit(tx, Answer::created(budget).version(version)).await
}

async fn raise(tx: &mut TenantTx, id: BudgetId, new: &CreateRaise) -> Result<Budget> {
    let row = store::find_for_update(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let now = tx.now();
    let mut check = Check::new();
    let add = check.take(amount(new));
    let reason = check.line("/reason", &new.reason, 1..=200).to_owned();
    // One that begins in the past begins now: what was refused stays refused.
    let starts_at = new.starts_at.map_or(now, |at| at.max(now));
    check.that(new.ends_at > starts_at, "/ends_at", "Choose a time to come, after the start.");
    check.that(new.ends_at - now <= ENDS_WITHIN, "/ends_at", "Choose a time within a year.");
    if row.most().saturating_add(add) > model::AMOUNT_MAX {
        check.all([model::too_much("/add_usd")]);
    }
    check.done()?;
    if row.raises.len() >= model::RAISES_MAX {
        let detail = format!("A budget has at most {} raises at a time.", model::RAISES_MAX);
        return Err(ApiError::new(ErrorCode::Conflict, detail));
    }
    let raise = RaiseRow {
        id: tx.new_id(RaiseId::new),
        add,
        starts_at,
        ends_at: new.ends_at,
        reason,
        created_by_name: tx.actor().name.clone(),
        created_at: now,
    };
    store::insert_raise(tx, id, &raise).await?;
    let after = changed(tx, id).await?;
    let entry = Entry::new("raise_budget", "budget", id).after(&raise.shown());
    audit::record(tx, entry).await?;
    Ok(after)
}

fn amount(new: &CreateRaise) -> Result<i64, FieldError> {
    match model::amount("/add_usd", new.add_usd)? {
        0 => Err(FieldError::new("/add_usd", "Use more than 0 dollars.")),
        add => Ok(add),
    }
}

/// Tells gateways and has the thresholds looked at again: what may be spent is another amount.
pub(super) async fn changed(tx: &mut TenantTx, id: BudgetId) -> Result<Budget> {
    store::set_unchecked(tx, id).await?;
    outbox::push(tx, Kind::Limit, model::limit_id(id)).await?;
    let row = store::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    Ok(shown::whole(tx, &row).await?)
}
