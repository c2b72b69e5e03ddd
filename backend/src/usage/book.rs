//! One transaction of booking: events, their money, the minutes to sum again.

use super::event::{self, PriceOf, Refusal};
use super::ingest::{Booked, IngestError};
use super::letters::{self, Letter};
use super::stream::Entry;
use super::{arrive, rollup::minute, shadows, unknowns};
use crate::app::App;
use crate::billing;
use crate::db::{SystemTx, Tx as _};
use crate::routes::outcomes;
use chrono::Datelike as _;
use contract::Timestamp;
use contract::id::{ModelId, PlanId, PriceId};
use contract::money::{Nanos, Rates};
use contract::snapshot::WHOLE;
use contract::usage::UsageEvent;
use sqlx::types::Json;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Events that can be booked, with the entries they came in.
type Calls<'a> = Vec<(&'a Entry, &'a UsageEvent)>;

/// What one transaction takes.
#[derive(Debug)]
pub struct Batch<'a> {
    pub events: &'a [(&'a Entry, UsageEvent)],
    pub letters: &'a [Letter],
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
    let (new, refused) = book_events(&mut tx, batch.events).await?;
    for letter in batch.letters.iter().chain(&refused) {
        letters::keep(&mut tx, letter).await?;
    }
    tx.commit().await?;
    Ok(Booked {
        new,
        known: batch.events.len() - refused.len() - new,
        dead: batch.letters.len() + refused.len(),
    })
}

/// Books events in a transaction of the caller's: how many were new, and what cannot be booked.
///
/// # Errors
/// As [`book`].
pub async fn book_events(
    tx: &mut SystemTx,
    events: &[(&Entry, UsageEvent)],
) -> sqlx::Result<(usize, Vec<Letter>)> {
    let (good, mut refused, prices) = sift(tx, events).await?;
    let calls = one_each(good, &mut refused);
    let (copies, calls): (Calls<'_>, Calls<'_>) =
        calls.into_iter().partition(|(_, event)| shadows::is_platforms(event));
    let copied = book_copies(tx, &copies, &prices).await?;
    let events: Vec<&UsageEvent> = calls.iter().map(|(_, event)| *event).collect();
    ensure_partitions(tx, &events).await?;
    let fresh = arrive::insert(tx, &events).await?;
    let is_new = |event: &UsageEvent| fresh.contains(&event.request_id.0);
    let new: Vec<&UsageEvent> = events.into_iter().filter(|event| is_new(event)).collect();
    unknowns::settled(tx, &new).await?;
    billing::ledger::book_usage(tx, &new).await?;
    mark_minutes(tx, &new).await?;
    let outcomes: Vec<outcomes::Booked<'_>> =
        new.iter().map(|event| (*event, event.cost_nanos)).collect();
    outcomes::add(tx, &outcomes).await?;
    let known: Vec<_> = calls.into_iter().filter(|(_, event)| !is_new(event)).collect();
    refused.extend(contradictions(tx, &known).await?);
    Ok((new.len() + copied, refused))
}

/// Keeps copies of calls that the platform pays for, with what they cost by their price; answers how
/// many were new.
async fn book_copies(
    tx: &mut SystemTx,
    copies: &Calls<'_>,
    prices: &HashMap<PriceId, PriceOf>,
) -> sqlx::Result<usize> {
    let worth = |event: &UsageEvent| {
        let whole = UsageEvent { price_percent: WHOLE, ..event.clone() };
        prices.get(&event.price_id).map_or(Nanos::ZERO, |price| whole.cost_under(&price.rates))
    };
    let copies: Vec<outcomes::Booked<'_>> =
        copies.iter().map(|(_, event)| (*event, worth(event))).collect();
    let fresh = shadows::insert(tx, &copies).await?;
    let mut new = copies;
    new.retain(|(event, _)| fresh.contains(&event.request_id.0));
    outcomes::add(tx, &new).await?;
    Ok(new.len())
}

/// The first event of each call; one that tells another cost of the same call is refused.
fn one_each<'a>(good: Calls<'a>, refused: &mut Vec<Letter>) -> Calls<'a> {
    let mut first: HashMap<Uuid, &UsageEvent> = HashMap::with_capacity(good.len());
    let mut calls = Vec::with_capacity(good.len());
    for (entry, event) in good {
        match first.get(&event.request_id.0) {
            None => {
                first.insert(event.request_id.0, event);
                calls.push((entry, event));
            }
            Some(first) if first.cost_nanos == event.cost_nanos => {}
            Some(_) => refused.push(Letter::new(entry, &Refusal::Contradicts)),
        }
    }
    calls
}

/// Events that were booked before with another cost: kept for a person, the first one counts.
async fn contradictions(
    tx: &mut SystemTx,
    known: &[(&Entry, &UsageEvent)],
) -> sqlx::Result<Vec<Letter>> {
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let requests: Vec<Uuid> = known.iter().map(|(_, event)| event.request_id.0).collect();
    let instants: Vec<_> = known.iter().map(|(_, event)| event::instant(event)).collect();
    let costs: Vec<i64> = known.iter().map(|(_, event)| event.cost_nanos.0).collect();
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
    Ok(known
        .iter()
        .filter(|(_, event)| others.contains(&event.request_id.0))
        .map(|(entry, _)| Letter::new(entry, &Refusal::Contradicts))
        .collect())
}

/// Parts what can be booked from what contradicts the tables.
async fn sift<'a>(
    tx: &mut SystemTx,
    events: &'a [(&'a Entry, UsageEvent)],
) -> sqlx::Result<(Calls<'a>, Vec<Letter>, HashMap<PriceId, PriceOf>)> {
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
    let owners = owners(
        tx,
        &distinct(|e| e.key_id.0),
        &distinct(|e| e.app_id.0),
        &distinct(|e| e.team_id.0),
    )
    .await?;
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for (entry, event) in events {
        let verdict = event::rate(event, prices.get(&event.price_id)).and_then(|()| {
            if !orgs.contains(&event.org_id.0) {
                Err(Refusal::OrgUnknown(event.org_id.to_string()))
            } else if let Some(stranger) = stranger(event, &owners) {
                Err(Refusal::OfOtherOrg(stranger))
            } else if !plans.contains(&event.plan_id.0) {
                Err(Refusal::PlanUnknown(event.plan_id.to_string()))
            } else {
                Ok(())
            }
        });
        match verdict {
            Ok(()) => good.push((*entry, event)),
            Err(refusal) => refused.push(Letter::new(entry, &refusal)),
        }
    }
    Ok((good, refused, prices))
}

/// Whose these keys, apps and teams are. One that is gone is nobody's.
async fn owners(
    tx: &mut SystemTx,
    keys: &[Uuid],
    apps: &[Uuid],
    teams: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, Uuid>> {
    let rows = sqlx::query!(
        r#"select id as "id!", org_id as "org_id!" from api_keys where id = any($1)
           union all select id, org_id from apps where id = any($2)
           union all select id, org_id from teams where id = any($3)"#,
        keys,
        apps,
        teams,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.org_id)).collect())
}

/// What the event names of another org than its own, if anything: it would show one org's call in
/// another's reports.
fn stranger(event: &UsageEvent, owners: &HashMap<Uuid, Uuid>) -> Option<String> {
    let foreign = |id: Uuid| owners.get(&id).is_some_and(|org| *org != event.org_id.0);
    if foreign(event.key_id.0) {
        Some(event.key_id.to_string())
    } else if foreign(event.app_id.0) {
        Some(event.app_id.to_string())
    } else if foreign(event.team_id.0) {
        Some(event.team_id.to_string())
    } else {
        None
    }
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

async fn ensure_partitions(tx: &mut SystemTx, events: &[&UsageEvent]) -> sqlx::Result<()> {
    let months: HashSet<(i32, u32)> =
        events.iter().map(|event| (event.at.year(), event.at.month())).collect();
    for (year, month) in months {
        ensure_partition(tx, &format!("{year:04}-{month:02}-01T00:00:00Z")).await?;
    }
    Ok(())
}

/// Makes the partition of the month that holds `instant`, where it is missing.
pub async fn ensure_partition(tx: &mut SystemTx, instant: &str) -> sqlx::Result<()> {
    sqlx::query!("select usage_partition_ensure($1::text::timestamptz)", instant)
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}

async fn mark_minutes(tx: &mut SystemTx, events: &[&UsageEvent]) -> sqlx::Result<()> {
    let stale: HashSet<(Uuid, Timestamp)> =
        events.iter().map(|event| (event.org_id.0, minute(event::instant(event)))).collect();
    let (orgs, minutes): (Vec<Uuid>, Vec<Timestamp>) = stale.into_iter().unzip();
    sqlx::query!(
        "insert into usage_stale_minutes (org_id, minute)
         select org_id, minute from unnest($1::uuid[], $2::timestamptz[]) as booked (org_id, minute)",
        &orgs,
        &minutes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
