//! Removes a provider that runs nothing.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{ApiError, At, OperatorCtx, Result};
use crate::outbox;
use contract::id::ProviderId;
use contract::snapshot::Kind;
use http::StatusCode;

/// Removes a provider. One that models are deployed with is refused.
#[utoipa::path(delete, path = "/v1/admin/providers/{provider}", tag = "providers",
    responses((status = 204)))]
pub async fn delete_provider(ctx: OperatorCtx, At(id): At<ProviderId>) -> Result<StatusCode> {
    let mut tx = ctx.system_tx("remove a provider").await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    store::delete(&mut tx, id).await?;
    outbox::push(&mut tx, Kind::Provider, id).await?;
    audit::record(&mut tx, Entry::new("delete_provider", "provider", id).before(&before)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
