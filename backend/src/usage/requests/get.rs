//! One request.

use super::store;
use crate::http::{Answer, ApiError, At, OrgCtx, Result};
use contract::api::usage::RequestRow;
use contract::id::RequestId;
use contract::role::Action;

/// One request, by the id that its answer carried.
#[utoipa::path(get, path = "/v1/orgs/{org}/requests/{request}", tag = "usage",
    responses((status = 200, body = RequestRow)))]
pub async fn get_request(ctx: OrgCtx, At(id): At<RequestId>) -> Result<Answer<RequestRow>> {
    let mut tx = ctx.tenant_tx(Action::ViewRequests).await?;
    Ok(Answer::ok(store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?))
}
