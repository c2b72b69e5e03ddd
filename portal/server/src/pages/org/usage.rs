//! `GET /o/{org}/usage`: figures, a chart, and who used what. Everything chosen is in the address.

use super::report;
use crate::address;
use crate::fault::Fault;
use crate::range::{Preset, Range};
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::api::usage::{Bucket, UsageGroup, UsagePoint, UsageReport};
use contract::money::{Nanos, Usd};
use contract::role::Action;
use leptos::prelude::*;
use portal_app::charts::{BarChart, ChartData, Series, Share};
use portal_app::components::{
    Cell, CellKind, Count, DataTable, EmptyState, LinkButton, Look, Notice, PageHead, Section,
    Sign, StatTile, Stats, Tab, Tabs, Tone,
};
use portal_app::format;
use portal_app::nav::Place;
use portal_app::text::units::{self, Unit};
use portal_app::text::usage as text;

/// What the chart measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Calls,
    Tokens,
    Spend,
}

impl Measure {
    const ALL: [Self; 3] = [Self::Calls, Self::Tokens, Self::Spend];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Tokens => "tokens",
            Self::Spend => "spend",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Calls => text::CALLS,
            Self::Tokens => text::TOKENS,
            Self::Spend => text::SPEND,
        }
    }
}

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewUsage)?;
    let range = Range::read(|name| visit.query(name), visit.now(), Preset::Days30);
    let filter: Vec<_> = ["app", "model"]
        .into_iter()
        .filter_map(|name| visit.query(name).map(|value| (name, value)))
        .collect();
    let mut query = range.query();
    let bucket = match range.bucket() {
        Bucket::Hour => "hour",
        Bucket::Day => "day",
    };
    query.push(("bucket", bucket.to_owned()));
    query.extend(filter.clone());
    let usage = visit.backend().usage(&visit.org.slug, &query).await?;
    Ok(visit.page(Place::Usage, text::TITLE, || view(&visit, &range, filter, usage)))
}

fn view(
    visit: &OrgVisit,
    range: &Range,
    filter: Vec<(&'static str, String)>,
    usage: UsageReport,
) -> impl IntoView + use<> {
    let money = visit.may(Action::ViewCosts);
    let active = filter
        .into_iter()
        .map(|(parameter, id)| {
            let groups = if parameter == "app" { &usage.by_app } else { &usage.by_model };
            let name = groups.iter().find(|group| group.id == id).map(|group| group.name.clone());
            (parameter, name.unwrap_or(id))
        })
        .collect();
    let span = report::span(visit, range, &["app", "model", "show"]);
    let filters = report::filters(visit, active);
    let not_booked = (usage.not_booked > 0).then(|| {
        let words = text::not_booked(usage.not_booked);
        view! { <Notice tone=Tone::Wait>{words}</Notice> }
    });
    let coverage = report::coverage(usage.from, usage.to, usage.newest_at, visit.now());
    let requests = visit.may(Action::ViewRequests).then(|| {
        let href = visit.at("/requests");
        view! { <LinkButton href=href label=text::REQUESTS look=Look::Quiet /> }
    });
    let body = if usage.totals.requests == 0 {
        view! { <EmptyState sign=Sign::Usage title=text::NONE why=text::NONE_WHY /> }.into_any()
    } else {
        let here = visit.arrival().here();
        let link = |parameter: &'static str| {
            let here = here.to_owned();
            move |id: &str| address::with(&here, &[(parameter, Some(id))])
        };
        let chart = chart(visit, &usage, money);
        view! {
            {tiles(&usage, money)}
            {chart}
            {groups(text::BY_MODEL, text::MODEL, usage.by_model, money, link("model"))}
            {groups(text::BY_APP, text::APP, usage.by_app, money, link("app"))}
        }
        .into_any()
    };
    view! {
        <PageHead title=text::TITLE lead=text::LEAD>{requests}</PageHead>
        {span}
        {filters}
        {coverage}
        {not_booked}
        {body}
    }
}

fn tiles(usage: &UsageReport, money: bool) -> impl IntoView + use<> {
    let totals = usage.totals.clone();
    let tokens = totals.tokens;
    let units = Unit::used(&totals.units)
        .map(|unit| {
            let value = unit.show(unit.count(&totals.units));
            view! { <StatTile label=unit.label() value=value /> }
        })
        .collect_view();
    let spend = money.then(|| {
        view! { <StatTile label=text::SPEND value=format::money(totals.cost_usd) /> }
    });
    view! {
        <Stats>
            <StatTile label=text::CALLS value=format::count(totals.requests) />
            <StatTile label=text::FAILED value=format::count(totals.errors) />
            <StatTile
                label=text::INPUT
                value=format::count(tokens.input_total())
                note=text::cached(tokens.cached_input)
            />
            <StatTile
                label=text::OUTPUT
                value=format::count(tokens.output_total())
                note=text::reasoning(tokens.reasoning)
            />
            {units}
            {spend}
        </Stats>
    }
}

fn chart(visit: &OrgVisit, usage: &UsageReport, money: bool) -> impl IntoView + use<> {
    let offered: Vec<_> =
        Measure::ALL.into_iter().filter(|measure| money || *measure != Measure::Spend).collect();
    let asked = visit.query("show").unwrap_or_default();
    let chosen = offered.iter().find(|measure| measure.as_str() == asked);
    let measure = chosen.copied().unwrap_or(Measure::Calls);
    let tabs = offered
        .into_iter()
        .map(|offer| Tab {
            label: offer.label().to_owned(),
            href: address::with(visit.arrival().here(), &[("show", Some(offer.as_str()))]),
            here: offer == measure,
        })
        .collect();
    view! {
        <div class="section">
            <Tabs label=text::MEASURE tabs=tabs />
            <BarChart data=data(measure, usage) />
        </div>
    }
}

fn data(measure: Measure, usage: &UsageReport) -> ChartData {
    let hours = usage.bucket == Bucket::Hour;
    let series = |name: &str, value: fn(&UsagePoint) -> u64| Series {
        name: name.to_owned(),
        values: usage.series.iter().map(value).collect(),
    };
    let (series, show): (_, fn(u64) -> String) = match measure {
        Measure::Calls => (
            vec![
                series(text::ANSWERED, |point| point.requests.saturating_sub(point.errors)),
                series(text::FAILED, |point| point.errors),
            ],
            format::count,
        ),
        Measure::Tokens => (
            vec![
                series(text::INPUT, |point| point.input_tokens),
                series(text::OUTPUT, |point| point.output_tokens),
            ],
            format::count,
        ),
        Measure::Spend => (vec![series(text::SPEND, |point| nanos(point.cost_usd))], dollars),
    };
    let label = |point: &UsagePoint| {
        point.at.format(if hours { "%-d %b %H:%M" } else { "%-d %b" }).to_string()
    };
    ChartData {
        title: text::chart(measure.label(), hours),
        axis: if hours { text::HOUR } else { text::DAY }.to_owned(),
        labels: usage.series.iter().map(label).collect(),
        series,
        show,
    }
}

/// A corrected bucket may be below zero; a bar cannot.
fn nanos(amount: Usd) -> u64 {
    u64::try_from(amount.0.0).unwrap_or(0)
}

fn dollars(nanos: u64) -> String {
    format::money(Usd(Nanos(i64::try_from(nanos).unwrap_or(i64::MAX))))
}

/// Who used how much; a name leads to the report of it alone.
fn groups(
    title: &'static str,
    what: &'static str,
    groups: Vec<UsageGroup>,
    money: bool,
    href: impl Fn(&str) -> String,
) -> AnyView {
    let mut columns = vec![
        (what, CellKind::Head),
        (text::CALLS, CellKind::Number),
        (text::FAILED, CellKind::Number),
        (text::INPUT, CellKind::Number),
        (text::OUTPUT, CellKind::Number),
    ];
    let also = groups.iter().any(|group| !group.totals.units.is_zero());
    if also {
        columns.push((units::ALSO, CellKind::Text));
    }
    if money {
        columns.push((text::SPEND, CellKind::Number));
    }
    columns.push((text::SHARE, CellKind::Text));
    // Without sight of money, by tokens; and by calls where none has any.
    let tokens = groups.iter().any(|group| group.totals.tokens.total() > 0);
    let size = |group: &UsageGroup| match (money, tokens) {
        (true, _) => nanos(group.totals.cost_usd),
        (false, true) => group.totals.tokens.total(),
        (false, false) => group.totals.requests,
    };
    let decimals = format::decimals(groups.iter().map(|group| group.totals.cost_usd));
    let whole = groups.iter().map(size).fold(0, u64::saturating_add);
    let rows = groups
        .into_iter()
        .map(|group| {
            let part = size(&group);
            let totals = group.totals;
            let href = href(&group.id);
            let mut cells = vec![
                Cell::head(view! { <a href=href>{group.name}</a> }),
                Cell::number(view! { <Count value=totals.requests /> }),
                Cell::number(view! { <Count value=totals.errors /> }),
                Cell::number(view! { <Count value=totals.tokens.input_total() /> }),
                Cell::number(view! { <Count value=totals.tokens.output_total() /> }),
            ];
            if also {
                let line = units::line(&totals.units);
                cells.push(Cell::text(view! { <span class="also">{line}</span> }));
            }
            if money {
                cells.push(Cell::number(format::money_at(totals.cost_usd, decimals)));
            }
            cells.push(Cell::text(view! { <Share part=part whole=whole /> }));
            cells
        })
        .collect();
    view! { <Section title=title><DataTable caption=title columns=columns rows=rows /></Section> }
        .into_any()
}
