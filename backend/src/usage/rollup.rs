//! Sums by the hour, recomputed from events wherever one arrived, and by the day, recomputed from
//! those.

use crate::app::App;
use crate::db::{SystemTx, Tx as _};
use crate::usage::report::asked::floor;
use contract::Timestamp;
use contract::api::usage::Bucket;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Recomputes every hour that an event arrived in since the last time. Answers how many.
///
/// # Errors
/// Postgres cannot be reached; the hours stay marked.
pub async fn refresh(app: &App) -> sqlx::Result<usize> {
    let mut tx = app.system_tx("usage", "sum up hours that changed").await?;
    let alone = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('usage rollup', 0)) as "alone!""#
    )
    .fetch_one(tx.conn())
    .await?;
    if !alone {
        return Ok(0);
    }
    // Only marks whose events are committed are seen; a later event brings a mark of its own.
    let hours = sqlx::query!(
        "with taken as (delete from usage_stale_hours returning org_id, hour)
         select distinct org_id, hour from taken"
    )
    .fetch_all(tx.conn())
    .await?;
    for stale in &hours {
        recompute_hour(&mut tx, stale.org_id, stale.hour).await?;
    }
    let days: BTreeSet<(Uuid, Timestamp)> =
        hours.iter().map(|stale| (stale.org_id, floor(stale.hour, Bucket::Day))).collect();
    for (org, day) in days {
        recompute_day(&mut tx, org, day).await?;
    }
    tx.commit().await?;
    Ok(hours.len())
}

async fn recompute_hour(tx: &mut SystemTx, org: Uuid, hour: Timestamp) -> sqlx::Result<()> {
    sqlx::query!("delete from usage_hours where org_id = $1 and hour = $2", org, hour)
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "insert into usage_hours (org_id, hour, team_id, app_id, key_id, product_id, plan_id,
           model_id, requests, errors, input_tokens, cached_input_tokens, cache_write_tokens,
           audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
           audio_output_tokens, cache_write_1h_tokens, image_output_tokens, images, characters,
           audio_ms, searches, rows, compute_ms, cost_nanos, newest_at)
         select org_id, $2, team_id, app_id, key_id, product_id, plan_id, model_id,
           count(*), count(*) filter (where status >= 400), sum(input_tokens),
           sum(cached_input_tokens), sum(cache_write_tokens), sum(audio_input_tokens),
           sum(image_input_tokens), sum(output_tokens), sum(reasoning_tokens),
           sum(audio_output_tokens), sum(cache_write_1h_tokens), sum(image_output_tokens),
           sum(images), sum(characters), sum(audio_ms), sum(searches), sum(rows), sum(compute_ms),
           sum(cost_nanos), max(at)
         from usage_events
         where org_id = $1 and at >= $2 and at < $2 + interval '1 hour'
         group by org_id, team_id, app_id, key_id, product_id, plan_id, model_id",
        org,
        hour,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn recompute_day(tx: &mut SystemTx, org: Uuid, day: Timestamp) -> sqlx::Result<()> {
    sqlx::query!("delete from usage_days where org_id = $1 and day = $2", org, day)
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "insert into usage_days (org_id, day, team_id, app_id, key_id, product_id, plan_id,
           model_id, requests, errors, input_tokens, cached_input_tokens, cache_write_tokens,
           audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
           audio_output_tokens, cache_write_1h_tokens, image_output_tokens, images, characters,
           audio_ms, searches, rows, compute_ms, cost_nanos, newest_at)
         select org_id, $2, team_id, app_id, key_id, product_id, plan_id, model_id,
           sum(requests), sum(errors), sum(input_tokens), sum(cached_input_tokens),
           sum(cache_write_tokens), sum(audio_input_tokens), sum(image_input_tokens),
           sum(output_tokens), sum(reasoning_tokens), sum(audio_output_tokens),
           sum(cache_write_1h_tokens), sum(image_output_tokens), sum(images), sum(characters),
           sum(audio_ms), sum(searches), sum(rows), sum(compute_ms), sum(cost_nanos),
           max(newest_at)
         from usage_hours
         where org_id = $1 and hour >= $2 and hour < $2 + interval '1 day'
         group by org_id, team_id, app_id, key_id, product_id, plan_id, model_id",
        org,
        day,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
