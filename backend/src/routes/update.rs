//! Edits a route: makes a new version, and leaves the others as they are.

use super::create::NOTE_MAX;
use super::{known, store};
use crate::audit::{self, Entry};
use crate::db::Tx;
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, OrgCtx, Patch, Result};
use crate::outbox;
use contract::api::routes::{Route, UpdateRoute};
use contract::id::RouteId;
use contract::role::Action;
use contract::snapshot::Kind;

/// Makes a new version of one of the org's routes.
#[utoipa::path(patch, path = "/v1/orgs/{org}/routes/{route}", tag = "routes",
    request_body = UpdateRoute, responses((status = 200, body = Route)))]
pub async fn update_route(
    ctx: OrgCtx,
    At(id): At<RouteId>,
    patch: Patch<UpdateRoute>,
) -> Result<Answer<Route>> {
    let mut tx = ctx.tenant_tx(Action::EditRoute).await?;
    let route = update(&mut tx, id, patch).await?;
    tx.commit().await?;
    let version = route.version;
    Ok(Answer::ok(route).version(version))
}

/// Makes a new version of one of the platform's routes.
#[utoipa::path(patch, path = "/v1/admin/routes/{route}", tag = "routes",
    request_body = UpdateRoute, responses((status = 200, body = Route)))]
pub async fn update_platform_route(
    ctx: OperatorCtx,
    At(id): At<RouteId>,
    patch: Patch<UpdateRoute>,
) -> Result<Answer<Route>> {
    let mut tx = ctx.system_tx("edit a route").await?;
    let route = update(&mut tx, id, patch).await?;
    tx.commit().await?;
    let version = route.version;
    Ok(Answer::ok(route).version(version))
}

async fn update(tx: &mut impl Tx, id: RouteId, patch: Patch<UpdateRoute>) -> Result<Route> {
    let before = store::find_for_update(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let body = patch.over(&before, before.version)?;
    let org = tx.org();
    let known = known::known(tx, org, before.model_id).await?.ok_or_else(ApiError::not_found)?;
    let mut check = Check::new();
    let note = check.line("/note", &body.note, 0..=NOTE_MAX).to_owned();
    check.all(known::faults(&body.policy, &known));
    check.done()?;
    let number = before.number + 1;
    store::insert_version(tx, id, number, &body.policy, &note).await?;
    let active = if body.activate { Some(number) } else { before.active };
    store::update(tx, id, number, active).await?;
    if body.activate {
        outbox::push(tx, Kind::Route, id).await?;
    }
    let after = store::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let entry = Entry::new("update_route", "route", id).before(&before).after(&after);
    audit::record(tx, entry).await?;
    Ok(after)
}
