//! Removes a route, with its versions. Its calls go on as if there were none.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx;
use crate::http::{ApiError, At, OperatorCtx, OrgCtx, Result};
use crate::outbox;
use contract::id::RouteId;
use contract::role::Action;
use contract::snapshot::Kind;
use http::StatusCode;

/// Removes one of the org's routes, with its versions.
#[utoipa::path(delete, path = "/v1/orgs/{org}/routes/{route}", tag = "routes",
    responses((status = 204)))]
pub async fn delete_route(ctx: OrgCtx, At(id): At<RouteId>) -> Result<StatusCode> {
    delete(ctx.tenant_tx(Action::EditRoute).await?, id).await
}

/// Removes one of the platform's routes, with its versions.
#[utoipa::path(delete, path = "/v1/admin/routes/{route}", tag = "routes",
    responses((status = 204)))]
pub async fn delete_platform_route(ctx: OperatorCtx, At(id): At<RouteId>) -> Result<StatusCode> {
    delete(ctx.system_tx("remove a route").await?, id).await
}

async fn delete(mut tx: impl Tx, id: RouteId) -> Result<StatusCode> {
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    store::delete(&mut tx, id).await?;
    outbox::push(&mut tx, Kind::Route, id).await?;
    audit::record(&mut tx, Entry::new("delete_route", "route", id).before(&before)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
