//! What an org spent, by one or two groupings.

use super::asked::Asked;
use super::store::{self, Shown, Sums};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, OrgCtx, Result};
use crate::usage::unknowns;
use contract::api::usage::{CostGroup, CostReport, CostRow, GroupBy};
use contract::error::FieldError;
use contract::id::{AppId, TeamId};
use contract::money::{Nanos, Usd};
use contract::role::Action;
use std::collections::HashMap;
use uuid::Uuid;

/// Rows of a report at most.
const ROWS_MAX: usize = 10_000;

/// What the org spent. The rows sum to the total to the nano-dollar.
#[utoipa::path(get, path = "/v1/orgs/{org}/costs", tag = "usage",
    params(("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("group_by" = Vec<GroupBy>, Query), ("app" = Option<AppId>, Query),
        ("team" = Option<TeamId>, Query)),
    responses((status = 200, body = CostReport)))]
pub async fn get_costs(ctx: OrgCtx, asked: Asked) -> Result<Answer<CostReport>> {
    let mut tx = ctx.tenant_tx(Action::ViewCosts).await?;
    Ok(Answer::ok(report(&mut tx, &asked).await?))
}

/// # Errors
/// `request.invalid` for a range or a table that is too large.
pub(super) async fn report(tx: &mut TenantTx, asked: &Asked) -> Result<CostReport> {
    let reach = asked.range(tx.now())?;
    let group_by =
        if asked.group_by.is_empty() { vec![GroupBy::Team] } else { asked.group_by.clone() };
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX).saturating_add(1);
    let rows = store::sums(tx, reach, asked, &group_by, limit).await?;
    if rows.len() > ROWS_MAX {
        return Err(ApiError::invalid(vec![FieldError::new(
            "?group_by",
            "That makes more than 10000 rows. Shorten the range, or group by less.",
        )]));
    }
    let mut names: Vec<HashMap<Uuid, Shown>> = Vec::new();
    for (index, group) in group_by.iter().enumerate() {
        names.push(store::names(tx, *group, rows.iter().filter_map(|row| id(row, index))).await?);
    }
    let shown = |row: &Sums, index: usize| match group_by.get(index)? {
        GroupBy::Day => {
            let day = row.at?.format("%Y-%m-%d").to_string();
            Some(CostGroup { id: day.clone(), name: day })
        }
        _ => {
            let shown = names.get(index)?.get(&id(row, index)?)?;
            Some(CostGroup { id: shown.id.clone(), name: shown.name.clone() })
        }
    };
    let total = rows.iter().fold(Nanos::ZERO, |sum, row| sum.saturating_add(Nanos(row.cost_nanos)));
    let ids = (asked.team.map(|id| id.0), asked.app.map(|id| id.0));
    let (unknown_calls, unknown_reserved_usd) =
        unknowns::list::waiting(tx, (reach.0.from, reach.0.to), ids).await?;
    Ok(CostReport {
        unknown_calls,
        unknown_reserved_usd,
        from: reach.0.from,
        to: reach.0.to,
        newest_at: rows.iter().filter_map(|row| row.newest_at).max(),
        rows: rows
            .iter()
            .map(|row| CostRow {
                groups: [shown(row, 0), shown(row, 1)].into_iter().flatten().collect(),
                requests: row.requests.unsigned_abs(),
                tokens: row.tokens(),
                units: row.units(),
                cost_usd: row.cost(),
            })
            .collect(),
        group_by,
        total_usd: Usd(total),
    })
}

/// The object that a row's grouping names.
fn id(row: &Sums, index: usize) -> Option<Uuid> {
    if index == 0 { row.first } else { row.second }
}
