//! Changes how much a limit allows. What was used stays used.

use super::model::{self, Shape};
use super::store;
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OrgCtx, Patch, Result};
use crate::outbox;
use contract::api::limits::{Limit, UpdateLimit};
use contract::id::LimitId;
use contract::role::Action;
use contract::snapshot::Kind;

/// Changes how much a limit allows, and what it admits without Redis. What was used stays used.
#[utoipa::path(patch, path = "/v1/orgs/{org}/limits/{limit}", tag = "limits",
    request_body = UpdateLimit, responses((status = 200, body = Limit)))]
pub async fn update_limit(
    ctx: OrgCtx,
    At(id): At<LimitId>,
    patch: Patch<UpdateLimit>,
) -> Result<Answer<Limit>> {
    let mut tx = ctx.tenant_tx(Action::EditLimit).await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let body = patch.over(&before, before.version)?;
    let after = update(&mut tx, before, &body).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}

/// # Errors
/// `request.invalid`.
pub async fn update(tx: &mut TenantTx, before: Limit, body: &UpdateLimit) -> Result<Limit> {
    let shape = Shape::plain(before.metric, before.window);
    let mut check = Check::new();
    let max = check.take(model::amount("", before.metric, body.max, body.max_usd));
    let percent = check.take(shape.percent("", Some(body.without_redis_percent)));
    check.done()?;
    let (shown, shown_usd) = model::shown(before.metric, max);
    let after = Limit {
        max: shown,
        max_usd: shown_usd,
        without_redis_percent: percent,
        version: before.version + 1,
        ..before.clone()
    };
    store::update(tx, &after, max).await?;
    outbox::push(tx, Kind::Limit, after.id).await?;
    let entry = Entry::new("update_limit", "limit", after.id).before(&before).after(&after);
    audit::record(tx, entry).await?;
    Ok(after)
}
