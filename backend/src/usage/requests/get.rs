//! One request.

use super::detail;
use crate::billing::list;
use crate::http::{Answer, ApiError, At, OrgCtx, Result};
use contract::api::own::RequestDetail;
use contract::id::RequestId;
use contract::role::Action;

/// All that is known of one request, by the id that its answer carried.
#[utoipa::path(get, path = "/v1/orgs/{org}/requests/{request}", tag = "usage",
    responses((status = 200, body = RequestDetail)))]
pub async fn get_request(ctx: OrgCtx, At(id): At<RequestId>) -> Result<Answer<RequestDetail>> {
    let mut tx = ctx.tenant_tx(Action::ViewRequests).await?;
    let mut detail = detail(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    if ctx.role().may(Action::ViewCosts) {
        detail.ledger = Some(list::of_request(&mut tx, id).await?);
    }
    Ok(Answer::ok(detail))
}
