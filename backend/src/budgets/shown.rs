//! A budget as the API shows it: with its period, what was spent, and what is odd about it.

use super::forecast::{DAYS_MAX, forecast};
use super::model::{RaiseRow, Row};
use super::store::{self, Which};
use super::warnings::{Family, warnings};
use super::{fit, spend};
use crate::db::{TenantTx, Tx as _};
use chrono::{DurationRound as _, TimeDelta};
use contract::api::budgets::{
    Budget, BudgetAction, BudgetConflict, BudgetPeriod, BudgetWarning, DayCost,
};
use contract::id::ModelId;
use contract::money::{Nanos, Usd};

/// Several budgets, without forecasts.
pub(super) async fn many(tx: &mut TenantTx, rows: &[Row]) -> sqlx::Result<Vec<Budget>> {
    let others = store::rows(tx, Which::default()).await?;
    let family = family(tx).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        shown.push(one(tx, row, (&others, &family)).await?);
    }
    Ok(shown)
}

/// One budget, with its forecast.
pub(super) async fn whole(tx: &mut TenantTx, row: &Row) -> sqlx::Result<Budget> {
    let others = store::rows(tx, Which::default()).await?;
    let family = family(tx).await?;
    let mut shown = one(tx, row, (&others, &family)).await?;
    let now = tx.now();
    let today = now.duration_trunc(TimeDelta::days(1)).unwrap_or(now);
    let days = spend::days(tx, row, today, DAYS_MAX).await?;
    let period = &mut shown.period;
    period.forecast = forecast(period.spent_usd.0.0, period.until - now, &days);
    let dates =
        (1..=days.len()).rev().map(|ago| today - TimeDelta::days(i64::try_from(ago).unwrap_or(0)));
    period.days =
        dates.zip(days).map(|(day, cost)| DayCost { day, cost_usd: Usd(Nanos(cost)) }).collect();
    Ok(shown)
}

async fn one(
    tx: &mut TenantTx,
    row: &Row,
    (others, family): (&[Row], &Family),
) -> sqlx::Result<Budget> {
    let now = tx.now();
    let (from, until) = row.period(now);
    let spent = spend::between(tx, row, (from, until)).await?;
    let mut warnings = warnings(row, others, family);
    if let BudgetAction::Downgrade { model_id } = row.action {
        warnings.extend(unfit(tx, row, model_id).await?);
    }
    Ok(Budget {
        id: row.id,
        name: row.name.clone(),
        scope: row.scope,
        scope_name: row.scope_name.clone(),
        model_id: row.model_id,
        model_name: row.model_name.clone(),
        tag: row.tag.clone(),
        amount_usd: Usd(Nanos(row.amount)),
        window: row.window,
        zone: row.zone,
        thresholds: row.thresholds.iter().map(|percent| percent.unsigned_abs()).collect(),
        action: row.action,
        downgrade_model_name: row.downgrade_model_name.clone(),
        raises: row.raises.iter().map(RaiseRow::shown).collect(),
        warnings,
        period: BudgetPeriod {
            from,
            until,
            limit_usd: Usd(Nanos(row.limit_at(now))),
            spent_usd: Usd(Nanos(spent)),
            forecast: None,
            days: Vec::new(),
        },
        created_at: row.created_at,
        version: row.version,
    })
}

async fn unfit(
    tx: &mut TenantTx,
    row: &Row,
    model: ModelId,
) -> sqlx::Result<Option<BudgetWarning>> {
    let why = fit::unfit(tx, row, model).await?;
    Ok(why.map(|detail| BudgetWarning {
        kind: BudgetConflict::ModelUnfit,
        budget_id: None,
        detail: format!("{detail} Until then, calls are refused when the budget is used up."),
    }))
}

async fn family(tx: &mut TenantTx) -> sqlx::Result<Family> {
    let apps = sqlx::query!("select id, team_id from apps").fetch_all(tx.conn()).await?;
    let keys = sqlx::query!("select id, app_id from api_keys").fetch_all(tx.conn()).await?;
    Ok(Family {
        team_of_app: apps.into_iter().map(|app| (app.id, app.team_id)).collect(),
        app_of_key: keys.into_iter().map(|key| (key.id, key.app_id)).collect(),
    })
}
