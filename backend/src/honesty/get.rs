//! The operators' view of it.

use super::read;
use crate::http::{Answer, OperatorCtx, Result};
use contract::api::health::Health;

/// How well the money is: what waits, who is alive, what leaks, what does not balance.
#[utoipa::path(get, path = "/v1/admin/health", tag = "health",
    responses((status = 200, body = Health)))]
pub async fn get_health(ctx: OperatorCtx) -> Result<Answer<Health>> {
    Ok(Answer::ok(read(ctx.app()).await?))
}
