//! Deletes an app that never had a key. One that had is history: it can only be disabled.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{ApiError, At, OrgCtx, Result};
use crate::{catalog, limits, outbox};
use contract::id::AppId;
use contract::role::Action;
use contract::snapshot::Kind;
use http::StatusCode;

/// Deletes an app without keys.
#[utoipa::path(delete, path = "/v1/orgs/{org}/apps/{app}", tag = "apps",
    responses((status = 204)))]
pub async fn delete_app(ctx: OrgCtx, At(id): At<AppId>) -> Result<StatusCode> {
    let mut tx = ctx.tenant_tx(Action::EditApp).await?;
    let app = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    catalog::defaults::forget_app(&mut tx, id).await?;
    limits::defaults::forget_app(&mut tx, id).await?;
    store::delete(&mut tx, id).await?;
    outbox::push(&mut tx, Kind::App, id).await?;
    audit::record(&mut tx, Entry::new("delete_app", "app", id).before(&app)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
