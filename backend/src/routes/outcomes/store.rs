//! All SQL on outcomes, but for their appending.

use crate::db::{SystemTx, Tx};
use crate::usage::report::asked::Range;
use contract::Timestamp;
use contract::id::RouteId;

/// The sums of one side of a rule, or of its copies.
#[derive(Debug, Clone)]
pub struct Row {
    pub number: i32,
    pub rule: String,
    pub part: Option<String>,
    pub shadow: bool,
    pub calls: i64,
    pub errors: i64,
    pub retried: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost_nanos: i64,
    pub cost_squares: String,
    pub durations: Vec<i64>,
    pub first_contents: Vec<i64>,
}

/// What calls of a route came to, by version, rule and side.
pub async fn sums(tx: &mut impl Tx, route: RouteId, range: Range) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"select route_number as number, rule, part, shadow, sum(calls)::bigint as "calls!",
             sum(errors)::bigint as "errors!", sum(retried)::bigint as "retried!",
             sum(input_tokens)::bigint as "input_tokens!",
             sum(output_tokens)::bigint as "output_tokens!", sum(cost_nanos)::bigint as "cost_nanos!",
             trunc(sum(cost_squares))::text as "cost_squares!", sum_each(durations) as "durations!",
             sum_each(first_contents) as "first_contents!"
           from route_outcomes
           where route_id = $1 and hour >= $2 and hour < $3
           group by route_number, rule, part, shadow
           order by route_number desc, rule, shadow, part nulls first"#,
        route.0,
        range.from,
        range.to,
    )
    .fetch_all(tx.conn())
    .await
}

/// Puts lines of the same cell together, of hours before `before`; answers how many there were.
pub async fn merge(tx: &mut SystemTx, before: Timestamp) -> sqlx::Result<u64> {
    let merged = sqlx::query_scalar!(
        r#"with hours as materialized (
             select distinct hour from (
               select hour from route_outcomes where not is_merged and hour < $1 limit 100000) as few),
           gone as (
             delete from route_outcomes
             where not is_merged and hour in (select hour from hours) returning *),
           put as (
             insert into route_outcomes (org_id, route_id, route_number, rule, part, shadow,
               deployment_id, stream, hour, calls, errors, retried, input_tokens, output_tokens,
               cost_nanos, cost_squares, durations, first_contents, is_merged)
             select org_id, route_id, route_number, rule, part, shadow, deployment_id, stream, hour,
               sum(calls), sum(errors), sum(retried), sum(input_tokens), sum(output_tokens),
               sum(cost_nanos), sum(cost_squares), sum_each(durations), sum_each(first_contents), true
             from gone
             group by org_id, route_id, route_number, rule, part, shadow, deployment_id, stream, hour)
           select count(*) as "count!" from gone"#,
        before,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(merged.unsigned_abs())
}
