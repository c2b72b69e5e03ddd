//! Throws away what was kept for an org, or of a product. Gateways hear of it as of any change.

use super::store;
use crate::app::App;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, OperatorCtx, OrgCtx, Result};
use crate::outbox;
use contract::api::cache::CachePurged;
use contract::channel::{cache_answers, cache_bytes, cache_ends};
use contract::id::{OrgId, ProductId};
use contract::role::Action;
use contract::snapshot::Kind;
use std::time::Duration;

/// Longer than that nobody waits for Redis to forget what nobody finds any more.
const PATIENCE: Duration = Duration::from_millis(700);

/// Throws away the answers that are kept for the organisation: no call that is made from now on is
/// given one.
#[utoipa::path(post, path = "/v1/orgs/{org}/cache/purge", tag = "orgs",
    responses((status = 200, body = CachePurged)))]
pub async fn purge_org_cache(ctx: OrgCtx) -> Result<Answer<CachePurged>> {
    let mut tx = ctx.tenant_tx(Action::PurgeCache).await?;
    let org = tx.org_id();
    let purged = counted(store::count_org(&mut tx).await?);
    outbox::push(&mut tx, Kind::Org, org).await?;
    audit::record(&mut tx, Entry::new("purge_org_cache", "org", org).after(&purged)).await?;
    tx.commit().await?;
    forget(ctx.app(), org).await;
    Ok(Answer::ok(purged))
}

/// Throws away the answers that are kept of a product, whichever organisation's: no call that is made
/// from now on is given one. What is left of them leaves by itself when its time is over.
#[utoipa::path(post, path = "/v1/admin/products/{product}/cache/purge", tag = "products",
    responses((status = 200, body = CachePurged)))]
pub async fn purge_product_cache(
    ctx: OperatorCtx,
    At(id): At<ProductId>,
) -> Result<Answer<CachePurged>> {
    let mut tx = ctx.system_tx("throw away the answers kept of a product").await?;
    let purges = store::count_product(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let purged = counted(purges);
    outbox::push(&mut tx, Kind::Product, id).await?;
    audit::record(&mut tx, Entry::new("purge_product_cache", "product", id).after(&purged)).await?;
    tx.commit().await?;
    Ok(Answer::ok(purged))
}

const fn counted(purges: i32) -> CachePurged {
    CachePurged { purges: purges.unsigned_abs() }
}

/// Takes out of Redis what nobody finds any more. It would leave by itself.
async fn forget(app: &App, org: OrgId) {
    let Ok(mut link) = app.redis() else { return };
    let mut command = redis::cmd("UNLINK");
    command.arg(cache_answers(org)).arg(cache_ends(org)).arg(cache_bytes(org));
    let forgotten = tokio::time::timeout(PATIENCE, command.query_async::<()>(&mut link)).await;
    if !matches!(forgotten, Ok(Ok(()))) {
        tracing::info!(%org, "purged answers stay in Redis until their time is over");
    }
}
