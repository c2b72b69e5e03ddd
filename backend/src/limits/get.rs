//! One limit.

use super::store;
use crate::http::{Answer, ApiError, At, OrgCtx, Result};
use contract::api::limits::Limit;
use contract::id::LimitId;
use contract::role::Action;

/// One limit, with the overrides that are not over.
#[utoipa::path(get, path = "/v1/orgs/{org}/limits/{limit}", tag = "limits",
    responses((status = 200, body = Limit)))]
pub async fn get_limit(ctx: OrgCtx, At(id): At<LimitId>) -> Result<Answer<Limit>> {
    let mut tx = ctx.tenant_tx(Action::ViewUsage).await?;
    let limit = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let version = limit.version;
    Ok(Answer::ok(limit).version(version))
}
