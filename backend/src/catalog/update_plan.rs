//! Changes what of a plan is not its limits: its tariff from the next month on, what becomes of calls of
//! unknown outcome, and of answers that are kept, and how urgent its calls are.

use super::{model, shelf, store};
use crate::audit::{self, Entry};
use crate::billing::tariffs::{Month, model as tariffs, store as versions, sums};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Patch, Result};
use crate::outbox;
use contract::api::catalog::Plan;
use contract::api::tariffs::{PlanTariff, UpdatePlan};
use contract::id::PlanId;
use contract::rating::Tariff;
use contract::snapshot::{CachePolicy, Kind};

/// Changes a plan. A tariff changes with the next calendar month (UTC), as the portal says beside it: what
/// runs is rated by what it began with. A change that is still to come is replaced.
#[utoipa::path(patch, path = "/v1/admin/plans/{plan}", tag = "products",
    request_body = UpdatePlan, responses((status = 200, body = Plan)))]
pub async fn update_plan(
    ctx: OperatorCtx,
    At(id): At<PlanId>,
    patch: Patch<UpdatePlan>,
) -> Result<Answer<Plan>> {
    let mut tx = ctx.system_tx("change a plan").await?;
    let before = shelf::plan_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let current = UpdatePlan {
        unknown_policy: before.unknown_policy,
        tariff: last(&before),
        cache: before.cache,
        priority: before.priority,
    };
    let body = patch.over(&current, before.version)?;
    let after = update(&mut tx, before, &body).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}

/// The tariff that the plan will have when nothing more is changed.
fn last(plan: &Plan) -> Option<PlanTariff> {
    plan.tariff_next.as_ref().map_or_else(|| plan.tariff.clone(), |next| next.tariff.clone())
}

/// # Errors
/// `request.invalid`.
pub async fn update(tx: &mut SystemTx, before: Plan, body: &UpdatePlan) -> Result<Plan> {
    let mut check = Check::new();
    let tariff = check_tariff(&mut check, body.tariff.as_ref());
    check.all(model::check_cache(&body.cache));
    if before.cache.semantic != body.cache.semantic {
        check_compares(tx, &mut check, &body.cache).await?;
    }
    check.all(model::check_priority(body.priority));
    check.done()?;
    let version = before.version + 1;
    if tariff.as_ref().map(tariffs::shown) != last(&before) {
        let from = Month::of(tx.now()).next();
        versions::insert(tx, (before.id, version), from, tariff.as_ref()).await?;
        sums::mark_first(tx, before.id, from).await?;
    }
    store::set_plan(tx, before.id, body, version).await?;
    if before.cache != body.cache || before.priority != body.priority {
        outbox::push(tx, Kind::Plan, before.id).await?;
    }
    let after = shelf::plan_for_update(tx, before.id).await?.ok_or_else(ApiError::not_found)?;
    let entry = Entry::new("update_plan", "plan", after.id).before(&before).after(&after);
    audit::record(tx, entry).await?;
    Ok(after)
}

/// Blames the model by which a plan compares calls, where it cannot. It is not retired meanwhile.
pub async fn check_compares(
    tx: &mut SystemTx,
    check: &mut Check,
    cache: &CachePolicy,
) -> Result<()> {
    if let Some(semantic) = cache.semantic {
        let known = store::candidates(tx, &[semantic.model_id]).await?;
        check.all(model::check_compares(known.first()));
    }
    Ok(())
}

/// Reads a tariff, and blames what is wrong with it.
pub fn check_tariff(check: &mut Check, tariff: Option<&PlanTariff>) -> Option<Tariff> {
    match tariff.map(tariffs::read)? {
        Ok(read) => Some(read),
        Err(errors) => {
            check.all(errors);
            None
        }
    }
}
