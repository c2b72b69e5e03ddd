//! Copies of calls that the platform pays for: kept once by their request id, in no tenant's reports.

use super::event;
use crate::db::{SystemTx, Tx as _};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::money::Nanos;
use contract::usage::{Unsettled, UsageEvent};
use serde::Serialize;
use std::collections::HashSet;
use uuid::Uuid;

/// How long they are kept: longer than a gateway may tell of one again.
const KEPT: TimeDelta = TimeDelta::days(401);
/// Of which nobody saw the end.
const UNKNOWN: &str = "unknown";

#[derive(Serialize)]
struct Row<'a> {
    request_id: Uuid,
    copy_of: Uuid,
    at: Timestamp,
    route_id: Option<Uuid>,
    route_number: Option<u32>,
    route_rule: Option<&'a str>,
    model_id: Uuid,
    deployment_id: Option<Uuid>,
    provider_id: Option<Uuid>,
    price_id: Uuid,
    gateway_id: Uuid,
    operation: &'static str,
    stream: bool,
    outcome: &'static str,
    status: u16,
    input_tokens: u64,
    output_tokens: u64,
    cost_nanos: i64,
    duration_ms: u32,
    first_token_ms: Option<u32>,
    ingested_at: Timestamp,
}

/// Whether the platform pays for a call.
#[must_use]
pub fn is_platforms(event: &UsageEvent) -> bool {
    event.shadow.is_some_and(|shadow| shadow.on_platform)
}

/// Keeps copies with what each cost; answers those that were not there, or without an end.
///
/// # Errors
/// Postgres refused or cannot be reached.
pub async fn insert(
    tx: &mut SystemTx,
    copies: &[(&UsageEvent, Nanos)],
) -> sqlx::Result<HashSet<Uuid>> {
    let now = tx.now();
    let rows = copies.iter().filter_map(|(event, cost)| row(event, *cost, now)).collect();
    keep(tx, rows).await
}

/// Keeps that these copies began, and that nobody will tell of their ends.
///
/// # Errors
/// Postgres refused or cannot be reached.
pub async fn take(tx: &mut SystemTx, told: &[&Unsettled]) -> sqlx::Result<()> {
    let now = tx.now();
    let ended = told.iter().filter(|call| call.ended);
    let rows = ended.filter_map(|call| begun(call, now)).collect();
    keep(tx, rows).await.map(drop)
}

async fn keep(tx: &mut SystemTx, rows: Vec<Row<'_>>) -> sqlx::Result<HashSet<Uuid>> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = serde_json::to_value(rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let fresh = sqlx::query_scalar!(
        "insert into shadow_calls as kept
         select * from jsonb_populate_recordset(null::shadow_calls, $1)
         on conflict (request_id) do update set
           deployment_id = excluded.deployment_id, provider_id = excluded.provider_id,
           route_id = excluded.route_id, route_number = excluded.route_number,
           route_rule = excluded.route_rule, outcome = excluded.outcome, status = excluded.status,
           input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
           cost_nanos = excluded.cost_nanos, duration_ms = excluded.duration_ms,
           first_token_ms = excluded.first_token_ms, ingested_at = excluded.ingested_at
         where kept.outcome = 'unknown' and excluded.outcome <> 'unknown'
         returning request_id",
        rows,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(fresh.into_iter().collect())
}

fn row(event: &UsageEvent, cost: Nanos, now: Timestamp) -> Option<Row<'_>> {
    let way = event.way.as_ref();
    Some(Row {
        request_id: event.request_id.0,
        copy_of: event.shadow?.request_id.0,
        at: event::instant(event),
        route_id: way.map(|way| way.route_id.0),
        route_number: way.map(|way| way.number),
        route_rule: way.map(|way| way.rule.as_str()),
        model_id: event.model_id.0,
        deployment_id: event.deployment_id.map(|id| id.0),
        provider_id: event.provider_id.map(|id| id.0),
        price_id: event.price_id.0,
        gateway_id: event.gateway_id.0,
        operation: event.operation.as_str(),
        stream: event.stream,
        outcome: event.outcome.as_str(),
        status: event.status,
        input_tokens: event.tokens.input_total(),
        output_tokens: event.tokens.output_total(),
        cost_nanos: cost.0,
        duration_ms: event.duration_ms,
        first_token_ms: event.first_token_ms,
        ingested_at: now,
    })
}

fn begun(call: &Unsettled, now: Timestamp) -> Option<Row<'_>> {
    let intent = &call.intent;
    Some(Row {
        request_id: intent.request_id.0,
        copy_of: intent.shadow?.request_id.0,
        at: intent.at,
        route_id: None,
        route_number: None,
        route_rule: None,
        model_id: intent.model_id.0,
        deployment_id: None,
        provider_id: None,
        price_id: intent.price_id.0,
        gateway_id: intent.gateway_id.0,
        operation: intent.operation.as_str(),
        stream: intent.stream,
        outcome: UNKNOWN,
        status: 0,
        input_tokens: 0,
        output_tokens: 0,
        cost_nanos: 0,
        duration_ms: 0,
        first_token_ms: None,
        ingested_at: now,
    })
}

/// Forgets those that no gateway can tell of again.
///
/// # Errors
/// Postgres refused or cannot be reached.
pub async fn forget(tx: &mut SystemTx) -> sqlx::Result<()> {
    let before = tx.now() - KEPT;
    sqlx::query!(
        "delete from shadow_calls where request_id in
           (select request_id from shadow_calls where at < $1 order by at limit 50000)",
        before,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
