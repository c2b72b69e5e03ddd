//! From booked calls to lines of outcomes, in the transaction that books them.

use super::buckets;
use crate::db::{SystemTx, Tx as _};
use crate::usage::floor_hour;
use contract::Timestamp;
use contract::money::Nanos;
use contract::usage::{Outcome, UsageEvent};
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A call that was booked just now, and what it cost by its price, whoever bears that.
pub type Booked<'a> = (&'a UsageEvent, Nanos);

/// What tells lines apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Cell {
    org_id: Uuid,
    route_id: Uuid,
    route_number: i32,
    rule: String,
    part: Option<String>,
    shadow: bool,
    deployment_id: Option<Uuid>,
    stream: bool,
    hour: Timestamp,
}

#[derive(Debug, Default)]
struct Sums {
    calls: i64,
    errors: i64,
    retried: i64,
    input_tokens: u64,
    output_tokens: u64,
    cost: i64,
    cost_squares: u128,
    durations: Vec<i64>,
    first_contents: Vec<i64>,
}

#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    cell: Cell,
    calls: i64,
    errors: i64,
    retried: i64,
    input_tokens: u64,
    output_tokens: u64,
    cost_nanos: i64,
    /// As text: no number of JSON is so long.
    cost_squares: String,
    durations: Vec<i64>,
    first_contents: Vec<i64>,
}

/// Appends what these calls came to, those that a route planned. An answer that another call made says
/// nothing of a place.
///
/// # Errors
/// Postgres refused or cannot be reached.
pub async fn add(tx: &mut SystemTx, calls: &[Booked<'_>]) -> sqlx::Result<()> {
    let mut cells: BTreeMap<Cell, Sums> = BTreeMap::new();
    for (event, cost) in calls.iter().filter(|(event, _)| event.cached.is_none()) {
        let Some(cell) = cell(event) else { continue };
        cells.entry(cell).or_default().count(event, *cost);
    }
    if cells.is_empty() {
        return Ok(());
    }
    let lines: Vec<Line> = cells.into_iter().map(|(cell, sums)| line(cell, sums)).collect();
    let lines = serde_json::to_value(lines).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "insert into route_outcomes (org_id, route_id, route_number, rule, part, shadow,
           deployment_id, stream, hour, calls, errors, retried, input_tokens, output_tokens,
           cost_nanos, cost_squares, durations, first_contents)
         select org_id, route_id, route_number, rule, part, shadow, deployment_id, stream, hour, calls,
           errors, retried, input_tokens, output_tokens, cost_nanos, cost_squares, durations,
           first_contents
         from jsonb_populate_recordset(null::route_outcomes, $1)",
        lines,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn cell(event: &UsageEvent) -> Option<Cell> {
    let way = event.way.as_ref()?;
    Some(Cell {
        org_id: event.org_id.0,
        route_id: way.route_id.0,
        route_number: i32::try_from(way.number).unwrap_or(i32::MAX),
        rule: way.rule.clone(),
        part: way.part.clone(),
        shadow: event.shadow.is_some(),
        deployment_id: event.deployment_id.map(|id| id.0),
        stream: event.stream,
        hour: floor_hour(event.at),
    })
}

impl Sums {
    fn count(&mut self, event: &UsageEvent, cost: Nanos) {
        let is_error = matches!(event.outcome, Outcome::UpstreamError | Outcome::UpstreamCut);
        let is_retried = event.attempts_made.iter().any(|made| !made.overtaken);
        self.calls += 1;
        self.errors += i64::from(is_error);
        self.retried += i64::from(is_retried);
        self.input_tokens = self.input_tokens.saturating_add(event.tokens.input_total());
        self.output_tokens = self.output_tokens.saturating_add(event.tokens.output_total());
        self.cost = self.cost.saturating_add(cost.0);
        let square = u128::from(cost.0.unsigned_abs()).pow(2);
        self.cost_squares = self.cost_squares.saturating_add(square);
        if event.outcome == Outcome::Ok {
            buckets::count(&mut self.durations, event.duration_ms);
            if let Some(first) = event.first_token_ms {
                buckets::count(&mut self.first_contents, first);
            }
        }
    }
}

fn line(cell: Cell, sums: Sums) -> Line {
    Line {
        cell,
        calls: sums.calls,
        errors: sums.errors,
        retried: sums.retried,
        input_tokens: sums.input_tokens,
        output_tokens: sums.output_tokens,
        cost_nanos: sums.cost,
        cost_squares: sums.cost_squares.to_string(),
        durations: sums.durations,
        first_contents: sums.first_contents,
    }
}
