//! All that is known of one request.

use super::store;
use crate::db::{TenantTx, Tx as _};
use crate::usage::details::Details;
use contract::api::own::{LimitOfRequest, RequestDetail};
use contract::id::{GatewayId, LimitId, PlanId, PriceId, RequestId};
use contract::snapshot::{Metric, Tag, Window};
use contract::usage::Cached;
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

/// One of the org's requests, without its ledger.
///
/// # Errors
/// Postgres refused.
pub async fn detail(tx: &mut TenantTx, id: RequestId) -> sqlx::Result<Option<RequestDetail>> {
    let Some(request) = store::find(tx, id).await? else { return Ok(None) };
    let org = tx.org_id();
    let row = sqlx::query!(
        r#"select plan_id as "plan_id: PlanId", price_id as "price_id: PriceId",
             gateway_id as "gateway_id: GatewayId", config_version,
             cached as "cached: Cached", price_percent,
             tags as "tags: Json<Vec<Tag>>", details as "details: Json<Details>"
           from usage_events where org_id = $1 and request_id = $2 and at = $3"#,
        org.0,
        id.0,
        request.at,
    )
    .fetch_one(tx.conn())
    .await?;
    let details = row.details.map(|Json(details)| details).unwrap_or_default();
    Ok(Some(RequestDetail {
        request,
        plan_id: row.plan_id,
        price_id: row.price_id,
        gateway_id: row.gateway_id,
        config_version: row.config_version.unsigned_abs(),
        tags: row.tags.map(|Json(tags)| tags).unwrap_or_default(),
        cached: row.cached,
        price_percent: row.price_percent.and_then(|percent| u8::try_from(percent).ok()),
        topped_up: details.topped_up,
        odd_usage: details.odd_usage,
        limits: limits(tx, &details).await?,
        attempts_made: details.attempts_made,
        ledger: None,
    }))
}

/// What was touched, with what each limit counts, as far as it is still there.
async fn limits(tx: &mut TenantTx, details: &Details) -> sqlx::Result<Vec<LimitOfRequest>> {
    let ids: Vec<Uuid> = details.limits.iter().map(|limit| limit.limit_id.0).collect();
    let known = sqlx::query!(
        r#"select id as "id!: LimitId", metric as "metric!: Metric", time_window as "window!: Window"
           from (select id, metric, time_window from limits
                 union all select id, metric, time_window from plan_limits
                 union all select limit_id, 'money', 'lifetime' from wallets) all_limits
           where id = any($1)"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    let known: HashMap<LimitId, (Metric, Window)> =
        known.into_iter().map(|row| (row.id, (row.metric, row.window))).collect();
    Ok(details
        .limits
        .iter()
        .map(|limit| {
            let what = known.get(&limit.limit_id);
            LimitOfRequest {
                limit_id: limit.limit_id,
                metric: what.map(|(metric, _)| *metric),
                window: what.map(|(_, window)| *window),
                window_start: limit.window_start,
                held: limit.held,
                used: limit.used,
            }
        })
        .collect())
}
