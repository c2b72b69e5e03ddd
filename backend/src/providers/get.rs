//! One provider.

use super::store;
use crate::http::{Answer, ApiError, At, OperatorCtx, Result};
use contract::api::providers::Provider;
use contract::id::ProviderId;

/// One provider, without its credential.
#[utoipa::path(get, path = "/v1/admin/providers/{provider}", tag = "providers",
    responses((status = 200, body = Provider)))]
pub async fn get_provider(ctx: OperatorCtx, At(id): At<ProviderId>) -> Result<Answer<Provider>> {
    let mut tx = ctx.system_tx("look at a provider").await?;
    let provider = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let version = provider.version;
    Ok(Answer::ok(provider).version(version))
}
