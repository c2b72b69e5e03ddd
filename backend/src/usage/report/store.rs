//! The one query of every report, over the hourly sums.

use super::asked::{Asked, Range};
use crate::db::{TenantTx, Tx as _};
use contract::Timestamp;
use contract::api::usage::{GroupBy, UsageTotals};
use contract::id::{AppId, KeyId, ModelId, ProductId, TeamId};
use contract::money::{Nanos, Usd};
use contract::usage::Tokens;
use std::collections::HashMap;
use uuid::Uuid;

/// What rows are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Nothing: everything is one row.
    None,
    Hour,
    Group(GroupBy),
}

impl Key {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hour => "hour",
            Self::Group(GroupBy::Team) => "team",
            Self::Group(GroupBy::App) => "app",
            Self::Group(GroupBy::Key) => "key",
            Self::Group(GroupBy::Model) => "model",
            Self::Group(GroupBy::Product) => "product",
            Self::Group(GroupBy::Day) => "day",
        }
    }
}

/// A row of sums.
#[derive(Debug)]
pub struct Sums {
    /// The UUID of the object, or the start of hour or day in RFC 3339; empty without a key.
    pub first: String,
    pub second: String,
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
    pub cost_nanos: i64,
    pub newest_at: Option<Timestamp>,
}

impl Sums {
    pub const fn tokens(&self) -> Tokens {
        Tokens {
            input: self.input.unsigned_abs(),
            cached_input: self.cached_input.unsigned_abs(),
            cache_write: self.cache_write.unsigned_abs(),
            audio_input: self.audio_input.unsigned_abs(),
            image_input: self.image_input.unsigned_abs(),
            output: self.output.unsigned_abs(),
            reasoning: self.reasoning.unsigned_abs(),
            audio_output: self.audio_output.unsigned_abs(),
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
            cost_usd: self.cost(),
        }
    }
}

/// Sums of the org's hours in `range`, dearest first, at most `rows_max` rows.
pub async fn sums(
    tx: &mut TenantTx,
    range: Range,
    asked: &Asked,
    (first, second): (Key, Key),
    rows_max: i64,
) -> sqlx::Result<Vec<Sums>> {
    let org = tx.org_id();
    sqlx::query_as!(
        Sums,
        r#"select
             case $7 when 'team' then team_id::text when 'app' then app_id::text
               when 'key' then key_id::text when 'model' then model_id::text
               when 'product' then product_id::text
               when 'hour' then to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
               when 'day' then to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T00:00:00Z"')
               else '' end as "first!",
             case $8 when 'team' then team_id::text when 'app' then app_id::text
               when 'key' then key_id::text when 'model' then model_id::text
               when 'product' then product_id::text
               when 'day' then to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T00:00:00Z"')
               else '' end as "second!",
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
             coalesce(sum(cost_nanos), 0)::bigint as "cost_nanos!",
             max(newest_at) as newest_at
           from usage_hours
           where org_id = $1 and hour >= $2 and hour < $3
             and ($4::uuid is null or app_id = $4) and ($5::uuid is null or team_id = $5)
             and ($6::uuid is null or model_id = $6)
           group by 1, 2
           order by sum(cost_nanos) desc, sum(requests) desc, 1, 2
           limit $9"#,
        org.0,
        range.from,
        range.to,
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
    keys: impl Iterator<Item = &str>,
) -> sqlx::Result<HashMap<String, Shown>> {
    if group == GroupBy::Day {
        return Ok(keys
            .map(|key| {
                let day: String = key.chars().take(10).collect();
                (key.to_owned(), Shown { id: day.clone(), name: day })
            })
            .collect());
    }
    let ids: Vec<Uuid> = keys.filter_map(|key| key.parse().ok()).collect();
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
            (uuid.to_string(), Shown { id, name })
        })
        .collect())
}
