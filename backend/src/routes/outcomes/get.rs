//! How the sides of a route's rules did: beside each other, with how sure their differences are.

use super::buckets::percentile;
use super::compare::{self, Difference, Side};
use super::store::{self, Row};
use crate::db::Tx;
use crate::http::{Answer, ApiError, At, OperatorCtx, OrgCtx, Result};
use crate::routes::store::find;
use crate::usage::report::asked::Asked;
use contract::api::routes::{
    CostDifference, ErrorDifference, RouteComparison, RouteOutcomes, RouteSide,
};
use contract::id::RouteId;
use contract::money::{Nanos, Usd};
use contract::role::Action;

/// What became of the calls of one of the org's routes, by version, rule and part of a split.
#[utoipa::path(get, path = "/v1/orgs/{org}/routes/{route}/outcomes", tag = "routes",
    params(("from" = Option<String>, Query), ("to" = Option<String>, Query)),
    responses((status = 200, body = RouteOutcomes)))]
pub async fn get_route_outcomes(
    ctx: OrgCtx,
    At(id): At<RouteId>,
    asked: Asked,
) -> Result<Answer<RouteOutcomes>> {
    tell(&mut ctx.tenant_tx(Action::ViewRoutes).await?, id, &asked).await
}

/// What became of the calls of one of the platform's routes, by version, rule and part of a split.
#[utoipa::path(get, path = "/v1/admin/routes/{route}/outcomes", tag = "routes",
    params(("from" = Option<String>, Query), ("to" = Option<String>, Query)),
    responses((status = 200, body = RouteOutcomes)))]
pub async fn get_platform_route_outcomes(
    ctx: OperatorCtx,
    At(id): At<RouteId>,
    asked: Asked,
) -> Result<Answer<RouteOutcomes>> {
    tell(&mut ctx.system_tx("look at what became of a route's calls").await?, id, &asked).await
}

async fn tell(tx: &mut impl Tx, id: RouteId, asked: &Asked) -> Result<Answer<RouteOutcomes>> {
    find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let (range, _) = asked.range(tx.now())?;
    let rows = store::sums(tx, id, range).await?;
    let sides = rows.iter().map(side).collect();
    let comparisons = rows.chunk_by(|a, b| (a.number, &a.rule) == (b.number, &b.rule));
    let comparisons = comparisons.flat_map(compared).collect();
    Ok(Answer::ok(RouteOutcomes {
        from: range.from,
        to: range.to,
        sides,
        comparisons,
        method: compare::METHOD.to_owned(),
    }))
}

fn side(row: &Row) -> RouteSide {
    let mean = row.cost_nanos.checked_div(row.calls);
    RouteSide {
        number: row.number.unsigned_abs(),
        rule: row.rule.clone(),
        part: row.part.clone(),
        shadow: row.shadow,
        calls: row.calls.unsigned_abs(),
        errors: row.errors.unsigned_abs(),
        retried: row.retried.unsigned_abs(),
        p50_ms: percentile(&row.durations, 50),
        p95_ms: percentile(&row.durations, 95),
        first_content_p50_ms: percentile(&row.first_contents, 50),
        first_content_p95_ms: percentile(&row.first_contents, 95),
        input_tokens: row.input_tokens.unsigned_abs(),
        output_tokens: row.output_tokens.unsigned_abs(),
        cost_usd: Usd(Nanos(row.cost_nanos)),
        mean_cost_usd: mean.map(|nanos| Usd(Nanos(nanos))),
    }
}

/// Each side of a rule beside its first: of a canary the calls that are not on it, of an A/B test its
/// first part.
fn compared(sides: &[Row]) -> Vec<RouteComparison> {
    let Some((first, others)) = sides.split_first() else { return Vec::new() };
    let against = known(first);
    others
        .iter()
        .map(|row| RouteComparison {
            number: row.number.unsigned_abs(),
            rule: row.rule.clone(),
            part: row.part.clone(),
            shadow: row.shadow,
            against: first.part.clone(),
            errors: compare::of_errors(known(row), against).map(errors),
            mean_cost: compare::of_costs(known(row), against).map(costs),
        })
        .collect()
}

fn known(row: &Row) -> Side {
    Side {
        calls: row.calls.unsigned_abs(),
        errors: row.errors.unsigned_abs(),
        cost: row.cost_nanos.unsigned_abs(),
        cost_squares: row.cost_squares.parse().unwrap_or(u128::MAX / 4),
    }
}

fn errors(told: Difference) -> ErrorDifference {
    let Difference { value, low, high } = told;
    ErrorDifference { per_million: value, low, high, is_sure: is_sure(told) }
}

fn costs(told: Difference) -> CostDifference {
    let usd = |nanos| Usd(Nanos(nanos));
    let Difference { value, low, high } = told;
    CostDifference { usd: usd(value), low: usd(low), high: usd(high), is_sure: is_sure(told) }
}

/// The interval does not hold zero.
const fn is_sure(told: Difference) -> bool {
    told.low > 0 || told.high < 0
}
