//! How much of limits is used: from the counters that gateways draw from, and where those cannot
//! be read, from recorded usage, which is late by what runs now and what is not yet summed up.

use super::recount::BUCKETS;
use crate::app::App;
use crate::db::{TenantTx, Tx as _};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::channel;
use contract::id::OrgId;
use contract::snapshot::{LimitRecord, LimitScope, Metric, Window};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// Longer than that nobody waits for a page because Redis is away.
const PATIENCE: Duration = Duration::from_millis(700);

/// A limit, and whose use of it is asked for.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    pub limit: &'a LimitRecord,
    /// As the counter's name says it.
    pub subject: String,
    /// Whose use it is, as usage is recorded.
    pub whose: Whose,
}

/// Columns of recorded usage that a limit's subject is found by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whose {
    pub team: Option<Uuid>,
    pub app: Option<Uuid>,
    pub key: Option<Uuid>,
    pub plan: Option<Uuid>,
}

impl Whose {
    #[must_use]
    pub fn of(scope: LimitScope) -> Self {
        match scope {
            LimitScope::Org(_) => Self::default(),
            LimitScope::Team(id) => Self { team: Some(id.0), ..Self::default() },
            LimitScope::App(id) => Self { app: Some(id.0), ..Self::default() },
            LimitScope::Key(id) => Self { key: Some(id.0), ..Self::default() },
            LimitScope::Plan(id) => Self { plan: Some(id.0), ..Self::default() },
        }
    }
}

/// What the counters say, in the order asked; `None` when Redis does not answer.
pub async fn counted(
    app: &App,
    org: OrgId,
    asked: &[Asked<'_>],
    now: Timestamp,
) -> Vec<Option<i64>> {
    let mut pipe = redis::pipe();
    for one in asked {
        pipe.hgetall(counter(org, one, now));
    }
    let unknown = vec![None; asked.len()];
    let Ok(mut link) = app.redis() else { return unknown };
    if asked.is_empty() {
        return unknown;
    }
    let read = pipe.query_async::<Vec<HashMap<String, i64>>>(&mut link);
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(all)) => {
            let one = |(held, asked): (_, &Asked<'_>)| Some(total(asked.limit, held, now));
            all.iter().zip(asked).map(one).collect()
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the counters of limits cannot be read");
            unknown
        }
        Err(_) => unknown,
    }
}

fn counter(org: OrgId, asked: &Asked<'_>, now: Timestamp) -> String {
    let (id, (start, _)) = (asked.limit.id.to_string(), asked.limit.bounds(now));
    match span_ms(asked.limit) {
        Some(_) => channel::limit_sliding(org, &id, &asked.subject),
        None => channel::limit_drawn(org, &id, &asked.subject, start),
    }
}

/// The length of a sliding limit, in milliseconds.
fn span_ms(limit: &LimitRecord) -> Option<i64> {
    let slides = limit.sliding && limit.metric != Metric::Concurrency;
    limit.window.seconds().filter(|_| slides).map(|seconds| seconds.saturating_mul(1_000))
}

/// What a counter comes to. Of a sliding limit all parts count that touch the stretch which ends now,
/// as they do for gateways.
fn total(limit: &LimitRecord, held: &HashMap<String, i64>, now: Timestamp) -> i64 {
    let Some(span) = span_ms(limit) else { return held.get("t").copied().unwrap_or(0).max(0) };
    let counts_from = now.timestamp_millis() - span - (span / BUCKETS).max(1);
    let touches = |field: &str| {
        let start = field.rsplit_once(':').and_then(|(_, start)| start.parse::<i64>().ok());
        start.is_some_and(|start| start > counts_from)
    };
    let parts = held.iter().filter(|(field, _)| touches(field));
    parts.fold(0_i64, |sum, (_, part)| sum.saturating_add(*part)).max(0)
}

/// What usage that is recorded and summed up says; `None` where it is not told apart so.
///
/// # Errors
/// Postgres refused.
pub async fn recorded(
    tx: &mut TenantTx,
    asked: &Asked<'_>,
    now: Timestamp,
) -> sqlx::Result<Option<i64>> {
    let limit = asked.limit;
    let short = matches!(limit.window, Window::Second | Window::Minute);
    if limit.tag.is_some() || limit.metric == Metric::Concurrency || short {
        return Ok(None);
    }
    let start = match limit.window.seconds() {
        Some(length) if limit.sliding => now - TimeDelta::seconds(length),
        _ => Timestamp::from_timestamp(limit.bounds(now).0, 0).unwrap_or(Timestamp::UNIX_EPOCH),
    };
    let model = limit.model_id.map(|id| id.0);
    let whose = asked.whose;
    // Long windows are summed from days: whole ones at their edges, so it is not exact either way.
    let long = matches!(limit.window, Window::Quarter | Window::Year | Window::Lifetime);
    let used = sums(tx, long, start, whose, model).await?;
    let count = match limit.metric {
        Metric::Requests => used.requests,
        Metric::InputTokens => used.input,
        Metric::OutputTokens => used.output,
        Metric::Tokens => used.input.saturating_add(used.output),
        Metric::ComputeMs => used.compute_ms,
        Metric::Rows => used.rows,
        Metric::Money => used.cost_nanos,
        Metric::Concurrency => return Ok(None),
    };
    Ok(Some(count))
}

#[derive(Debug)]
struct Sums {
    requests: i64,
    input: i64,
    output: i64,
    compute_ms: i64,
    rows: i64,
    cost_nanos: i64,
}

/// From sums by day where `long`, else by hour.
async fn sums(
    tx: &mut TenantTx,
    long: bool,
    start: Timestamp,
    whose: Whose,
    model: Option<Uuid>,
) -> sqlx::Result<Sums> {
    sqlx::query_as!(
        Sums,
        r#"select coalesce(sum(requests), 0)::bigint as "requests!",
             coalesce(sum(input_tokens + cached_input_tokens + cache_write_tokens
               + coalesce(cache_write_1h_tokens, 0) + audio_input_tokens + image_input_tokens), 0)::bigint
               as "input!",
             coalesce(sum(output_tokens + reasoning_tokens + audio_output_tokens
               + coalesce(image_output_tokens, 0)), 0)::bigint as "output!",
             coalesce(sum(compute_ms), 0)::bigint as "compute_ms!",
             coalesce(sum(rows), 0)::bigint as "rows!",
             coalesce(sum(cost_nanos), 0)::bigint as "cost_nanos!"
           from (select hour as at, team_id, app_id, key_id, plan_id, model_id, requests,
                   input_tokens, cached_input_tokens, cache_write_tokens, cache_write_1h_tokens,
                   audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
                   audio_output_tokens, image_output_tokens, compute_ms, rows, cost_nanos
                 from usage_hours where not $1
                 union all
                 select day, team_id, app_id, key_id, plan_id, model_id, requests,
                   input_tokens, cached_input_tokens, cache_write_tokens, cache_write_1h_tokens,
                   audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
                   audio_output_tokens, image_output_tokens, compute_ms, rows, cost_nanos
                 from usage_days where $1) sums
           where at >= $2
             and ($3::uuid is null or team_id = $3) and ($4::uuid is null or app_id = $4)
             and ($5::uuid is null or key_id = $5) and ($6::uuid is null or plan_id = $6)
             and ($7::uuid is null or model_id = $7)"#,
        long,
        start,
        whose.team,
        whose.app,
        whose.key,
        whose.plan,
        model,
    )
    .fetch_one(tx.conn())
    .await
}
