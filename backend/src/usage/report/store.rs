//! The queries of reports, over sums: no event is read.

use super::asked::{Asked, Range};
use super::source::{Source, Table, kind, stale_days};
use crate::db::{TenantTx, Tx as _};
use crate::usage::columns::counts;
use contract::Timestamp;
use contract::api::usage::{Bucket, GroupBy, UsageTotals};
use contract::id::{AppId, KeyId, ModelId, ProductId, TeamId};
use contract::money::{Nanos, Usd};
use contract::usage::{Tokens, Units};
use sqlx::{FromRow, Postgres, QueryBuilder};
use std::collections::HashMap;
use uuid::Uuid;

/// A row of sums.
#[derive(Debug, FromRow)]
pub struct Sums {
    /// The object of the first grouping, and of the second.
    pub first: Option<Uuid>,
    pub second: Option<Uuid>,
    /// The start of the bucket, where one of the groupings is by time.
    pub at: Option<Timestamp>,
    pub requests: i64,
    pub errors: i64,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub cache_write_tokens: i64,
    pub audio_input_tokens: i64,
    pub image_input_tokens: i64,
    pub output_tokens: i64,
    pub reasoning_tokens: i64,
    pub audio_output_tokens: i64,
    pub cache_write_1h_tokens: i64,
    pub image_output_tokens: i64,
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
            input: self.input_tokens.unsigned_abs(),
            cached_input: self.cached_input_tokens.unsigned_abs(),
            cache_write: self.cache_write_tokens.unsigned_abs(),
            cache_write_1h: self.cache_write_1h_tokens.unsigned_abs(),
            audio_input: self.audio_input_tokens.unsigned_abs(),
            image_input: self.image_input_tokens.unsigned_abs(),
            output: self.output_tokens.unsigned_abs(),
            reasoning: self.reasoning_tokens.unsigned_abs(),
            audio_output: self.audio_output_tokens.unsigned_abs(),
            image_output: self.image_output_tokens.unsigned_abs(),
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

/// Columns of [`Sums`] from rows of sums.
const TOTALS: &str = "coalesce(sum(requests), 0)::bigint as requests,
  coalesce(sum(errors), 0)::bigint as errors,
  coalesce(sum(input_tokens), 0)::bigint as input_tokens,
  coalesce(sum(cached_input_tokens), 0)::bigint as cached_input_tokens,
  coalesce(sum(cache_write_tokens), 0)::bigint as cache_write_tokens,
  coalesce(sum(audio_input_tokens), 0)::bigint as audio_input_tokens,
  coalesce(sum(image_input_tokens), 0)::bigint as image_input_tokens,
  coalesce(sum(output_tokens), 0)::bigint as output_tokens,
  coalesce(sum(reasoning_tokens), 0)::bigint as reasoning_tokens,
  coalesce(sum(audio_output_tokens), 0)::bigint as audio_output_tokens,
  coalesce(sum(cache_write_1h_tokens), 0)::bigint as cache_write_1h_tokens,
  coalesce(sum(image_output_tokens), 0)::bigint as image_output_tokens,
  coalesce(sum(images), 0)::bigint as images, coalesce(sum(characters), 0)::bigint as characters,
  coalesce(sum(audio_ms), 0)::bigint as audio_ms, coalesce(sum(searches), 0)::bigint as searches,
  coalesce(sum(rows), 0)::bigint as rows, coalesce(sum(compute_ms), 0)::bigint as compute_ms,
  coalesce(sum(cost_nanos), 0)::bigint as cost_nanos, max(newest_at) as newest_at";

/// Which rows of an org's sums are meant.
pub type Filter = Vec<(GroupBy, Uuid)>;

fn filter(asked: &Asked) -> Filter {
    let all = [
        (GroupBy::Team, asked.team.map(|id| id.0)),
        (GroupBy::App, asked.app.map(|id| id.0)),
        (GroupBy::Model, asked.model.map(|id| id.0)),
    ];
    all.into_iter().filter_map(|(what, id)| Some((what, id?))).collect()
}

/// The things among `groups` and those that `filter` chooses by, each once.
fn things(filter: &Filter, groups: &[GroupBy]) -> Vec<GroupBy> {
    let mut things = Vec::new();
    for thing in filter.iter().map(|(thing, _)| thing).chain(groups) {
        if *thing != GroupBy::Day && !things.contains(thing) {
            things.push(*thing);
        }
    }
    things
}

/// Sums of the org in `range`, by up to two groupings: dearest first, at most `rows_max` rows.
pub async fn sums(
    tx: &mut TenantTx,
    (range, bucket): (Range, Bucket),
    asked: &Asked,
    groups: &[GroupBy],
    rows_max: i64,
) -> sqlx::Result<Vec<Sums>> {
    let (filter, stale) = (filter(asked), stale_days(tx, range).await?);
    let source = if groups.contains(&GroupBy::Day) {
        Source::over_time(range, bucket, &things(&filter, groups), &stale)
    } else {
        Source::whole(range, bucket, &stale)
    };
    let column = |index: usize| match groups.get(index) {
        None | Some(GroupBy::Day) => "null::uuid".to_owned(),
        Some(group) => format!("{}_id", kind(*group)),
    };
    let at = if groups.contains(&GroupBy::Day) { "at" } else { "null::timestamptz" };
    let mut query = QueryBuilder::new("select ");
    query.push(format!(
        "{} as first, {} as second, {at} as at, {TOTALS} from (",
        column(0),
        column(1)
    ));
    cells(&mut query, tx, &source, &filter, groups);
    query.push(") cells group by 1, 2, 3 order by sum(cost_nanos) desc, sum(requests) desc, 1, 2, 3 limit ");
    query.push_bind(rows_max);
    query.build_query_as().fetch_all(tx.conn()).await
}

/// The total, the buckets, the models and the apps of a range, each row by one of them: `at`,
/// `first` for a model, `second` for an app. One look at the database, dearest first.
pub async fn overview(
    tx: &mut TenantTx,
    (range, bucket): (Range, Bucket),
    asked: &Asked,
) -> sqlx::Result<Vec<Sums>> {
    let (filter, stale) = (filter(asked), stale_days(tx, range).await?);
    let by = [GroupBy::Model, GroupBy::App];
    let mut query = QueryBuilder::new("with cells as materialized (select model_id, app_id, ");
    query.push(TOTALS).push(" from (");
    cells(&mut query, tx, &Source::whole(range, bucket, &stale), &filter, &by);
    query.push(") cells group by 1, 2) select model_id as first, app_id as second, null::timestamptz as at, ");
    query.push(TOTALS).push(" from cells group by grouping sets ((), (model_id), (app_id))");
    query.push(" union all select null, null, at, ").push(TOTALS).push(" from (");
    let source = Source::over_time(range, bucket, &things(&filter, &[]), &stale);
    cells(&mut query, tx, &source, &filter, &[]);
    query.push(") cells group by at order by cost_nanos desc, requests desc, 1, 2, 3");
    query.build_query_as().fetch_all(tx.conn()).await
}

/// The total and the buckets of what `filter` chooses; the total has no `at`.
pub async fn timeline(
    tx: &mut TenantTx,
    (range, bucket): (Range, Bucket),
    filter: &Filter,
) -> sqlx::Result<Vec<Sums>> {
    let stale = stale_days(tx, range).await?;
    let source = Source::over_time(range, bucket, &things(filter, &[]), &stale);
    let mut query = QueryBuilder::new("select null::uuid as first, null::uuid as second, at, ");
    query.push(TOTALS).push(" from (");
    cells(&mut query, tx, &source, filter, &[]);
    query.push(") cells group by grouping sets ((), (at))");
    query.build_query_as().fetch_all(tx.conn()).await
}

/// The rows that `source` names and `filter` chooses, with when and what they are of, as far as
/// `groups` ask for it. Built as text: each table is read by an index of its own, or not at all.
fn cells(
    query: &mut QueryBuilder<Postgres>,
    tx: &TenantTx,
    source: &Source,
    filter: &Filter,
    groups: &[GroupBy],
) {
    let parts = [&source.coarse, &source.fine].into_iter();
    let parts = parts.flat_map(|(table, stretches)| stretches.iter().map(move |one| (*table, one)));
    for (nth, (table, stretch)) in parts.enumerate() {
        if nth > 0 {
            query.push(" union all ");
        }
        query.push(format!("select {} as at, ", table.at()));
        for group in groups.iter().filter(|group| **group != GroupBy::Day) {
            query.push(format!("{} as {}_id, ", column(table, *group), kind(*group)));
        }
        query.push(counts!("")).push(format!(" from {} where org_id = ", table.name()));
        query.push_bind(tx.org_id().0);
        // Each stretch by itself: the planner must see how short it is.
        query.push(format!(" and {} >= ", table.at())).push_bind(stretch.from);
        query.push(format!(" and {} < ", table.at())).push_bind(stretch.to);
        if let Some(kind) = table.kind() {
            query.push(" and kind = ").push_bind(kind);
        }
        for (thing, id) in filter {
            query.push(format!(" and {} = ", column(table, *thing))).push_bind(*id);
        }
    }
}

/// The column that says which of a kind of things a row is of. Lines are of one kind.
fn column(table: Table, thing: GroupBy) -> String {
    table.kind().map_or_else(|| format!("{}_id", kind(thing)), |_| "id".to_owned())
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
        kind(group),
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
