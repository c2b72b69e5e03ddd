//! Revokes a key, for good. Every gateway refuses it within a second.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, OrgCtx, Result};
use crate::outbox;
use contract::api::keys::Key;
use contract::id::KeyId;
use contract::role::Action;
use contract::snapshot::Kind;

/// Revokes a key. Revoking it again changes nothing.
#[utoipa::path(post, path = "/v1/orgs/{org}/keys/{key}/revoke", tag = "keys",
    responses((status = 200, body = Key)))]
pub async fn revoke_key(ctx: OrgCtx, At(id): At<KeyId>) -> Result<Answer<Key>> {
    let mut tx = ctx.tenant_tx(Action::RevokeKey).await?;
    let now = tx.now();
    let before = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    if !store::set_revoked(&mut tx, id).await? {
        let version = before.version;
        return Ok(Answer::ok(before.shown(now)).version(version));
    }
    let after = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?.shown(now);
    outbox::push(&mut tx, Kind::Key, id).await?;
    let entry = Entry::new("revoke_key", "key", id).before(&before.shown(now)).after(&after);
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}
