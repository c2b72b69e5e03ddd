//! One key, without its secret.

use super::store;
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, OrgCtx, Result};
use contract::api::keys::Key;
use contract::id::KeyId;
use contract::role::Action;

/// One key.
#[utoipa::path(get, path = "/v1/orgs/{org}/keys/{key}", tag = "keys",
    responses((status = 200, body = Key)))]
pub async fn get_key(ctx: OrgCtx, At(id): At<KeyId>) -> Result<Answer<Key>> {
    let mut tx = ctx.tenant_tx(Action::ViewKeys).await?;
    let key = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let version = key.version;
    Ok(Answer::ok(key.shown(tx.now())).version(version))
}
