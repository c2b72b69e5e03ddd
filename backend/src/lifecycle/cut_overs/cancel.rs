//! Takes back what has not happened yet.

use super::{conflict, publish, store};
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{ApiError, At, OperatorCtx, Result};
use crate::lifecycle::store as lifecycle;
use contract::api::lifecycle::CutOverState;
use contract::id::CutOverId;
use http::StatusCode;

/// Cancels a cut-over that is to come.
#[utoipa::path(delete, path = "/v1/admin/cut-overs/{cut_over}", tag = "models",
    responses((status = 204)))]
pub async fn cancel_cut_over(ctx: OperatorCtx, At(id): At<CutOverId>) -> Result<StatusCode> {
    let mut tx = ctx.system_tx("cancel a cut-over").await?;
    lifecycle::lock(&mut tx).await?;
    let names = lifecycle::names(&mut tx).await?;
    let row = store::find(&mut tx, &names, id).await?.ok_or_else(ApiError::not_found)?;
    // Gateways have switched by then, whether or not that was written down.
    if row.shown.state != CutOverState::Scheduled || row.shown.at <= tx.now() {
        return Err(conflict("It is not to come any more. Take it back instead, if it was done."));
    }
    store::set_cancelled(&mut tx, id).await?;
    publish(&mut tx, row.of).await?;
    let entry = Entry::new("cancel_cut_over", "cut_over", id).before(&row.shown);
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
