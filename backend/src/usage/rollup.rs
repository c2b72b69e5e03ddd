//! Sums by the minute, recomputed from events wherever one arrived; by the hour, recomputed from
//! those; by the day, recomputed from the hours. What is coarser is [`super::coarse`].
//!
//! What must stay true: a sum is replaced, never added to; an hour is summed from its minutes only
//! while their day has a partition that was filled from all of its events.

use super::coarse;
use super::columns::{recompute_cells, sums};
use super::report::asked::floor;
use crate::app::App;
use crate::billing::tariffs;
use crate::budgets::watch::watch;
use crate::db::{SystemTx, Tx as _};
use chrono::{DateTime, TimeDelta};
use contract::Timestamp;
use contract::api::usage::Bucket;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Days of minutes that are kept, today included.
const MINUTE_DAYS: i64 = 3;
/// Marks that one pass takes, so that it ends also after a year's events arrived at once.
const MARKS: i64 = 50_000;
/// Sums of sums recomputed in one statement.
const CHUNK: usize = 2_000;
/// Sums of events recomputed in one statement: each may read many thousands of them, and a statement
/// that takes too long is cancelled, the next time too.
const CHUNK_OF_EVENTS: usize = 100;

/// An org, and where a stretch of its time starts.
pub(super) type Stretch = (Uuid, Timestamp);

macro_rules! from_events {
    ($table:literal, $at:literal, $length:literal) => {
        recompute_cells!(
            $table,
            $at,
            $length,
            "usage_events",
            "at",
            sums!("count(*)", "count(*) filter (where status >= 400)", "max(at)")
        )
    };
}
const MINUTES: &str = from_events!("usage_minutes", "minute", "1 minute");
const HOURS_OF_EVENTS: &str = from_events!("usage_hours", "hour", "1 hour");
const HOURS: &str =
    recompute_cells!("usage_hours", "hour", "1 hour", "usage_minutes", "minute", sums!());
const DAYS: &str =
    recompute_cells!("usage_days", "day", "24 hours", "usage_hours", "hour", sums!());

/// Recomputes what events arrived in since the last time. Answers how many marks that were; none is
/// also the answer while another worker is at it.
///
/// # Errors
/// Postgres cannot be reached; the minutes stay marked.
pub async fn refresh(app: &App) -> sqlx::Result<usize> {
    Ok(refresh_days(app).await? + coarse::refresh(app).await?)
}

/// Nobody else sums up until the transaction ends; false where somebody does.
pub(super) async fn alone(tx: &mut SystemTx) -> sqlx::Result<bool> {
    let alone = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('usage rollup', 0)) as "alone!""#
    )
    .fetch_one(tx.conn())
    .await?;
    // What a year's events leave to sum up takes longer than any request may.
    sqlx::query!("select set_config('statement_timeout', '200s', true)")
        .fetch_one(tx.conn())
        .await?;
    Ok(alone)
}

async fn refresh_days(app: &App) -> sqlx::Result<usize> {
    let mut tx = app.system_tx("usage", "sum up minutes that changed").await?;
    if !alone(&mut tx).await? {
        return Ok(0);
    }
    // Only marks whose events are committed are seen; a later event brings a mark of its own.
    let marks = sqlx::query!(
        "delete from usage_stale_minutes
         where id in (select id from usage_stale_minutes order by id limit $1)
         returning org_id, minute",
        MARKS,
    )
    .fetch_all(tx.conn())
    .await?;
    let marks: Vec<Stretch> = marks.iter().map(|mark| (mark.org_id, mark.minute)).collect();
    let hours = sum_up(&mut tx, &marks).await?;
    // In the same transaction: what a budget tells is what these sums say.
    watch(&mut tx, &hours).await?;
    tx.commit().await?;
    Ok(marks.len())
}

/// Recomputes the sums of all that is marked. Answers whose hours.
async fn sum_up(tx: &mut SystemTx, marks: &[Stretch]) -> sqlx::Result<Vec<Stretch>> {
    if marks.is_empty() {
        return Ok(Vec::new());
    }
    let mut stale: BTreeSet<Stretch> = marks.iter().copied().collect();
    let first = minutes_since(tx.now());
    open_days(tx, first, &mut stale).await?;
    let (recent, old): (Vec<Stretch>, Vec<Stretch>) =
        stale.into_iter().partition(|(_, minute)| *minute >= first);
    recompute_by(tx, MINUTES, &recent, CHUNK_OF_EVENTS).await?;
    let (recent, old) = (widen(&recent, Bucket::Hour), widen(&old, Bucket::Hour));
    recompute(tx, HOURS, &recent).await?;
    recompute_by(tx, HOURS_OF_EVENTS, &old, CHUNK_OF_EVENTS).await?;
    let hours = [recent, old].concat();
    let days = widen(&hours, Bucket::Day);
    recompute(tx, DAYS, &days).await?;
    coarse::mark(tx, &days).await?;
    mark_keys(tx, &hours).await?;
    tariffs::sums::mark(tx, &hours).await?;
    Ok(hours)
}

/// The start of the minute that holds `at`.
pub fn minute(at: Timestamp) -> Timestamp {
    let seconds = at.timestamp();
    DateTime::from_timestamp(seconds - seconds.rem_euclid(60), 0).unwrap_or(at)
}

/// From when on minutes are kept, at `now`.
pub fn minutes_since(now: Timestamp) -> Timestamp {
    floor(now, Bucket::Day) - TimeDelta::days(MINUTE_DAYS - 1)
}

fn widen(stretches: &[Stretch], bucket: Bucket) -> Vec<Stretch> {
    let wider = stretches.iter().map(|(org, at)| (*org, floor(*at, bucket)));
    wider.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Makes the partitions of the days in `stale`, and marks all that such a day has events in.
async fn open_days(
    tx: &mut SystemTx,
    first: Timestamp,
    stale: &mut BTreeSet<Stretch>,
) -> sqlx::Result<()> {
    let days: BTreeSet<Timestamp> =
        stale.iter().map(|(_, at)| floor(*at, Bucket::Day)).filter(|day| *day >= first).collect();
    for day in days {
        let is_made = sqlx::query_scalar!(r#"select usage_minutes_ensure($1) as "made!""#, day)
            .fetch_one(tx.conn())
            .await?;
        if !is_made {
            continue;
        }
        let minutes = sqlx::query!(
            r#"select o.id as "org_id!", used.minute as "minute!" from orgs o
               cross join lateral (
                 select distinct date_trunc('minute', at) as minute from usage_events
                 where org_id = o.id and at >= $1 and at < $1 + interval '24 hours') used"#,
            day,
        )
        .fetch_all(tx.conn())
        .await?;
        stale.extend(minutes.into_iter().map(|row| (row.org_id, row.minute)));
    }
    Ok(())
}

/// Recomputes stretches, from sums.
pub(super) async fn recompute(
    tx: &mut SystemTx,
    how: &'static str,
    stale: &[Stretch],
) -> sqlx::Result<()> {
    recompute_by(tx, how, stale, CHUNK).await
}

async fn recompute_by(
    tx: &mut SystemTx,
    how: &'static str,
    stale: &[Stretch],
    at_once: usize,
) -> sqlx::Result<()> {
    for chunk in stale.chunks(at_once) {
        let (orgs, starts): (Vec<Uuid>, Vec<Timestamp>) = chunk.iter().copied().unzip();
        sqlx::query(how).bind(orgs).bind(starts).execute(tx.conn()).await?;
    }
    Ok(())
}

/// Tells keys when they were used last, to within five seconds: a busy key is not written anew for
/// every call.
async fn mark_keys(tx: &mut SystemTx, hours: &[Stretch]) -> sqlx::Result<()> {
    let (orgs, starts): (Vec<Uuid>, Vec<Timestamp>) = hours.iter().copied().unzip();
    sqlx::query!(
        "update api_keys set last_used_at = used.at
         from (select cells.key_id, max(cells.newest_at) as at
             from unnest($1::uuid[], $2::timestamptz[]) as stale (org_id, hour)
             cross join lateral (select key_id, newest_at from usage_hours h
               where h.org_id = stale.org_id and h.hour = stale.hour) cells
             group by 1) used
         where api_keys.id = used.key_id
           and (last_used_at is null or last_used_at < used.at - interval '5 seconds')",
        &orgs,
        &starts,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
