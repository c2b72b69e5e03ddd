//! One transaction of booking: events, their money, the hours to sum again, the keys' last use.

use super::event::{self, PriceOf, Refusal};
use super::ingest::{Booked, IngestError};
use super::stream::Entry;
use crate::app::App;
use crate::billing;
use crate::db::{SystemTx, Tx as _};
use contract::id::{ModelId, PlanId, PriceId};
use contract::money::Rates;
use contract::usage::UsageEvent;
use sqlx::types::Json;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What one transaction takes.
#[derive(Debug)]
pub struct Batch<'a> {
    pub events: &'a [(&'a Entry, UsageEvent)],
    pub letters: &'a [Letter],
}

/// An entry that cannot be booked.
#[derive(Debug)]
pub struct Letter {
    stream_id: String,
    reason: String,
    body: String,
}

impl Letter {
    pub fn new(entry: &Entry, refusal: &Refusal) -> Self {
        // Postgres keeps no NUL in a text.
        let body = entry.body.clone().unwrap_or_default().replace('\0', "\u{fffd}");
        let reason = refusal.to_string().replace('\0', "\u{fffd}");
        Self { stream_id: entry.stream_id.clone(), reason, body }
    }
}

/// Books a batch, whole or not at all.
///
/// # Errors
/// Postgres refused or cannot be reached; nothing was written.
pub async fn book(app: &App, batch: &Batch<'_>) -> Result<Booked, IngestError> {
    if batch.events.is_empty() && batch.letters.is_empty() {
        return Ok(Booked::default());
    }
    let mut tx = app.system_tx("usage", "book what calls used").await?;
    let (good, mut refused) = sift(&mut tx, batch.events).await?;
    let fresh = insert(&mut tx, &good).await?;
    let new: Vec<&UsageEvent> =
        good.iter().copied().filter(|e| fresh.contains(&e.request_id.0)).collect();
    billing::ledger::book_usage(&mut tx, &new).await?;
    mark_hours(&mut tx, &new).await?;
    mark_keys(&mut tx, &new).await?;
    refused.extend(contradictions(&mut tx, batch.events, &good, &fresh).await?);
    for letter in batch.letters.iter().chain(&refused) {
        keep(&mut tx, letter).await?;
    }
    tx.commit().await?;
    Ok(Booked {
        new: new.len(),
        known: batch.events.len() - refused.len() - new.len(),
        dead: batch.letters.len() + refused.len(),
    })
}

/// Events that were booked before with another cost: kept for a person, the first one counts.
async fn contradictions(
    tx: &mut SystemTx,
    events: &[(&Entry, UsageEvent)],
    good: &[&UsageEvent],
    fresh: &HashSet<Uuid>,
) -> sqlx::Result<Vec<Letter>> {
    let known: Vec<_> = good.iter().filter(|event| !fresh.contains(&event.request_id.0)).collect();
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let requests: Vec<Uuid> = known.iter().map(|event| event.request_id.0).collect();
    let instants: Vec<_> = known.iter().map(|event| event.at).collect();
    let costs: Vec<i64> = known.iter().map(|event| event.cost_nanos.0).collect();
    let others: HashSet<Uuid> = sqlx::query_scalar!(
        "select booked.request_id
         from unnest($1::uuid[], $2::timestamptz[], $3::bigint[]) as said (request_id, at, cost_nanos)
         join usage_events booked
           on booked.request_id = said.request_id and booked.at = said.at
         where booked.cost_nanos <> said.cost_nanos",
        &requests,
        &instants,
        &costs,
    )
    .fetch_all(tx.conn())
    .await?
    .into_iter()
    .collect();
    Ok(events
        .iter()
        .filter(|(_, event)| others.contains(&event.request_id.0))
        .map(|(entry, _)| Letter::new(entry, &Refusal::Contradicts))
        .collect())
}

/// Parts what can be booked from what contradicts the tables.
async fn sift<'a>(
    tx: &mut SystemTx,
    events: &'a [(&'a Entry, UsageEvent)],
) -> sqlx::Result<(Vec<&'a UsageEvent>, Vec<Letter>)> {
    let distinct = |of: fn(&UsageEvent) -> Uuid| -> Vec<Uuid> {
        events.iter().map(|(_, event)| of(event)).collect::<HashSet<_>>().into_iter().collect()
    };
    let prices = prices(tx, &distinct(|e| e.price_id.0)).await?;
    let orgs: HashSet<Uuid> =
        sqlx::query_scalar!("select id from orgs where id = any($1)", &distinct(|e| e.org_id.0))
            .fetch_all(tx.conn())
            .await?
            .into_iter()
            .collect();
    let plans: HashSet<Uuid> =
        sqlx::query_scalar!("select id from plans where id = any($1)", &distinct(|e| e.plan_id.0))
            .fetch_all(tx.conn())
            .await?
            .into_iter()
            .collect();
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for (entry, event) in events {
        let verdict = event::rate(event, prices.get(&event.price_id)).and_then(|()| {
            if !orgs.contains(&event.org_id.0) {
                Err(Refusal::OrgUnknown(event.org_id.to_string()))
            } else if !plans.contains(&event.plan_id.0) {
                Err(Refusal::PlanUnknown(event.plan_id.to_string()))
            } else {
                Ok(())
            }
        });
        match verdict {
            Ok(()) => good.push(event),
            Err(refusal) => refused.push(Letter::new(entry, &refusal)),
        }
    }
    Ok((good, refused))
}

async fn prices(tx: &mut SystemTx, ids: &[Uuid]) -> sqlx::Result<HashMap<PriceId, PriceOf>> {
    let rows = sqlx::query!(
        r#"select id as "id: PriceId", model_id as "model_id: ModelId", plan_id as "plan_id: PlanId",
             rates as "rates: Json<Rates>"
           from prices where id = any($1)"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let of = PriceOf { model_id: row.model_id, plan_id: row.plan_id, rates: row.rates.0 };
            (row.id, of)
        })
        .collect())
}

/// Inserts events; what comes back are the request ids that were not there.
async fn insert(tx: &mut SystemTx, events: &[&UsageEvent]) -> Result<HashSet<Uuid>, IngestError> {
    let months: HashSet<String> =
        events.iter().map(|event| event.at.format("%Y-%m-01T00:00:00Z").to_string()).collect();
    for month in months {
        ensure_partition(tx, &month).await?;
    }
    let now = tx.now();
    let rows: Vec<event::Row> = events.iter().map(|event| event::row(event, now)).collect();
    let fresh = sqlx::query_scalar!(
        "insert into usage_events select * from jsonb_populate_recordset(null::usage_events, $1)
         on conflict do nothing returning request_id",
        serde_json::to_value(rows)?,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(fresh.into_iter().collect())
}

/// Makes the partition of the month that holds `instant`, where it is missing.
pub async fn ensure_partition(tx: &mut SystemTx, instant: &str) -> sqlx::Result<()> {
    sqlx::query!("select usage_partition_ensure($1::text::timestamptz)", instant)
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}

async fn mark_hours(tx: &mut SystemTx, events: &[&UsageEvent]) -> sqlx::Result<()> {
    let (orgs, instants): (Vec<Uuid>, Vec<_>) =
        events.iter().map(|event| (event.org_id.0, event.at)).unzip();
    sqlx::query!(
        "insert into usage_stale_hours (org_id, hour)
         select distinct org_id, date_trunc('hour', at, 'UTC')
         from unnest($1::uuid[], $2::timestamptz[]) as booked (org_id, at)",
        &orgs,
        &instants,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn mark_keys(tx: &mut SystemTx, events: &[&UsageEvent]) -> sqlx::Result<()> {
    let (keys, instants): (Vec<Uuid>, Vec<_>) =
        events.iter().map(|event| (event.key_id.0, event.at)).unzip();
    // Locked in one order, so that two workers never wait for each other in a circle.
    sqlx::query!(
        "with used as (select key_id, max(at) as at
             from unnest($1::uuid[], $2::timestamptz[]) as booked (key_id, at) group by key_id),
           held as (select id from api_keys where id in (select key_id from used)
             order by id for no key update)
         update api_keys set last_used_at = greatest(last_used_at, used.at)
         from used, held where api_keys.id = used.key_id and held.id = used.key_id",
        &keys,
        &instants,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn keep(tx: &mut SystemTx, letter: &Letter) -> sqlx::Result<()> {
    tracing::error!(stream_id = letter.stream_id, reason = letter.reason, "usage event not booked");
    let id = tx.new_id(contract::id::JobId::new);
    let now = tx.now();
    sqlx::query!(
        "insert into usage_dead_letters (id, at, stream_id, reason, body)
         values ($1, $2, $3, $4, $5) on conflict (stream_id) do nothing",
        id.0,
        now,
        letter.stream_id,
        letter.reason,
        letter.body,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
