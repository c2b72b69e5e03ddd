//! Takes one replica of a pool out, or back in.
//!
//! An action of its own beside the edit of the pool: it says something of one address, so two of them never
//! undo each other, it needs no version of the whole, and a repeat changes nothing.

use super::{pool, store};
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, Json, OperatorCtx, Result};
use crate::outbox;
use contract::api::providers::{DrainReplica, Provider};
use contract::error::ErrorCode;
use contract::id::ProviderId;
use contract::snapshot::Kind;

/// Why an operation on replicas makes no sense.
pub(super) fn no_pool() -> ApiError {
    ApiError::new(
        ErrorCode::Conflict,
        "This provider has no replicas: it has one address, its own. Give it a `pool` first.",
    )
}

/// Drains one replica of a pool: it gets no new calls and finishes those it works on. Or gives it calls
/// again.
#[utoipa::path(post, path = "/v1/admin/providers/{provider}/drain", tag = "providers",
    request_body = DrainReplica, responses((status = 200, body = Provider)))]
pub async fn drain_replica(
    ctx: OperatorCtx,
    At(id): At<ProviderId>,
    Json(body): Json<DrainReplica>,
) -> Result<Answer<Provider>> {
    let mut tx = ctx.system_tx("drain a replica").await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let pool = before.pool.as_ref().ok_or_else(no_pool)?;
    let drained = pool::drained(pool, &body.address, body.draining);
    let drained = drained.map_err(|error| ApiError::invalid(vec![error]))?;
    if drained == *pool {
        let version = before.version;
        return Ok(Answer::ok(before).version(version));
    }
    let version = before.version + 1;
    let after = Provider { pool: Some(drained), version, ..before.clone() };
    store::update(&mut tx, &after).await?;
    outbox::push(&mut tx, Kind::Provider, id).await?;
    let action = if body.draining { "drain_replica" } else { "undrain_replica" };
    audit::record(&mut tx, Entry::new(action, "provider", id).before(&before).after(&after))
        .await?;
    tx.commit().await?;
    Ok(Answer::ok(after).version(version))
}
