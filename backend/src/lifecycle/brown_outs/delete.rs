//! Takes a brown-out back, also one that has begun.

use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{ApiError, At, OperatorCtx, Result};
use crate::lifecycle::store;
use crate::outbox;
use contract::id::BrownOutId;
use contract::snapshot::Kind;
use http::StatusCode;

/// Takes a brown-out back, also one that has begun.
#[utoipa::path(delete, path = "/v1/admin/brown-outs/{brown_out}", tag = "models",
    responses((status = 204)))]
pub async fn delete_brown_out(ctx: OperatorCtx, At(id): At<BrownOutId>) -> Result<StatusCode> {
    let mut tx = ctx.system_tx("take a brown-out back").await?;
    let before = store::delete_brown_out(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    outbox::push(&mut tx, Kind::Model, before.model_id).await?;
    let entry = Entry::new("delete_brown_out", "brown_out", id).before(&before);
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
