//! `GET /o/{org}/costs` and the same table as a file.

use super::report;
use crate::fault::Fault;
use crate::range::{Preset, Range};
use crate::visit::OrgVisit;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use contract::api::tariffs::PlanMonth;
use contract::api::usage::{CostReport, CostRow, GroupBy};
use contract::money::Usd;
use contract::role::Action;
use contract::usage::Units;
use http::header;
use leptos::prelude::*;
use portal_app::charts::Share;
use portal_app::components::{
    Button, Cell, CellKind, Choice, Count, DataTable, EmptyState, Hidden, LinkButton, Look, Notice,
    PageHead, SearchForm, Section, Select, Sign, StatTile, Stats, Tone,
};
use portal_app::format;
use portal_app::nav::Place;
use portal_app::text::billing;
use portal_app::text::costs as text;
use portal_app::text::tariffs;
use portal_app::text::units;

const GROUPS: [(&str, GroupBy); 6] = [
    ("team", GroupBy::Team),
    ("app", GroupBy::App),
    ("key", GroupBy::Key),
    ("model", GroupBy::Model),
    ("product", GroupBy::Product),
    ("day", GroupBy::Day),
];

const FILTERS: [&str; 2] = ["app", "team"];

/// What is asked for: the span and the groupings.
struct Asked {
    range: Range,
    by: &'static str,
    then: Option<&'static str>,
    query: Vec<(&'static str, String)>,
}

/// Unknown groupings become the usual one: by team.
fn asked(visit: &OrgVisit) -> Asked {
    let known = |name: Option<String>| {
        let name = name?;
        GROUPS.iter().find(|(known, _)| *known == name).map(|(known, _)| *known)
    };
    let range = Range::read(|name| visit.query(name), visit.now(), Preset::ThisMonth);
    let by = known(visit.query("by")).unwrap_or("team");
    let then = known(visit.query("then")).filter(|then| *then != by);
    let mut query = range.query();
    query.push(("group_by", by.to_owned()));
    query.extend(then.map(|then| ("group_by", then.to_owned())));
    let filters = FILTERS.into_iter();
    query.extend(filters.filter_map(|name| visit.query(name).map(|value| (name, value))));
    Asked { range, by, then, query }
}

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewCosts)?;
    let asked = asked(&visit);
    let costs = visit.backend().costs(&visit.org.slug, &asked.query).await?;
    let months = visit.backend().plan_months(&visit.org.slug).await?;
    Ok(visit.page(Place::Costs, text::TITLE, || view(&visit, &asked, costs, months)))
}

/// `GET /o/{org}/costs.csv`: passed on as the control API writes it.
///
/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn csv(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewCosts)?;
    let asked = asked(&visit);
    let file = visit.backend().costs_csv(&visit.org.slug, &asked.query).await?;
    let day = |at: contract::Timestamp| at.format("%F").to_string();
    let name = format!(
        "attachment; filename=\"costs-{}-{}-{}.csv\"",
        visit.org.slug,
        day(asked.range.from),
        day(asked.range.to)
    );
    let kind = "text/csv; charset=utf-8".to_owned();
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(file.bytes_stream())).into_response())
}

fn view(
    visit: &OrgVisit,
    asked: &Asked,
    costs: CostReport,
    months: Vec<PlanMonth>,
) -> impl IntoView + use<> {
    let keep: Vec<_> = ["by", "then"].into_iter().chain(FILTERS).collect();
    let span = report::span(visit, &asked.range, &keep);
    let active = FILTERS
        .into_iter()
        .filter_map(|name| visit.query(name).map(|value| (name, value)))
        .collect();
    let filters = report::filters(visit, active);
    let coverage = report::coverage(costs.from, costs.to, costs.newest_at, visit.now());
    let grouping = grouping(visit, asked);
    let query = visit.arrival().here().split_once('?').map_or("", |(_, query)| query);
    let csv = visit.at(&format!("/costs.csv?{query}"));
    let total = format::money(costs.total_usd);
    let calls = costs.rows.iter().fold(0, |sum: u64, row| sum.saturating_add(row.requests));
    let rows = format::count(costs.rows.len() as u64);
    let unknowns = unknowns(visit, &costs);
    let body = if costs.rows.is_empty() {
        view! { <EmptyState sign=Sign::Costs title=text::NONE why=text::NONE_WHY /> }.into_any()
    } else {
        table(costs).into_any()
    };
    view! {
        <PageHead title=text::TITLE lead=text::LEAD>
            <LinkButton href=csv label=text::CSV look=Look::Quiet />
        </PageHead>
        {span}
        {filters}
        <Stats>
            <StatTile label=text::TOTAL value=total />
            <StatTile label=text::CALLS value=format::count(calls) />
            <StatTile label=text::ROWS value=rows />
        </Stats>
        {unknowns}
        {grouping}
        {body}
        {coverage}
        {so_far(months)}
    }
}

/// What plans with included quantities, tiers or a minimum make of the month that runs.
fn so_far(months: Vec<PlanMonth>) -> Option<impl IntoView + use<>> {
    if months.is_empty() {
        return None;
    }
    let columns = vec![
        (tariffs::PLAN, CellKind::Head),
        (tariffs::USED, CellKind::Text),
        (tariffs::BILLED, CellKind::Number),
        (tariffs::BY_TARIFF, CellKind::Number),
        (tariffs::MISSING, CellKind::Number),
        (tariffs::TOTAL, CellKind::Number),
    ];
    let rows = months
        .into_iter()
        .map(|one| {
            let used = one
                .used
                .iter()
                .map(|of| format!("{}: {}", of.model_name, tariffs::volume(&of.used).join(", ")));
            let used: Vec<_> = used.collect();
            let used =
                if used.is_empty() { tariffs::NOTHING_USED.to_owned() } else { used.join("; ") };
            vec![
                Cell::head(format!("{}: {}", one.product_name, one.plan_name)),
                Cell::text(used),
                Cell::number(format::money(one.billed_usd)),
                Cell::number(format::money(one.tariff_usd)),
                Cell::number(format::money(one.missing_usd)),
                Cell::number(format::money(one.total_usd)),
            ]
        })
        .collect();
    Some(view! {
        <Section title=tariffs::SO_FAR>
            <p>{tariffs::SO_FAR_LEAD}</p>
            <DataTable caption=tariffs::SO_FAR columns=columns rows=rows />
        </Section>
    })
}

/// Calls of unknown outcome, which no figure counts.
fn unknowns(visit: &OrgVisit, costs: &CostReport) -> impl IntoView + use<> {
    let (calls, reserved) = (costs.unknown_calls, costs.unknown_reserved_usd);
    let href = visit.at("/unknowns");
    (calls > 0).then(|| {
        let words = billing::waiting(&format::count(calls), &format::money(reserved));
        view! { <Notice tone=Tone::Plain>{words} " " <a href=href>{billing::SEE_UNKNOWNS}</a></Notice> }
    })
}

fn grouping(visit: &OrgVisit, asked: &Asked) -> impl IntoView + use<> {
    let choices = || GROUPS.map(|(value, by)| Choice::new(value, text::group(by)));
    let mut second = vec![Choice::new("", text::NOTHING)];
    second.extend(choices());
    let kept = ["range", "from", "to"]
        .into_iter()
        .chain(FILTERS)
        .filter_map(|name| visit.query(name).map(|value| (name, value)))
        .map(|(name, value)| view! { <Hidden name=name value=value /> })
        .collect_view();
    let (by, then) = (asked.by, asked.then.unwrap_or_default());
    let here = visit.at("/costs");
    view! {
        <SearchForm action=here>
            {kept}
            <Select name="by" label=text::GROUP_BY value=by choices=choices().to_vec() />
            <Select name="then" label=text::THEN_BY value=then choices=second />
            <Button label=text::SHOW look=Look::Quiet />
        </SearchForm>
    }
}

fn table(costs: CostReport) -> impl IntoView {
    let mut columns: Vec<_> = costs
        .group_by
        .iter()
        .enumerate()
        .map(|(n, by)| (text::group(*by), if n == 0 { CellKind::Head } else { CellKind::Text }))
        .collect();
    let blanks = columns.len().saturating_sub(1);
    columns.extend([
        (text::CALLS, CellKind::Number),
        (text::INPUT, CellKind::Number),
        (text::OUTPUT, CellKind::Number),
    ]);
    let used = units::sum(costs.rows.iter().map(|row| &row.units));
    let also = !used.is_zero();
    if also {
        columns.push((units::ALSO, CellKind::Text));
    }
    columns.extend([(text::COST, CellKind::Number), (text::SHARE, CellKind::Text)]);
    let decimals = costs.rows.iter().map(|row| row.cost_usd);
    let decimals = format::decimals(decimals.chain([costs.total_usd]));
    let whole = positive(costs.total_usd);
    let sum =
        |count: &dyn Fn(&CostRow) -> u64| costs.rows.iter().map(count).fold(0, u64::saturating_add);
    let sums = [
        format::count(sum(&|row| row.requests)),
        format::count(sum(&|row| row.tokens.input_total())),
        format::count(sum(&|row| row.tokens.output_total())),
    ];
    let mut rows: Vec<Vec<Cell>> = costs
        .rows
        .into_iter()
        .map(|row| {
            let mut cells: Vec<_> = row
                .groups
                .into_iter()
                .enumerate()
                .map(
                    |(n, group)| {
                        if n == 0 { Cell::head(group.name) } else { Cell::text(group.name) }
                    },
                )
                .collect();
            cells.extend([
                Cell::number(view! { <Count value=row.requests /> }),
                Cell::number(view! { <Count value=row.tokens.input_total() /> }),
                Cell::number(view! { <Count value=row.tokens.output_total() /> }),
            ]);
            if also {
                cells.push(line(&row.units));
            }
            cells.extend([
                Cell::number(format::money_at(row.cost_usd, decimals)),
                Cell::text(view! { <Share part=positive(row.cost_usd) whole=whole /> }),
            ]);
            cells
        })
        .collect();
    let mut total = vec![Cell::head(text::TOTAL)];
    total.extend((0..blanks).map(|_| Cell::text(())));
    total.extend(sums.map(Cell::number));
    if also {
        total.push(line(&used));
    }
    total.push(Cell::number(format::money_at(costs.total_usd, decimals)));
    total.push(Cell::text(()));
    rows.push(total);
    view! {
        <Section title=text::TITLE>
            <div class="summed">
                <DataTable caption=text::TITLE columns=columns rows=rows />
            </div>
        </Section>
    }
}

fn line(used: &Units) -> Cell {
    let line = units::line(used);
    Cell::text(view! { <span class="also">{line}</span> })
}

fn positive(amount: Usd) -> u64 {
    u64::try_from(amount.0.0).unwrap_or(0)
}
