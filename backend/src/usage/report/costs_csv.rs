//! The table of costs as a file.

use super::asked::Asked;
use super::costs::report;
use crate::http::{ApiError, OrgCtx, Result};
use crate::usage::csv;
use axum::response::IntoResponse;
use contract::api::usage::{CostReport, GroupBy};
use contract::id::{AppId, TeamId};
use contract::role::Action;
use contract::usage::Units;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

/// What the org spent, as CSV: the rows of `get_costs`, and nothing else.
#[utoipa::path(get, path = "/v1/orgs/{org}/costs.csv", tag = "usage",
    params(("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("group_by" = Vec<GroupBy>, Query), ("app" = Option<AppId>, Query),
        ("team" = Option<TeamId>, Query)),
    responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn get_costs_csv(ctx: OrgCtx, asked: Asked) -> Result<impl IntoResponse> {
    let mut tx = ctx.tenant_tx(Action::ViewCosts).await?;
    let report = report(&mut tx, &asked).await?;
    let name = format!(
        "attachment; filename=\"costs-{}-{}.csv\"",
        report.from.format("%Y%m%d"),
        report.to.format("%Y%m%d")
    );
    let file = file(&report).map_err(ApiError::internal)?;
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], file))
}

fn file(report: &CostReport) -> Result<Vec<u8>, ::csv::Error> {
    let mut header = Vec::new();
    for group in &report.group_by {
        let [id, name] = match group {
            GroupBy::Team => ["team_id", "team"],
            GroupBy::App => ["app_id", "app"],
            GroupBy::Key => ["key_id", "key"],
            GroupBy::Model => ["model_id", "model"],
            GroupBy::Product => ["product_id", "product"],
            GroupBy::Day => ["day", "day_utc"],
        };
        header.extend([id, name]);
    }
    header.extend(["requests", "input_tokens", "output_tokens", "cost_usd"]);
    // After what was there before: a program that reads by position reads on.
    header.extend(["images", "characters", "audio_ms", "searches", "rows", "compute_ms"]);
    let rows = report.rows.iter().map(|row| {
        let mut cells: Vec<String> = row
            .groups
            .iter()
            .flat_map(|group| [csv::text(&group.id), csv::text(&group.name)])
            .collect();
        cells.push(row.requests.to_string());
        cells.push(row.tokens.input_total().to_string());
        cells.push(row.tokens.output_total().to_string());
        cells.push(row.cost_usd.to_string());
        let Units { images, characters, audio_ms, searches, rows, compute_ms } = row.units;
        let units = [images, characters, audio_ms, searches, rows, compute_ms];
        cells.extend(units.map(|count| count.to_string()));
        cells
    });
    csv::table(&header, rows)
}
