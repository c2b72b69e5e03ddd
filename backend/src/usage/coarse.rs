//! Sums for reports over months, recomputed from those by hour and day once a day is over: by the
//! month with all keys; by the hour and the day along one thing at a time.
//!
//! What must stay true: a day is in `usage_stale_days`, in the transaction that changes its sums, until
//! all that is coarser was recomputed from it; who reads takes finer sums for such days.

use super::columns::{recompute, recompute_cells, sums};
use super::report::asked::{floor, month};
use super::rollup::{Stretch, alone, recompute};
use crate::app::App;
use crate::db::{SystemTx, Tx as _};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::api::usage::Bucket;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Days of orgs that one pass takes: each may have many thousands of sums by hour, and what has just
/// been booked waits meanwhile.
const MARKS: i64 = 16;
/// Late events come together: a day that is over is recomputed at most so often.
const REST: TimeDelta = TimeDelta::minutes(1);

const MONTHS: &str =
    recompute_cells!("usage_months", "month", "1 month", "usage_days", "day", sums!());

/// One line for each thing of each kind in `group`.
macro_rules! lines {
    ($table:literal, $at:literal, $length:literal, $source:literal, $kinds:literal, $ids:literal, $group:literal) => {
        recompute!(
            $table, $at, $length, $source, $at,
            cells: "kind, id", told: concat!($kinds, ", ", $ids), sums: sums!(),
            group: $group, order: concat!("kind, ", $at, ", id")
        )
    };
}
const DAY_LINES: &str = lines!(
    "usage_day_lines",
    "day",
    "24 hours",
    "usage_days",
    "case when grouping(team_id) = 0 then 'team' when grouping(app_id) = 0 then 'app'
       when grouping(key_id) = 0 then 'key' when grouping(model_id) = 0 then 'model'
       when grouping(product_id) = 0 then 'product' else 'org' end",
    "coalesce(team_id, app_id, key_id, model_id, product_id, stale.org_id)",
    "grouping sets ((), (team_id), (app_id), (key_id), (model_id), (product_id))
       having count(*) > 0"
);
/// Without keys and products, of which nothing shows every hour but a key its own.
const HOUR_LINES: &str = lines!(
    "usage_hour_lines",
    "hour",
    "1 hour",
    "usage_hours",
    "case when grouping(team_id) = 0 then 'team' when grouping(app_id) = 0 then 'app'
       when grouping(model_id) = 0 then 'model' else 'org' end",
    "coalesce(team_id, app_id, model_id, stale.org_id)",
    "grouping sets ((), (team_id), (app_id), (model_id)) having count(*) > 0"
);

/// Marks days whose sums were recomputed just now. A day that is marked stays as it is.
pub(super) async fn mark(tx: &mut SystemTx, days: &[Stretch]) -> sqlx::Result<()> {
    let now = tx.now();
    let (orgs, starts): (Vec<Uuid>, Vec<Timestamp>) = days.iter().copied().unzip();
    sqlx::query!(
        "insert into usage_stale_days (org_id, day, since)
         select org_id, day, $3 from unnest($1::uuid[], $2::timestamptz[]) as stale (org_id, day)
         on conflict do nothing",
        &orgs,
        &starts,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Recomputes what is coarser than the days that are over and marked, the longest marked first in time.
/// Answers how many days that were.
///
/// # Errors
/// Postgres cannot be reached; the days stay marked.
pub(super) async fn refresh(app: &App) -> sqlx::Result<usize> {
    let mut tx = app.system_tx("usage", "sum up days that are over").await?;
    // The same lock as for finer sums: their pass may leave a mark that is there already as it is.
    if !alone(&mut tx).await? {
        return Ok(0);
    }
    let now = tx.now();
    let marks = sqlx::query!(
        "delete from usage_stale_days
         where (org_id, day) in (select org_id, day from usage_stale_days
           where day < $1 and since <= $2 order by org_id, day limit $3)
         returning org_id, day",
        floor(now, Bucket::Day),
        now - REST,
        MARKS,
    )
    .fetch_all(tx.conn())
    .await?;
    if marks.is_empty() {
        return Ok(0);
    }
    let days: Vec<Stretch> = marks.iter().map(|mark| (mark.org_id, mark.day)).collect();
    let hours: Vec<Stretch> = days
        .iter()
        .flat_map(|(org, day)| (0..24).map(|hour| (*org, *day + TimeDelta::hours(hour))))
        .collect();
    let months: BTreeSet<Stretch> = days.iter().map(|(org, day)| (*org, month(*day))).collect();
    recompute(&mut tx, DAY_LINES, &days).await?;
    recompute(&mut tx, HOUR_LINES, &hours).await?;
    recompute(&mut tx, MONTHS, &months.into_iter().collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(days.len())
}
