//! What one key used.

use super::limits;
use crate::db::{TenantTx, Tx as _};
use crate::http::key_ctx::KeyCtx;
use crate::http::{Answer, Result};
use crate::usage::report::asked::{Asked, Range};
use crate::usage::report::series::{nothing, series};
use crate::usage::report::store::Sums;
use contract::api::own::KeyUsage;
use contract::api::usage::Bucket;
use contract::id::KeyId;
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
    let rows = sums(&mut tx, ctx.key, (range, bucket)).await?;
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

/// Sums of one key: in all, and by bucket.
async fn sums(
    tx: &mut TenantTx,
    key: KeyId,
    (range, bucket): (Range, Bucket),
) -> sqlx::Result<Vec<Sums>> {
    let org = tx.org_id();
    sqlx::query_as!(
        Sums,
        r#"with source as not materialized (
             select hour as at, * from usage_hours
             where $5 and org_id = $1 and key_id = $2 and hour >= $3 and hour < $4),
           days as not materialized (
             select day as at, * from usage_days
             where not $5 and org_id = $1 and key_id = $2 and day >= $3 and day < $4),
           cells as (
             select at, requests, errors, input_tokens, cached_input_tokens, cache_write_tokens,
               audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
               audio_output_tokens, cache_write_1h_tokens, image_output_tokens, images, characters,
               audio_ms, searches, rows, compute_ms, cost_nanos, newest_at from source
             union all
             select at, requests, errors, input_tokens, cached_input_tokens, cache_write_tokens,
               audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
               audio_output_tokens, cache_write_1h_tokens, image_output_tokens, images, characters,
               audio_ms, searches, rows, compute_ms, cost_nanos, newest_at from days)
           select null::uuid as first, null::uuid as second, at,
             coalesce(sum(requests), 0)::bigint as "requests!",
             coalesce(sum(errors), 0)::bigint as "errors!",
             coalesce(sum(input_tokens), 0)::bigint as "input!",
             coalesce(sum(cached_input_tokens), 0)::bigint as "cached_input!",
             coalesce(sum(cache_write_tokens), 0)::bigint as "cache_write!",
             coalesce(sum(audio_input_tokens), 0)::bigint as "audio_input!",
             coalesce(sum(image_input_tokens), 0)::bigint as "image_input!",
             coalesce(sum(output_tokens), 0)::bigint as "output!",
             coalesce(sum(reasoning_tokens), 0)::bigint as "reasoning!",
             coalesce(sum(audio_output_tokens), 0)::bigint as "audio_output!",
             coalesce(sum(cache_write_1h_tokens), 0)::bigint as "cache_write_1h!",
             coalesce(sum(image_output_tokens), 0)::bigint as "image_output!",
             coalesce(sum(images), 0)::bigint as "images!",
             coalesce(sum(characters), 0)::bigint as "characters!",
             coalesce(sum(audio_ms), 0)::bigint as "audio_ms!",
             coalesce(sum(searches), 0)::bigint as "searches!",
             coalesce(sum(rows), 0)::bigint as "rows!",
             coalesce(sum(compute_ms), 0)::bigint as "compute_ms!",
             coalesce(sum(cost_nanos), 0)::bigint as "cost_nanos!",
             max(newest_at) as newest_at
           from cells group by grouping sets ((), (at))"#,
        org.0,
        key.0,
        range.from,
        range.to,
        bucket == Bucket::Hour,
    )
    .fetch_all(tx.conn())
    .await
}
