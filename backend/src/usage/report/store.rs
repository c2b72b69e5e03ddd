//! The queries of reports, over the sums by hour or by day: no event is read.

use super::asked::{Asked, Range};
use crate::db::{TenantTx, Tx as _};
use contract::Timestamp;
use contract::api::usage::{Bucket, GroupBy, UsageTotals};
use contract::id::{AppId, KeyId, ModelId, ProductId, TeamId};
use contract::money::{Nanos, Usd};
use contract::usage::{Tokens, Units};
use std::collections::HashMap;
use uuid::Uuid;

/// What rows are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Nothing: everything is one row.
    None,
    Group(GroupBy),
}

impl Key {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Group(GroupBy::Day) => "bucket",
            Self::Group(GroupBy::Team) => "team",
            Self::Group(GroupBy::App) => "app",
            Self::Group(GroupBy::Key) => "key",
            Self::Group(GroupBy::Model) => "model",
            Self::Group(GroupBy::Product) => "product",
        }
    }
}

/// A row of sums.
#[derive(Debug)]
pub struct Sums {
    /// The object of the first grouping, and of the second.
    pub first: Option<Uuid>,
    pub second: Option<Uuid>,
    /// The start of the bucket, where one of the groupings is by time.
    pub at: Option<Timestamp>,
    pub requests: i64,
    pub errors: i64,
    pub input: i64,
    pub cached_input: i64,
    pub cache_write: i64,
    pub audio_input: i64,
    pub image_input: i64,
    pub output: i64,
    pub reasoning: i64,
    pub audio_output: i64,
    pub cache_write_1h: i64,
    pub image_output: i64,
    pub images: i64,
    pub characters: i64,
    pub audio_ms: i64,
    pub searches: i64,
    pub rows: i64,
    pub compute_ms: i64,
    pub cost_nanos: i64,
    pub newest_at: Option<Timestamp>,
}

impl Sums {
    pub const fn tokens(&self) -> Tokens {
        Tokens {
            input: self.input.unsigned_abs(),
            cached_input: self.cached_input.unsigned_abs(),
            cache_write: self.cache_write.unsigned_abs(),
            cache_write_1h: self.cache_write_1h.unsigned_abs(),
            audio_input: self.audio_input.unsigned_abs(),
            image_input: self.image_input.unsigned_abs(),
            output: self.output.unsigned_abs(),
            reasoning: self.reasoning.unsigned_abs(),
            audio_output: self.audio_output.unsigned_abs(),
            image_output: self.image_output.unsigned_abs(),
        }
    }

    pub const fn units(&self) -> Units {
        Units {
            images: self.images.unsigned_abs(),
            characters: self.characters.unsigned_abs(),
            audio_ms: self.audio_ms.unsigned_abs(),
            searches: self.searches.unsigned_abs(),
            rows: self.rows.unsigned_abs(),
            compute_ms: self.compute_ms.unsigned_abs(),
        }
    }

    pub const fn cost(&self) -> Usd {
        Usd(Nanos(self.cost_nanos))
    }

    pub const fn totals(&self) -> UsageTotals {
        UsageTotals {
            requests: self.requests.unsigned_abs(),
            errors: self.errors.unsigned_abs(),
            tokens: self.tokens(),
            units: self.units(),
            cost_usd: self.cost(),
        }
    }
}

/// Sums of the org in `range`, dearest first, at most `rows_max` rows.
pub async fn sums(
    tx: &mut TenantTx,
    (range, bucket): (Range, Bucket),
    asked: &Asked,
    (first, second): (Key, Key),
    rows_max: i64,
) -> sqlx::Result<Vec<Sums>> {
    let org = tx.org_id();
    sqlx::query_as!(
        Sums,
        r#"with source as not materialized (
             select hour as at, team_id, app_id, key_id, model_id, product_id, requests, errors, input_tokens, cached_input_tokens, cache_write_tokens,
               audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
               audio_output_tokens, cache_write_1h_tokens, image_output_tokens, images, characters,
               audio_ms, searches, rows, compute_ms, cost_nanos, newest_at
             from usage_hours where $4 and org_id = $1 and hour >= $2 and hour < $3
             union all
             select day, team_id, app_id, key_id, model_id, product_id, requests, errors, input_tokens, cached_input_tokens, cache_write_tokens,
               audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
               audio_output_tokens, cache_write_1h_tokens, image_output_tokens, images, characters,
               audio_ms, searches, rows, compute_ms, cost_nanos, newest_at
             from usage_days where not $4 and org_id = $1 and day >= $2 and day < $3)
           select
             case $8 when 'team' then team_id when 'app' then app_id when 'key' then key_id
               when 'model' then model_id when 'product' then product_id end as first,
             case $9 when 'team' then team_id when 'app' then app_id when 'key' then key_id
               when 'model' then model_id when 'product' then product_id end as second,
             case when $8 = 'bucket' or $9 = 'bucket' then at end as at,
             coalesce(sum(requests), 0)::bigint as "requests!",
             coalesce(sum(errors), 0)::bigint as "errors!",
             coalesce(sum(input_tokens), 0)::bigint as "input!",
             coalesce(sum(cached_input_tokens), 0)::bigint as "cached_input!",
             coalesce(sum(cache_write_tokens), 0)::bigint as "cache_write!",
             coalesce(sum(audio_input_tokens), 0)::bigint as "audio_input!",
             coalesce(sum(image_input_tokens), 0)::bigint as "image_input!",
             coalesce(sum(output_tokens), 0)::bigint as "output!",
             coalesce(sum(reasoning_tokens), 0)::bigint as "reasoning!",
             coalesce(sum(audio_output_tokens), 0)::bigint as "audio_output!",
             coalesce(sum(cache_write_1h_tokens), 0)::bigint as "cache_write_1h!",
             coalesce(sum(image_output_tokens), 0)::bigint as "image_output!",
             coalesce(sum(images), 0)::bigint as "images!",
             coalesce(sum(characters), 0)::bigint as "characters!",
             coalesce(sum(audio_ms), 0)::bigint as "audio_ms!",
             coalesce(sum(searches), 0)::bigint as "searches!",
             coalesce(sum(rows), 0)::bigint as "rows!",
             coalesce(sum(compute_ms), 0)::bigint as "compute_ms!",
             coalesce(sum(cost_nanos), 0)::bigint as "cost_nanos!",
             max(newest_at) as newest_at
           from source
           where ($5::uuid is null or app_id = $5) and ($6::uuid is null or team_id = $6)
             and ($7::uuid is null or model_id = $7)
           group by 1, 2, 3
           order by sum(cost_nanos) desc, sum(requests) desc, 1, 2, 3
           limit $10"#,
        org.0,
        range.from,
        range.to,
        bucket == Bucket::Hour,
        asked.app.map(|id| id.0),
        asked.team.map(|id| id.0),
        asked.model.map(|id| id.0),
        first.as_str(),
        second.as_str(),
        rows_max,
    )
    .fetch_all(tx.conn())
    .await
}

/// The total, the buckets, the models and the apps of a range, each row by one of them: `at`,
/// `first` for a model, `second` for an app. One pass over the rows, dearest first.
pub async fn overview(
    tx: &mut TenantTx,
    (range, bucket): (Range, Bucket),
    asked: &Asked,
) -> sqlx::Result<Vec<Sums>> {
    let org = tx.org_id();
    sqlx::query_as!(
        Sums,
        r#"with source as not materialized (
             select hour as at, team_id, app_id, key_id, model_id, product_id, requests, errors, input_tokens, cached_input_tokens, cache_write_tokens,
               audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
               audio_output_tokens, cache_write_1h_tokens, image_output_tokens, images, characters,
               audio_ms, searches, rows, compute_ms, cost_nanos, newest_at
             from usage_hours where $4 and org_id = $1 and hour >= $2 and hour < $3
             union all
             select day, team_id, app_id, key_id, model_id, product_id, requests, errors, input_tokens, cached_input_tokens, cache_write_tokens,
               audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
               audio_output_tokens, cache_write_1h_tokens, image_output_tokens, images, characters,
               audio_ms, searches, rows, compute_ms, cost_nanos, newest_at
             from usage_days where not $4 and org_id = $1 and day >= $2 and day < $3),
           cells as materialized (
             select at, model_id, app_id, sum(requests)::bigint as requests,
               sum(errors)::bigint as errors, sum(input_tokens)::bigint as input_tokens,
               sum(cached_input_tokens)::bigint as cached_input_tokens,
               sum(cache_write_tokens)::bigint as cache_write_tokens,
               sum(audio_input_tokens)::bigint as audio_input_tokens,
               sum(image_input_tokens)::bigint as image_input_tokens,
               sum(output_tokens)::bigint as output_tokens,
               sum(reasoning_tokens)::bigint as reasoning_tokens,
               sum(audio_output_tokens)::bigint as audio_output_tokens,
               sum(cache_write_1h_tokens)::bigint as cache_write_1h_tokens,
               sum(image_output_tokens)::bigint as image_output_tokens,
               sum(images)::bigint as images, sum(characters)::bigint as characters,
               sum(audio_ms)::bigint as audio_ms, sum(searches)::bigint as searches,
               sum(rows)::bigint as rows, sum(compute_ms)::bigint as compute_ms,
               sum(cost_nanos)::bigint as cost_nanos,
               max(newest_at) as newest_at
             from source
             where ($5::uuid is null or app_id = $5) and ($6::uuid is null or team_id = $6)
             and ($7::uuid is null or model_id = $7)
             group by 1, 2, 3)
           select model_id as first, app_id as second, at as at,
             coalesce(sum(requests), 0)::bigint as "requests!",
             coalesce(sum(errors), 0)::bigint as "errors!",
             coalesce(sum(input_tokens), 0)::bigint as "input!",
             coalesce(sum(cached_input_tokens), 0)::bigint as "cached_input!",
             coalesce(sum(cache_write_tokens), 0)::bigint as "cache_write!",
             coalesce(sum(audio_input_tokens), 0)::bigint as "audio_input!",
             coalesce(sum(image_input_tokens), 0)::bigint as "image_input!",
             coalesce(sum(output_tokens), 0)::bigint as "output!",
             coalesce(sum(reasoning_tokens), 0)::bigint as "reasoning!",
             coalesce(sum(audio_output_tokens), 0)::bigint as "audio_output!",
             coalesce(sum(cache_write_1h_tokens), 0)::bigint as "cache_write_1h!",
             coalesce(sum(image_output_tokens), 0)::bigint as "image_output!",
             coalesce(sum(images), 0)::bigint as "images!",
             coalesce(sum(characters), 0)::bigint as "characters!",
             coalesce(sum(audio_ms), 0)::bigint as "audio_ms!",
             coalesce(sum(searches), 0)::bigint as "searches!",
             coalesce(sum(rows), 0)::bigint as "rows!",
             coalesce(sum(compute_ms), 0)::bigint as "compute_ms!",
             coalesce(sum(cost_nanos), 0)::bigint as "cost_nanos!",
             max(newest_at) as newest_at
           from cells
           group by grouping sets ((), (at), (model_id), (app_id))
           order by sum(cost_nanos) desc, sum(requests) desc, 1, 2, 3"#,
        org.0,
        range.from,
        range.to,
        bucket == Bucket::Hour,
        asked.app.map(|id| id.0),
        asked.team.map(|id| id.0),
        asked.model.map(|id| id.0),
    )
    .fetch_all(tx.conn())
    .await
}

/// How a row's key is shown: its id in text form, and its name.
#[derive(Debug, Clone)]
pub struct Shown {
    pub id: String,
    pub name: String,
}

/// Names of the objects that rows are grouped by. One that is gone is called by its id.
pub async fn names(
    tx: &mut TenantTx,
    group: GroupBy,
    ids: impl Iterator<Item = Uuid>,
) -> sqlx::Result<HashMap<Uuid, Shown>> {
    if group == GroupBy::Day {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.collect();
    let rows = sqlx::query!(
        r#"select id as "id!", name as "name!" from (
             select 'team' as kind, id, name from teams union all
             select 'app', id, name from apps union all
             select 'key', id, name from api_keys union all
             select 'model', id, name from models union all
             select 'product', id, name from products) named
           where kind = $1 and id = any($2)"#,
        Key::Group(group).as_str(),
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    let known: HashMap<Uuid, String> = rows.into_iter().map(|row| (row.id, row.name)).collect();
    Ok(ids
        .into_iter()
        .map(|uuid| {
            let id = match group {
                GroupBy::Team => TeamId(uuid).to_string(),
                GroupBy::App => AppId(uuid).to_string(),
                GroupBy::Key => KeyId(uuid).to_string(),
                GroupBy::Model => ModelId(uuid).to_string(),
                GroupBy::Product => ProductId(uuid).to_string(),
                GroupBy::Day => uuid.to_string(),
            };
            let name = known.get(&uuid).cloned().unwrap_or_else(|| id.clone());
            (uuid, Shown { id, name })
        })
        .collect())
}
