//! Sums of charged calls by the hour and the version of their price: what tariffs are rated from.
//!
//! What must stay true: an hour is replaced whole, from its events; what changed since is marked.

use super::Month;
use super::rate::Use;
use crate::db::{SystemTx, Tx};
use contract::Timestamp;
use contract::id::{ModelId, OrgId, PlanId, PriceId};
use contract::money::{Nanos, Rates};
use contract::rating::Volume;
use contract::usage::{Operation, Outcome, Tokens, Units};
use sqlx::types::Json;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Hours recomputed in one statement: each may read many thousands of events.
const CHUNK: usize = 100;

/// Marks those of `hours` in which an org used a plan that has, or had, a tariff. The sums by hour know
/// them already.
///
/// # Errors
/// Postgres refused.
pub async fn mark(tx: &mut SystemTx, hours: &[(Uuid, Timestamp)]) -> sqlx::Result<()> {
    let (orgs, starts): (Vec<Uuid>, Vec<Timestamp>) = hours.iter().copied().unzip();
    sqlx::query!(
        "insert into usage_priced_stale (org_id, hour)
         select stale.org_id, stale.hour
         from unnest($1::uuid[], $2::timestamptz[]) as stale (org_id, hour)
         where exists (select from plan_tariffs)
           and exists (select from usage_hours h join plan_tariffs t on t.plan_id = h.plan_id
             where h.org_id = stale.org_id and h.hour = stale.hour
               and t.effective_from <= stale.hour)",
        &orgs,
        &starts,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks the first hour of a month for whoever is subscribed to a plan that has a tariff from then on: a
/// gateway's clock may be ahead of ours, and its calls booked already.
///
/// # Errors
/// Postgres refused.
pub async fn mark_first(tx: &mut SystemTx, plan: PlanId, month: Month) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into usage_priced_stale (org_id, hour)
         select distinct org_id, $2::timestamptz from subscriptions where plan_id = $1",
        plan.0,
        month.start(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Recomputes the hours of an org that are marked. Answers their months. The caller is alone with the org.
///
/// # Errors
/// Postgres refused.
pub async fn recompute(tx: &mut SystemTx, org: OrgId) -> sqlx::Result<Vec<Month>> {
    let marks = sqlx::query_scalar!(
        "delete from usage_priced_stale where org_id = $1 returning hour",
        org.0,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut months: BTreeMap<Month, Vec<Timestamp>> = BTreeMap::new();
    for hour in marks.into_iter().collect::<BTreeSet<_>>() {
        months.entry(Month::of(hour)).or_default().push(hour);
    }
    for (month, hours) in &months {
        for chunk in hours.chunks(CHUNK) {
            replace(tx, org, *month, chunk).await?;
        }
    }
    Ok(months.into_keys().collect())
}

/// Replaces the sums of some hours of one month. What another call's answer cost is settled: no tariff
/// makes another price of it.
async fn replace(
    tx: &mut SystemTx,
    org: OrgId,
    month: Month,
    hours: &[Timestamp],
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from usage_priced_hours where org_id = $1 and hour = any($2)",
        org.0,
        hours,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "with plan as materialized (
           select id from plans where plan_tariff_at(id, $3) is not null)
         insert into usage_priced_hours (org_id, hour, plan_id, model_id, price_id, calls,
           input_tokens, cached_input_tokens, cache_write_tokens, cache_write_1h_tokens,
           audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
           audio_output_tokens, image_output_tokens, images, characters, audio_ms, searches, rows,
           compute_ms, cost_nanos)
         select $1, stale.hour, e.plan_id, e.model_id, e.price_id, count(*),
           sum(e.input_tokens), sum(e.cached_input_tokens), sum(e.cache_write_tokens),
           coalesce(sum(e.cache_write_1h_tokens), 0), sum(e.audio_input_tokens),
           sum(e.image_input_tokens), sum(e.output_tokens), sum(e.reasoning_tokens),
           sum(e.audio_output_tokens), coalesce(sum(e.image_output_tokens), 0),
           coalesce(sum(e.images), 0), coalesce(sum(e.characters), 0),
           coalesce(sum(e.audio_ms), 0), coalesce(sum(e.searches), 0), coalesce(sum(e.rows), 0),
           coalesce(sum(e.compute_ms), 0), sum(e.cost_nanos)
         from unnest($2::timestamptz[]) as stale (hour)
         join usage_events e on e.org_id = $1 and e.at >= stale.hour
           and e.at < stale.hour + interval '1 hour' and e.price_percent is null
         where e.plan_id in (select id from plan) and e.outcome <> $4 and e.operation <> $5
         group by stale.hour, e.plan_id, e.model_id, e.price_id",
        org.0,
        hours,
        month.start(),
        // As `UsageEvent::cost_under`: such calls are free whatever they used.
        Outcome::UpstreamError.as_str(),
        Operation::CountTokens.as_str(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What an org used in a month on plans with a tariff, or on one of them.
///
/// # Errors
/// Postgres refused.
pub async fn uses(
    tx: &mut impl Tx,
    org: OrgId,
    plan: Option<PlanId>,
    month: Month,
) -> sqlx::Result<Vec<Use>> {
    let rows = sqlx::query!(
        r#"select h.plan_id as "plan_id: PlanId", h.model_id as "model_id: ModelId",
             h.price_id as "price_id: PriceId", p.effective_from, p.rates as "rates: Json<Rates>",
             sum(h.calls)::bigint as "calls!", sum(h.input_tokens)::bigint as "input!",
             sum(h.cached_input_tokens)::bigint as "cached_input!",
             sum(h.cache_write_tokens)::bigint as "cache_write!",
             sum(h.cache_write_1h_tokens)::bigint as "cache_write_1h!",
             sum(h.audio_input_tokens)::bigint as "audio_input!",
             sum(h.image_input_tokens)::bigint as "image_input!",
             sum(h.output_tokens)::bigint as "output!", sum(h.reasoning_tokens)::bigint as "reasoning!",
             sum(h.audio_output_tokens)::bigint as "audio_output!",
             sum(h.image_output_tokens)::bigint as "image_output!",
             sum(h.images)::bigint as "images!", sum(h.characters)::bigint as "characters!",
             sum(h.audio_ms)::bigint as "audio_ms!", sum(h.searches)::bigint as "searches!",
             sum(h.rows)::bigint as "rows!", sum(h.compute_ms)::bigint as "compute_ms!",
             sum(h.cost_nanos)::bigint as "billed!: Nanos"
           from usage_priced_hours h join prices p on p.id = h.price_id
           where h.org_id = $1 and h.hour >= $2 and h.hour < $3
             and ($4::uuid is null or h.plan_id = $4)
           group by h.plan_id, h.model_id, h.price_id, p.effective_from, p.rates"#,
        org.0,
        month.start(),
        month.end(),
        plan.map(|plan| plan.0),
    )
    .fetch_all(tx.conn())
    .await?;
    let each = rows.into_iter().map(|row| {
        let tokens = Tokens {
            input: row.input.unsigned_abs(),
            cached_input: row.cached_input.unsigned_abs(),
            cache_write: row.cache_write.unsigned_abs(),
            cache_write_1h: row.cache_write_1h.unsigned_abs(),
            audio_input: row.audio_input.unsigned_abs(),
            image_input: row.image_input.unsigned_abs(),
            output: row.output.unsigned_abs(),
            reasoning: row.reasoning.unsigned_abs(),
            audio_output: row.audio_output.unsigned_abs(),
            image_output: row.image_output.unsigned_abs(),
        };
        let units = Units {
            images: row.images.unsigned_abs(),
            characters: row.characters.unsigned_abs(),
            audio_ms: row.audio_ms.unsigned_abs(),
            searches: row.searches.unsigned_abs(),
            rows: row.rows.unsigned_abs(),
            compute_ms: row.compute_ms.unsigned_abs(),
        };
        Use {
            plan_id: row.plan_id,
            model_id: row.model_id,
            price_id: row.price_id,
            since: row.effective_from,
            rates: row.rates.0,
            used: Volume { calls: row.calls.unsigned_abs(), tokens, units },
            billed: row.billed,
        }
    });
    Ok(each.collect())
}
