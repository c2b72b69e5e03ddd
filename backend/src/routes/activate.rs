//! Makes a version of a route the one that counts, an earlier one too, or none.

use super::{known, store};
use crate::audit::{self, Entry};
use crate::db::Tx;
use crate::http::{Answer, ApiError, At, OperatorCtx, OrgCtx, Patch, Result};
use crate::outbox;
use contract::api::routes::{ActivateRoute, Route};
use contract::error::{ErrorCode, FieldError};
use contract::id::RouteId;
use contract::role::Action;
use contract::snapshot::Kind;
use route::check::check;

/// Says which version of one of the org's routes counts.
#[utoipa::path(patch, path = "/v1/orgs/{org}/routes/{route}/active", tag = "routes",
    request_body = ActivateRoute, responses((status = 200, body = Route)))]
pub async fn activate_route(
    ctx: OrgCtx,
    At(id): At<RouteId>,
    patch: Patch<ActivateRoute>,
) -> Result<Answer<Route>> {
    let mut tx = ctx.tenant_tx(Action::EditRoute).await?;
    let route = activate(&mut tx, id, patch).await?;
    tx.commit().await?;
    let version = route.version;
    Ok(Answer::ok(route).version(version))
}

/// Says which version of one of the platform's routes counts.
#[utoipa::path(patch, path = "/v1/admin/routes/{route}/active", tag = "routes",
    request_body = ActivateRoute, responses((status = 200, body = Route)))]
pub async fn activate_platform_route(
    ctx: OperatorCtx,
    At(id): At<RouteId>,
    patch: Patch<ActivateRoute>,
) -> Result<Answer<Route>> {
    let mut tx = ctx.system_tx("make a version of a route count").await?;
    let route = activate(&mut tx, id, patch).await?;
    tx.commit().await?;
    let version = route.version;
    Ok(Answer::ok(route).version(version))
}

/// A version is checked again: what it names may have gone since it was written.
async fn activate(tx: &mut impl Tx, id: RouteId, patch: Patch<ActivateRoute>) -> Result<Route> {
    let before = store::find_for_update(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let body = patch.over(&before, before.version)?;
    if let Some(number) = body.active {
        let policy = store::find_policy(tx, id, number).await?.ok_or_else(|| {
            let detail = format!("The route has no version {number}.");
            ApiError::invalid(vec![FieldError::new("/active", detail)])
        })?;
        let org = tx.org();
        let known =
            known::known(tx, org, before.model_id).await?.ok_or_else(ApiError::not_found)?;
        if let Some(fault) = check(&policy, &known).first() {
            let detail = format!(
                "Version {number} cannot count any more, {fault}. Make a new version of it."
            );
            return Err(ApiError::new(ErrorCode::Conflict, detail));
        }
    }
    store::update(tx, id, before.number, body.active).await?;
    outbox::push(tx, Kind::Route, id).await?;
    let after = store::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let entry = Entry::new("activate_route", "route", id).before(&before).after(&after);
    audit::record(tx, entry).await?;
    Ok(after)
}
