//! Lifts a limit.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{ApiError, At, OrgCtx, Result};
use crate::outbox;
use contract::id::LimitId;
use contract::role::Action;
use contract::snapshot::Kind;
use http::StatusCode;

/// Lifts a limit.
#[utoipa::path(delete, path = "/v1/orgs/{org}/limits/{limit}", tag = "limits",
    responses((status = 204)))]
pub async fn delete_limit(ctx: OrgCtx, At(id): At<LimitId>) -> Result<StatusCode> {
    let mut tx = ctx.tenant_tx(Action::EditLimit).await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    store::delete(&mut tx, id).await?;
    outbox::push(&mut tx, Kind::Limit, id).await?;
    audit::record(&mut tx, Entry::new("delete_limit", "limit", id).before(&before)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
