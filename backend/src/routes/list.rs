//! Routes, newest first.

use super::store;
use crate::http::{Answer, OperatorCtx, OrgCtx, PageQuery, Result};
use contract::api::routes::Route;
use contract::page::Page;
use contract::role::Action;

/// The org's own routes, newest first, each with its newest version.
#[utoipa::path(get, path = "/v1/orgs/{org}/routes", tag = "routes",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Route>)))]
pub async fn list_routes(ctx: OrgCtx, page: PageQuery) -> Result<Answer<Page<Route>>> {
    let mut tx = ctx.tenant_tx(Action::ViewRoutes).await?;
    let rows = store::list(&mut tx, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}

/// The platform's routes, newest first, each with its newest version.
#[utoipa::path(get, path = "/v1/admin/routes", tag = "routes",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Route>)))]
pub async fn list_platform_routes(
    ctx: OperatorCtx,
    page: PageQuery,
) -> Result<Answer<Page<Route>>> {
    let mut tx = ctx.system_tx("list routes").await?;
    let rows = store::list(&mut tx, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}
