//! Changes the limits of a plan. Use of those that stay is kept.

use super::{model, shelf, store};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Patch, Result};
use crate::limits::plans;
use crate::outbox;
use contract::api::catalog::{Plan, PlanLimit, UpdatePlanLimits};
use contract::id::{LimitId, PlanId};
use contract::snapshot::Kind;

/// Replaces the limits of a plan. One that is like one that is there (metric, window, sliding,
/// model) changes it, and what was used of it stays used; the others are lifted.
#[utoipa::path(patch, path = "/v1/admin/plans/{plan}/limits", tag = "products",
    request_body = UpdatePlanLimits, responses((status = 200, body = Plan)))]
pub async fn update_plan_limits(
    ctx: OperatorCtx,
    At(id): At<PlanId>,
    patch: Patch<UpdatePlanLimits>,
) -> Result<Answer<Plan>> {
    let mut tx = ctx.system_tx("change the limits of a plan").await?;
    let before = shelf::plan_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let current = UpdatePlanLimits { limits: before.limits.clone() };
    let body = patch.over(&current, before.version)?;
    let after = update(&mut tx, before, &body.limits).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}

/// # Errors
/// `request.invalid`.
pub async fn update(tx: &mut SystemTx, before: Plan, limits: &[PlanLimit]) -> Result<Plan> {
    let mut check = Check::new();
    let wanted = check_limits(tx, &mut check, limits).await?;
    check.done()?;
    let mut there = plans::of_plan(tx, before.id).await?;
    for mut limit in wanted {
        let same = there.iter().position(|one| one.shape.counts_as(&limit.shape));
        let kept = same.map(|at| there.swap_remove(at));
        if let Some(kept) = kept {
            limit.id = kept.id;
        }
        if kept != Some(limit) {
            plans::put(tx, before.id, &limit).await?;
            outbox::push(tx, Kind::Limit, limit.id).await?;
        }
    }
    for gone in there {
        plans::delete(tx, gone.id).await?;
        outbox::push(tx, Kind::Limit, gone.id).await?;
    }
    store::set_plan_version(tx, before.id, before.version + 1).await?;
    let after = shelf::plan_for_update(tx, before.id).await?.ok_or_else(ApiError::not_found)?;
    let entry = Entry::new("update_plan_limits", "plan", after.id).before(&before).after(&after);
    audit::record(tx, entry).await?;
    Ok(after)
}

/// Reads a plan's limits, each with a new id, and blames what is wrong with them.
///
/// # Errors
/// Postgres refused.
pub async fn check_limits(
    tx: &mut SystemTx,
    check: &mut Check,
    limits: &[PlanLimit],
) -> Result<Vec<plans::Stored>> {
    check.all(model::check_limits(limits));
    let mut read = Vec::with_capacity(limits.len());
    for (index, limit) in limits.iter().enumerate() {
        if let Some(model) = limit.model_id {
            let callable = store::is_callable(tx, model).await?;
            let pointer = format!("/limits/{index}/model_id");
            check.that(callable, &pointer, "There is no such model, or it was retired.");
        }
        let (shape, max, percent) = model::read_limit(index, limit);
        read.push(plans::Stored {
            id: tx.new_id(LimitId::new),
            shape,
            max: check.take(max),
            without_redis_percent: check.take(percent),
        });
    }
    Ok(read)
}
