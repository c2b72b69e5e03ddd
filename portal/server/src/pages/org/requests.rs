//! `GET /o/{org}/requests` and `GET /o/{org}/requests/{request}`.

use super::{report, request_detail};
use crate::address;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use contract::api::apps::App;
use contract::api::usage::RequestRow;
use contract::id::RequestId;
use contract::role::Action;
use contract::usage::{Outcome, Tokens};
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Choice, Copyable, Count, Crumb, DataTable, EmptyState, Fact, Facts,
    Field, Hidden, Instant, LinkButton, Look, Money, NextPage, Notice, PageHead, SearchForm,
    Second, Section, Select, Sign, State, StateBadge, Tone,
};
use portal_app::format;
use portal_app::nav::Place;
use portal_app::text::requests as text;
use portal_app::text::units::{self, Unit};

const FILTERS: [&str; 4] = ["app", "key", "model", "outcome"];

const OUTCOMES: [(&str, Outcome); 5] = [
    ("ok", Outcome::Ok),
    ("upstream_error", Outcome::UpstreamError),
    ("upstream_cut", Outcome::UpstreamCut),
    ("client_gone", Outcome::ClientGone),
    ("budget_exhausted", Outcome::BudgetExhausted),
];

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn list(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewRequests)?;
    if let Some(id) = visit.query("id").and_then(|id| id.trim().parse::<RequestId>().ok()) {
        return Ok(Redirect::to(&visit.at(&format!("/requests/{id}"))).into_response());
    }
    let filter: Vec<_> = FILTERS
        .into_iter()
        .filter_map(|name| visit.query(name).map(|value| (name, value)))
        .collect();
    let org = &visit.org.slug;
    let found = visit.backend().requests(org, &filter, visit.query("cursor")).await?;
    let apps = visit.backend().all_apps(org).await?;
    Ok(visit.page(Place::Requests, text::TITLE, || {
        let search = search(&visit, apps);
        let chips = filter
            .into_iter()
            .filter(|(name, _)| matches!(*name, "key" | "model"))
            .map(|(name, id)| (name, filter_name(name, id, &found.items)))
            .collect();
        let chips = report::filters(&visit, chips);
        let next = address::next(&visit, found.next);
        let base = visit.at("/requests");
        let list = if found.items.is_empty() {
            view! {
                <EmptyState sign=Sign::Requests title=text::NONE why=text::NONE_WHY>
                    <LinkButton href=base label=text::CLEAR look=Look::Quiet />
                </EmptyState>
            }
            .into_any()
        } else {
            table(found.items, &base, visit.may(Action::ViewCosts)).into_any()
        };
        view! {
            <PageHead title=text::TITLE lead=text::LEAD />
            {search}
            {chips}
            {list}
            <NextPage href=next />
        }
    }))
}

/// What people call the key or model whose id is in the address.
fn filter_name(parameter: &str, id: String, rows: &[RequestRow]) -> String {
    let name = rows.first().map(|row| match parameter {
        "key" => row.key_name.clone(),
        _ => row.model_name.clone(),
    });
    name.unwrap_or(id)
}

fn search(visit: &OrgVisit, apps: Vec<App>) -> impl IntoView + use<> {
    let mut app_choices = vec![Choice::new("", text::ALL_APPS)];
    app_choices.extend(apps.into_iter().map(|app| Choice::new(app.id.to_string(), app.name)));
    let mut outcomes = vec![Choice::new("", text::ANY)];
    outcomes.extend(OUTCOMES.map(|(value, outcome)| Choice::new(value, outcome.read().1)));
    let kept = ["key", "model"]
        .into_iter()
        .filter_map(|name| visit.query(name).map(|value| (name, value)))
        .map(|(name, value)| view! { <Hidden name=name value=value /> })
        .collect_view();
    let value = |name: &str| visit.query(name).unwrap_or_default();
    let (id, app, outcome) = (value("id"), value("app"), value("outcome"));
    view! {
        <SearchForm action=visit.at("/requests")>
            {kept}
            <Field
                name="id"
                label=text::FIND
                hint=text::FIND_HINT
                kind="search"
                value=id
                placeholder="req_…"
                optional=true
            />
            <Select name="app" label=text::APP value=app choices=app_choices />
            <Select name="outcome" label=text::OUTCOME value=outcome choices=outcomes />
            <Button label=text::SHOW look=Look::Quiet />
        </SearchForm>
    }
}

fn table(rows: Vec<RequestRow>, base: &str, money: bool) -> impl IntoView + use<> {
    let mut columns = vec![
        (text::TIME, CellKind::Head),
        (text::APP, CellKind::Text),
        (text::MODEL, CellKind::Text),
        (text::OUTCOME, CellKind::Text),
        (text::INPUT, CellKind::Number),
        (text::OUTPUT, CellKind::Number),
    ];
    let also = rows.iter().any(|row| !row.units.is_zero());
    if also {
        columns.push((units::ALSO, CellKind::Text));
    }
    columns.push((text::DURATION, CellKind::Number));
    if money {
        columns.push((text::COST, CellKind::Number));
    }
    let rows = rows
        .into_iter()
        .map(|row| {
            let href = format!("{base}/{}", row.id);
            let mut cells = vec![
                Cell::head(view! { <a href=href><Second at=row.at /></a> }),
                Cell::text(row.app_name),
                Cell::text(view! { <code>{row.model_name}</code> }),
                Cell::text(view! { <StateBadge state=row.outcome /> }),
                Cell::number(view! { <Count value=row.tokens.input_total() /> }),
                Cell::number(view! { <Count value=row.tokens.output_total() /> }),
            ];
            if also {
                let line = units::line(&row.units);
                cells.push(Cell::text(view! { <span class="also">{line}</span> }));
            }
            cells.push(Cell::number(format::millis(row.duration_ms)));
            if money {
                cells.push(Cell::number(view! { <Money amount=row.cost_usd /> }));
            }
            cells
        })
        .collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }
}

/// # Errors
/// When the role may not, there is no such request, or the control API does not answer.
pub async fn page(
    visit: OrgVisit,
    Path((_, request)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::ViewRequests)?;
    let detail = visit.backend().single_request(&visit.org.slug, &request).await?;
    let row = detail.request.clone();
    let title = format!("{} {} UTC", text::REQUEST, format::second(row.at));
    let crumbs = vec![Crumb::new(text::TITLE, visit.at("/requests"))];
    Ok(visit.page(Place::Requests, &title.clone(), || {
        let facts = facts(&visit, &row);
        let used = used(&row, visit.may(Action::ViewCosts));
        let first = row.first_token_ms.map(|ms| {
            view! { <Fact term=text::FIRST_TOKEN>{format::millis(ms)}</Fact> }
        });
        view! {
            <PageHead title=title crumbs=crumbs />
            {facts}
            <Section title=text::TIMING>
                <Facts>
                    {first}
                    <Fact term=text::DURATION>{format::millis(row.duration_ms)}</Fact>
                    <Fact term=text::ATTEMPTS>{row.attempts.to_string()}</Fact>
                </Facts>
            </Section>
            <Section title=text::USE>{used}</Section>
            {request_detail::sections(&visit, detail)}
        }
    }))
}

fn facts(visit: &OrgVisit, row: &RequestRow) -> impl IntoView + use<> {
    let app = visit.at(&format!("/apps/{}", row.app_id));
    let key = visit.at(&format!("/keys/{}", row.key_id));
    let error = row.error_code.clone().map(|code| {
        let href = format!("/docs/errors/{code}");
        view! { <Fact term=text::ERROR><a href=href><code>{code}</code></a></Fact> }
    });
    let stream = row.stream.then(|| format!(", {}", text::STREAMED));
    let row = row.clone();
    view! {
        <Facts>
            <Fact term=text::FIND><Copyable text=row.id.to_string() what=text::THE_ID /></Fact>
            <Fact term=text::TIME><Instant at=row.at /></Fact>
            <Fact term=text::OUTCOME><StateBadge state=row.outcome /></Fact>
            <Fact term=text::STATUS>{row.status.to_string()}</Fact>
            {error}
            <Fact term=text::MODEL><code>{row.model_name}</code></Fact>
            <Fact term=text::OPERATION>{row.operation.as_str()} {stream}</Fact>
            <Fact term=text::APP><a href=app>{row.app_name}</a></Fact>
            <Fact term=text::KEY><a href=key>{row.key_name}</a></Fact>
        </Facts>
    }
}

fn used(row: &RequestRow, money: bool) -> impl IntoView + use<> {
    let tokens = text::CLASSES
        .into_iter()
        .zip(classes(&row.tokens))
        .filter(|(_, count)| *count > 0)
        .map(|(class, count)| (class, format::count(count)));
    let units =
        Unit::used(&row.units).map(|unit| (unit.label(), unit.show(unit.count(&row.units))));
    let rows: Vec<_> = tokens
        .chain(units)
        .map(|(what, much)| vec![Cell::head(what), Cell::number(much)])
        .collect();
    let table = if rows.is_empty() {
        view! { <p class="absent">{text::NOTHING}</p> }.into_any()
    } else {
        let columns = vec![(text::CLASS, CellKind::Head), (text::COUNT, CellKind::Number)];
        view! { <DataTable caption=text::USE columns=columns rows=rows /> }.into_any()
    };
    let estimated = row.estimated.then(|| {
        view! { <Notice tone=Tone::Plain>{text::ESTIMATED}</Notice> }
    });
    let free = (!row.outcome.is_charged()).then(|| view! { <p>{text::UNCHARGED}</p> });
    let cost = row.cost_usd;
    let cost = money.then(|| {
        view! {
            <Facts>
                <Fact term=text::COST><Money amount=cost /></Fact>
            </Facts>
        }
    });
    view! { {table} {estimated} {cost} {free} }
}

/// In the order of [`text::CLASSES`].
const fn classes(tokens: &Tokens) -> [u64; 10] {
    let Tokens {
        input,
        cached_input,
        cache_write,
        cache_write_1h,
        audio_input,
        image_input,
        output,
        reasoning,
        audio_output,
        image_output,
    } = *tokens;
    [
        input,
        cached_input,
        cache_write,
        cache_write_1h,
        audio_input,
        image_input,
        output,
        reasoning,
        audio_output,
        image_output,
    ]
}
