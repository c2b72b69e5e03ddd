//! What an org used, over time and by model and app.

use super::asked::{Asked, Range, length};
use super::store::{self, Sums};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, OrgCtx, Result};
use crate::usage::letters;
use contract::Timestamp;
use contract::api::usage::{Bucket, GroupBy, UsageGroup, UsagePoint, UsageReport, UsageTotals};
use contract::id::{AppId, ModelId};
use contract::money::Usd;
use contract::role::Action;
use contract::usage::{Tokens, Units};
use std::collections::HashMap;
use uuid::Uuid;

/// Rows of a list beside the series.
const GROUPS_MAX: usize = 100;

/// What the org used: totals, a series, and by model and app.
#[utoipa::path(get, path = "/v1/orgs/{org}/usage", tag = "usage",
    params(("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("bucket" = Option<Bucket>, Query), ("app" = Option<AppId>, Query),
        ("model" = Option<ModelId>, Query)),
    responses((status = 200, body = UsageReport)))]
pub async fn get_usage(ctx: OrgCtx, asked: Asked) -> Result<Answer<UsageReport>> {
    let mut tx = ctx.tenant_tx(Action::ViewUsage).await?;
    let (range, bucket) = asked.range(tx.now())?;
    let rows = store::overview(&mut tx, (range, bucket), &asked).await?;
    let not_booked = letters::open_in(&mut tx, range).await?;
    let totals = rows.iter().find(|row| (row.at, row.first, row.second) == (None, None, None));
    Ok(Answer::ok(UsageReport {
        from: range.from,
        to: range.to,
        bucket,
        newest_at: totals.and_then(|sums| sums.newest_at),
        totals: totals.map_or_else(nothing, Sums::totals),
        series: series(range, bucket, &rows),
        by_model: groups(&mut tx, GroupBy::Model, &rows, |row| row.first).await?,
        by_app: groups(&mut tx, GroupBy::App, &rows, |row| row.second).await?,
        not_booked,
    }))
}

pub(crate) const fn nothing() -> UsageTotals {
    UsageTotals {
        requests: 0,
        errors: 0,
        tokens: Tokens::NONE,
        units: Units::NONE,
        cost_usd: Usd(contract::money::Nanos::ZERO),
    }
}

/// One point per bucket, empty ones included.
pub(crate) fn series(range: Range, bucket: Bucket, rows: &[Sums]) -> Vec<UsagePoint> {
    let by_start: HashMap<Timestamp, &Sums> =
        rows.iter().filter_map(|row| Some((row.at?, row))).collect();
    let mut points = Vec::new();
    let mut at = range.from;
    while at < range.to {
        let sums = by_start.get(&at);
        let tokens = sums.map(|sums| sums.tokens()).unwrap_or_default();
        points.push(UsagePoint {
            at,
            requests: sums.map_or(0, |sums| sums.requests.unsigned_abs()),
            errors: sums.map_or(0, |sums| sums.errors.unsigned_abs()),
            input_tokens: tokens.input_total(),
            output_tokens: tokens.output_total(),
            cost_usd: sums.map_or(Usd::default(), |sums| sums.cost()),
        });
        at += length(bucket);
    }
    points
}

/// The dearest of the rows that `id` finds an object in.
async fn groups(
    tx: &mut TenantTx,
    group: GroupBy,
    rows: &[Sums],
    id: fn(&Sums) -> Option<Uuid>,
) -> Result<Vec<UsageGroup>> {
    let rows: Vec<_> =
        rows.iter().filter_map(|row| Some((id(row)?, row))).take(GROUPS_MAX).collect();
    let names = store::names(tx, group, rows.iter().map(|(id, _)| *id)).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(id, row)| {
            let shown = names.get(&id)?.clone();
            Some(UsageGroup { id: shown.id, name: shown.name, totals: row.totals() })
        })
        .collect())
}
