//! One route.

use super::store;
use crate::http::{Answer, ApiError, At, OperatorCtx, OrgCtx, Result};
use contract::api::routes::Route;
use contract::id::RouteId;
use contract::role::Action;

/// One of the org's routes, with its newest version.
#[utoipa::path(get, path = "/v1/orgs/{org}/routes/{route}", tag = "routes",
    responses((status = 200, body = Route)))]
pub async fn get_route(ctx: OrgCtx, At(id): At<RouteId>) -> Result<Answer<Route>> {
    let mut tx = ctx.tenant_tx(Action::ViewRoutes).await?;
    let route = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let version = route.version;
    Ok(Answer::ok(route).version(version))
}

/// One of the platform's routes, with its newest version.
#[utoipa::path(get, path = "/v1/admin/routes/{route}", tag = "routes",
    responses((status = 200, body = Route)))]
pub async fn get_platform_route(ctx: OperatorCtx, At(id): At<RouteId>) -> Result<Answer<Route>> {
    let mut tx = ctx.system_tx("look at a route").await?;
    let route = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let version = route.version;
    Ok(Answer::ok(route).version(version))
}
