//! One request of the key's own app.

use crate::billing::list;
use crate::http::key_ctx::KeyCtx;
use crate::http::{Answer, ApiError, At, Result};
use crate::usage::requests;
use contract::api::own::RequestDetail;
use contract::id::RequestId;
use contract::role::Role;

/// All that is known of a call that the key's app made, by the id that its answer carried.
#[utoipa::path(get, path = "/v1/requests/{request}", tag = "own use",
    responses((status = 200, body = RequestDetail)))]
pub async fn get_own_request(ctx: KeyCtx, At(id): At<RequestId>) -> Result<Answer<RequestDetail>> {
    let tx = ctx.system_tx("tell a key of one of its app's calls").await?;
    let mut tx = tx.enter(ctx.org, Role::Developer).await?;
    let detail = requests::detail(&mut tx, id).await?;
    let mut detail = detail
        .filter(|detail| detail.request.app_id == ctx.app_id)
        .ok_or_else(ApiError::not_found)?;
    detail.ledger = Some(list::of_request(&mut tx, id).await?);
    Ok(Answer::ok(detail))
}
