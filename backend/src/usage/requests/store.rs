//! Reading usage events of an org, one by one.

use crate::db::{TenantTx, Tx as _};
use crate::http::PageQuery;
use contract::Timestamp;
use contract::api::usage::RequestRow;
use contract::id::{AppId, KeyId, ModelId, RequestId, TeamId};
use contract::money::{Nanos, Usd};
use contract::usage::{Operation, Outcome, Tokens, Units};
use sqlx::{FromRow, Postgres, QueryBuilder};

/// Which requests are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub app: Option<AppId>,
    pub key: Option<KeyId>,
    pub model: Option<ModelId>,
    pub outcome: Option<Outcome>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

#[derive(FromRow)]
struct Row {
    request_id: RequestId,
    at: Timestamp,
    team_id: TeamId,
    app_id: AppId,
    app_name: Option<String>,
    key_id: KeyId,
    key_name: Option<String>,
    model_id: ModelId,
    model_name: Option<String>,
    operation: Operation,
    stream: bool,
    outcome: Outcome,
    status: i32,
    error_code: Option<String>,
    input_tokens: i64,
    cached_input_tokens: i64,
    cache_write_tokens: i64,
    audio_input_tokens: i64,
    image_input_tokens: i64,
    output_tokens: i64,
    reasoning_tokens: i64,
    audio_output_tokens: i64,
    cache_write_1h_tokens: Option<i64>,
    image_output_tokens: Option<i64>,
    images: Option<i64>,
    characters: Option<i64>,
    audio_ms: Option<i64>,
    searches: Option<i64>,
    rows: Option<i64>,
    compute_ms: Option<i64>,
    estimated: bool,
    cost_nanos: i64,
    reserved_nanos: i64,
    attempts: i32,
    duration_ms: i64,
    first_token_ms: Option<i64>,
}

/// The org's requests, newest first.
pub async fn list(
    tx: &mut TenantTx,
    filter: &Filter,
    page: &PageQuery,
) -> sqlx::Result<Vec<RequestRow>> {
    let mut query = events(tx);
    if let Some(app) = filter.app {
        query.push(" and app_id = ").push_bind(app.0);
    }
    if let Some(key) = filter.key {
        query.push(" and key_id = ").push_bind(key.0);
    }
    if let Some(model) = filter.model {
        query.push(" and model_id = ").push_bind(model.0);
    }
    match filter.outcome {
        // The index of endings other than `ok` is partial: the planner must see both.
        Some(outcome) if outcome != Outcome::Ok => {
            query.push(" and outcome <> 'ok' and outcome = ").push_bind(outcome);
        }
        Some(outcome) => {
            query.push(" and outcome = ").push_bind(outcome);
        }
        None => {}
    }
    if let Some(from) = filter.from {
        query.push(" and at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        query.push(" and at < ").push_bind(to);
    }
    if let (Some(at), Some(id)) = (page.after_at(), page.after_id()) {
        query.push(" and (at, request_id) < (").push_bind(at).push(", ").push_bind(id).push(")");
    }
    query.push(" order by at desc, request_id desc limit ").push_bind(page.fetch());
    fetch(tx, query).await
}

/// One of the org's requests.
pub async fn find(tx: &mut TenantTx, id: RequestId) -> sqlx::Result<Option<RequestRow>> {
    // A call's id says when it was, so one partition is looked into.
    let Some(at) = id.instant() else { return Ok(None) };
    let mut query = events(tx);
    query.push(" and request_id = ").push_bind(id.0).push(" and at = ").push_bind(at);
    Ok(fetch(tx, query).await?.pop())
}

/// Built as text, not checked beforehand: with every filter in one query as `$1 is null or …`, the
/// planner could use no index but one.
fn events(tx: &TenantTx) -> QueryBuilder<Postgres> {
    let mut query =
        QueryBuilder::new("with page as materialized (select * from usage_events where org_id = ");
    query.push_bind(tx.org_id().0);
    query
}

async fn fetch(
    tx: &mut TenantTx,
    mut query: QueryBuilder<Postgres>,
) -> sqlx::Result<Vec<RequestRow>> {
    query.push(
        ") select request_id, at, page.team_id, page.app_id, apps.name as app_name, key_id,
             api_keys.name as key_name, model_id, models.name as model_name, operation, stream,
             outcome, status, error_code, input_tokens, cached_input_tokens, cache_write_tokens,
             audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
             audio_output_tokens, cache_write_1h_tokens, image_output_tokens, images, characters,
             audio_ms, searches, rows, compute_ms, estimated, cost_nanos, reserved_nanos, attempts, duration_ms,
             first_token_ms
           from page left join apps on apps.id = page.app_id
             left join api_keys on api_keys.id = key_id left join models on models.id = model_id
           order by at desc, request_id desc",
    );
    let rows: Vec<Row> = query.build_query_as().fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(shown).collect())
}

fn shown(row: Row) -> RequestRow {
    let (tokens, units) = (tokens(&row), units(&row));
    RequestRow {
        id: row.request_id,
        at: row.at,
        team_id: row.team_id,
        app_id: row.app_id,
        app_name: row.app_name.unwrap_or_else(|| row.app_id.to_string()),
        key_id: row.key_id,
        key_name: row.key_name.unwrap_or_else(|| row.key_id.to_string()),
        model_id: row.model_id,
        model_name: row.model_name.unwrap_or_else(|| row.model_id.to_string()),
        operation: row.operation,
        stream: row.stream,
        outcome: row.outcome,
        status: u16::try_from(row.status).unwrap_or(0),
        error_code: row.error_code,
        tokens,
        units,
        estimated: row.estimated,
        cost_usd: Usd(Nanos(row.cost_nanos)),
        reserved_usd: Usd(Nanos(row.reserved_nanos)),
        attempts: u16::try_from(row.attempts).unwrap_or(u16::MAX),
        duration_ms: u32::try_from(row.duration_ms).unwrap_or(u32::MAX),
        first_token_ms: row.first_token_ms.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX)),
    }
}

fn tokens(row: &Row) -> Tokens {
    Tokens {
        input: row.input_tokens.unsigned_abs(),
        cached_input: row.cached_input_tokens.unsigned_abs(),
        cache_write: row.cache_write_tokens.unsigned_abs(),
        cache_write_1h: or_zero(row.cache_write_1h_tokens),
        audio_input: row.audio_input_tokens.unsigned_abs(),
        image_input: row.image_input_tokens.unsigned_abs(),
        output: row.output_tokens.unsigned_abs(),
        reasoning: row.reasoning_tokens.unsigned_abs(),
        audio_output: row.audio_output_tokens.unsigned_abs(),
        image_output: or_zero(row.image_output_tokens),
    }
}

fn units(row: &Row) -> Units {
    Units {
        images: or_zero(row.images),
        characters: or_zero(row.characters),
        audio_ms: or_zero(row.audio_ms),
        searches: or_zero(row.searches),
        rows: or_zero(row.rows),
        compute_ms: or_zero(row.compute_ms),
    }
}

fn or_zero(count: Option<i64>) -> u64 {
    count.unwrap_or(0).unsigned_abs()
}
