//! The versions of a route, newest first.

use super::store;
use crate::db::Tx;
use crate::http::{Answer, ApiError, At, OperatorCtx, OrgCtx, PageQuery, Result};
use contract::api::routes::RouteVersion;
use contract::id::RouteId;
use contract::page::Page;
use contract::role::Action;

/// The versions of one of the org's routes, newest first.
#[utoipa::path(get, path = "/v1/orgs/{org}/routes/{route}/versions", tag = "routes",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<RouteVersion>)))]
pub async fn list_route_versions(
    ctx: OrgCtx,
    At(id): At<RouteId>,
    page: PageQuery,
) -> Result<Answer<Page<RouteVersion>>> {
    list(&mut ctx.tenant_tx(Action::ViewRoutes).await?, id, page).await
}

/// The versions of one of the platform's routes, newest first.
#[utoipa::path(get, path = "/v1/admin/routes/{route}/versions", tag = "routes",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<RouteVersion>)))]
pub async fn list_platform_route_versions(
    ctx: OperatorCtx,
    At(id): At<RouteId>,
    page: PageQuery,
) -> Result<Answer<Page<RouteVersion>>> {
    list(&mut ctx.system_tx("look at a route's versions").await?, id, page).await
}

async fn list(
    tx: &mut impl Tx,
    id: RouteId,
    page: PageQuery,
) -> Result<Answer<Page<RouteVersion>>> {
    store::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let rows = store::list_versions(tx, id, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}
