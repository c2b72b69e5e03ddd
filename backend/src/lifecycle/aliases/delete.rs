//! Takes a name away. Calls of it are refused from then on.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{ApiError, At, OperatorCtx, Result};
use crate::lifecycle::names::Node;
use crate::lifecycle::store as lifecycle;
use crate::outbox;
use contract::error::ErrorCode;
use contract::id::AliasId;
use contract::snapshot::Kind;
use http::StatusCode;

/// Deletes an alias, and what is scheduled for it. One that another leads to stays.
#[utoipa::path(delete, path = "/v1/admin/aliases/{alias}", tag = "models",
    responses((status = 204)))]
pub async fn delete_alias(ctx: OperatorCtx, At(id): At<AliasId>) -> Result<StatusCode> {
    let mut tx = ctx.system_tx("delete an alias").await?;
    lifecycle::lock(&mut tx).await?;
    let names = lifecycle::names(&mut tx).await?;
    let before = store::find(&mut tx, &names, id).await?.ok_or_else(ApiError::not_found)?;
    if let Some(other) = names.straight_to(Node::Alias(id)) {
        let detail = format!("`{other}` leads to it, or is to. Let that lead elsewhere first.");
        return Err(ApiError::new(ErrorCode::Conflict, detail));
    }
    store::delete(&mut tx, id).await?;
    outbox::push(&mut tx, Kind::Alias, id).await?;
    audit::record(&mut tx, Entry::new("delete_alias", "alias", id).before(&before)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
