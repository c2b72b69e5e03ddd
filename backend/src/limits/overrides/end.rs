//! Ends an override early.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{ApiError, At, OrgCtx, Result};
use crate::limits::store as limits;
use crate::outbox;
use contract::id::{LimitId, LimitOverrideId};
use contract::role::Action;
use contract::snapshot::Kind;
use http::StatusCode;

/// Ends an override now; one that has not begun never will.
#[utoipa::path(delete, path = "/v1/orgs/{org}/limits/{limit}/overrides/{override}", tag = "limits",
    responses((status = 204)))]
pub async fn end_limit_override(
    ctx: OrgCtx,
    At(limit): At<LimitId>,
    At(id): At<LimitOverrideId>,
) -> Result<StatusCode> {
    let mut tx = ctx.tenant_tx(Action::EditLimit).await?;
    let limit = limits::find_for_update(&mut tx, limit).await?.ok_or_else(ApiError::not_found)?;
    let before = limit.overrides.iter().find(|one| one.id == id).ok_or_else(ApiError::not_found)?;
    store::end(&mut tx, id).await?;
    outbox::push(&mut tx, Kind::Limit, limit.id).await?;
    let entry = Entry::new("end_limit_override", "limit", limit.id).before(before);
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
