//! What an org used, over time and by model and app.

use super::asked::{Asked, Range, length};
use super::store::{self, Key, Sums};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, OrgCtx, Result};
use contract::Timestamp;
use contract::api::usage::{Bucket, GroupBy, UsageGroup, UsagePoint, UsageReport, UsageTotals};
use contract::id::{AppId, ModelId};
use contract::money::Usd;
use contract::role::Action;
use contract::usage::Tokens;
use std::collections::HashMap;

/// Rows of a list beside the series.
const GROUPS_MAX: i64 = 100;
/// Buckets of a series at most; the range is checked to have fewer.
const BUCKETS_MAX: i64 = 1_000;

/// What the org used: totals, a series, and by model and app.
#[utoipa::path(get, path = "/v1/orgs/{org}/usage", tag = "usage",
    params(("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("bucket" = Option<Bucket>, Query), ("app" = Option<AppId>, Query),
        ("model" = Option<ModelId>, Query)),
    responses((status = 200, body = UsageReport)))]
pub async fn get_usage(ctx: OrgCtx, asked: Asked) -> Result<Answer<UsageReport>> {
    let mut tx = ctx.tenant_tx(Action::ViewUsage).await?;
    let (range, bucket) = asked.range(tx.now())?;
    let totals = store::sums(&mut tx, range, &asked, (Key::None, Key::None), 1).await?.pop();
    let by = match bucket {
        Bucket::Hour => Key::Hour,
        Bucket::Day => Key::Group(GroupBy::Day),
    };
    let points = store::sums(&mut tx, range, &asked, (by, Key::None), BUCKETS_MAX).await?;
    Ok(Answer::ok(UsageReport {
        from: range.from,
        to: range.to,
        bucket,
        newest_at: totals.as_ref().and_then(|sums| sums.newest_at),
        totals: totals.map_or(nothing(), |sums| sums.totals()),
        series: series(range, bucket, &points),
        by_model: groups(&mut tx, range, &asked, GroupBy::Model).await?,
        by_app: groups(&mut tx, range, &asked, GroupBy::App).await?,
    }))
}

const fn nothing() -> UsageTotals {
    UsageTotals {
        requests: 0,
        errors: 0,
        tokens: Tokens {
            input: 0,
            cached_input: 0,
            cache_write: 0,
            audio_input: 0,
            image_input: 0,
            output: 0,
            reasoning: 0,
            audio_output: 0,
        },
        cost_usd: Usd(contract::money::Nanos::ZERO),
    }
}

/// One point per bucket, empty ones included.
fn series(range: Range, bucket: Bucket, rows: &[Sums]) -> Vec<UsagePoint> {
    let by_start: HashMap<Timestamp, &Sums> =
        rows.iter().filter_map(|row| Some((row.first.parse().ok()?, row))).collect();
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

async fn groups(
    tx: &mut TenantTx,
    range: Range,
    asked: &Asked,
    group: GroupBy,
) -> Result<Vec<UsageGroup>> {
    let key = (Key::Group(group), Key::None);
    let rows = store::sums(tx, range, asked, key, GROUPS_MAX).await?;
    let names = store::names(tx, group, rows.iter().map(|row| row.first.as_str())).await?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let shown = names.get(&row.first)?.clone();
            Some(UsageGroup { id: shown.id, name: shown.name, totals: row.totals() })
        })
        .collect())
}
