//! What one key used.

use super::limits;
use crate::db::Tx as _;
use crate::http::key_ctx::KeyCtx;
use crate::http::{Answer, Result};
use crate::usage::report::asked::Asked;
use crate::usage::report::series::{nothing, series};
use crate::usage::report::store::{Sums, timeline};
use contract::api::own::KeyUsage;
use contract::api::usage::{Bucket, GroupBy};
use contract::role::Role;

/// What the key in `Authorization` used, and what is left of each limit that its calls may meet.
#[utoipa::path(get, path = "/v1/me/usage", tag = "own use",
    params(("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("bucket" = Option<Bucket>, Query)),
    responses((status = 200, body = KeyUsage)))]
pub async fn get_key_usage(ctx: KeyCtx, asked: Asked) -> Result<Answer<KeyUsage>> {
    let mut tx = ctx.system_tx("tell a key its own use").await?;
    let (range, bucket) = asked.range(tx.now())?;
    let now = tx.now();
    let applying = limits::applying(&mut tx, &ctx).await?;
    let mut tx = tx.enter(ctx.org, Role::Developer).await?;
    let rows = timeline(&mut tx, (range, bucket), &vec![(GroupBy::Key, ctx.key.0)]).await?;
    tx.commit().await?;
    let limits = limits::used(ctx.app(), ctx.org, &applying, now).await;
    let totals = rows.iter().find(|row| row.at.is_none());
    Ok(Answer::ok(KeyUsage {
        key_id: ctx.key,
        app_id: ctx.app_id,
        org_id: ctx.org,
        from: range.from,
        to: range.to,
        bucket,
        totals: totals.map_or_else(nothing, Sums::totals),
        newest_at: totals.and_then(|sums| sums.newest_at),
        series: series(range, bucket, &rows),
        limits,
    }))
}
