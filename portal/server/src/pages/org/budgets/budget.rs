//! `GET /o/{org}/budgets/{budget}`: how the period stands, what was told, and the forms to raise,
//! change and remove it.

use super::fields;
use crate::address;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use chrono::SecondsFormat;
use contract::api::budgets::{Budget, BudgetAlert, Raise};
use contract::money::{Nanos, Usd};
use contract::role::Action;
use leptos::prelude::*;
use portal_app::charts::{BarChart, ChartData, Series};
use portal_app::components::{
    ActionButton, Button, Cell, CellKind, Choice, Crumb, DataTable, Details, Fact, Facts, Field,
    Form, Hidden, Instant, Look, Meter, Money, NextPage, Notice, PageHead, Second, Section, Select,
    Tone,
};
use portal_app::form::FormState;
use portal_app::format;
use portal_app::nav::Place;
use portal_app::text::budgets as text;

/// # Errors
/// When the role may not, there is no such budget, or the control API does not answer.
pub async fn page(
    visit: OrgVisit,
    Path((_, budget)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::ViewBudgets)?;
    let org = &visit.org.slug;
    let budget = visit.backend().budget(org, &budget).await?;
    let id = budget.id.to_string();
    let alerts = visit.backend().budget_alerts(org, &id, visit.query("cursor")).await?;
    let models =
        if visit.may(Action::EditBudget) { fields::models(&visit).await? } else { Vec::new() };
    let next = address::next(&visit, alerts.next);
    Ok(visit.page(Place::Budgets, &budget.name, || {
        let forms = visit.may(Action::EditBudget).then(|| forms(&visit, &budget, models));
        let raises = raises(&visit, &budget);
        view! {
            <PageHead
                title=budget.name.clone()
                lead=text::counted(&budget)
                crumbs=vec![Crumb::new(text::TITLE, visit.at("/budgets"))]
            />
            {warnings(&budget)}
            {standing(&budget)}
            {chart(&budget)}
            {raises}
            <Section title=text::ALERTS>{history(alerts.items)} <NextPage href=next /></Section>
            {forms}
        }
    }))
}

fn warnings(budget: &Budget) -> Option<impl IntoView + use<>> {
    let items: Vec<_> =
        budget.warnings.iter().map(|one| view! { <li>{one.detail.clone()}</li> }).collect();
    (!items.is_empty()).then(|| {
        view! { <Notice tone=Tone::Wait title=text::WARNINGS><ul>{items}</ul></Notice> }
    })
}

fn standing(budget: &Budget) -> impl IntoView + use<> {
    let period = &budget.period;
    let part = |usd: Usd| u64::try_from(usd.0.0).unwrap_or(0);
    let words = text::spent(period.spent_usd, period.limit_usd);
    let forecast =
        period.forecast.as_ref().map_or_else(|| text::NO_FORECAST.to_owned(), text::forecast);
    let (used, whole, until) = (part(period.spent_usd), part(period.limit_usd), period.until);
    let (amount, percents) = (text::amount(budget), text::percents(&budget.thresholds));
    let (action, zone) = (text::action(budget), budget.zone.name());
    view! {
        <Meter label=text::SPENT used=used whole=whole words=words />
        <Facts>
            <Fact term=text::OF>{amount}</Fact>
            <Fact term=text::RESETS><Instant at=until /></Fact>
            <Fact term=text::ZONE>{zone}</Fact>
            <Fact term=text::THRESHOLDS>{percents}</Fact>
            <Fact term=text::ACTION>{action}</Fact>
            <Fact term=text::FORECAST>{forecast}</Fact>
        </Facts>
    }
}

/// What the last days cost, and how the forecast comes from them.
fn chart(budget: &Budget) -> Option<impl IntoView + use<>> {
    let days = &budget.period.days;
    let nanos = |usd: Usd| u64::try_from(usd.0.0).unwrap_or(0);
    let data = ChartData {
        title: text::BY_DAY.to_owned(),
        axis: text::DAY.to_owned(),
        labels: days.iter().map(|one| one.day.format("%-d %b").to_string()).collect(),
        series: vec![Series {
            name: text::SPENT.to_owned(),
            values: days.iter().map(|one| nanos(one.cost_usd)).collect(),
        }],
        show: |nanos| format::money(Usd(Nanos(i64::try_from(nanos).unwrap_or(i64::MAX)))),
    };
    (!days.is_empty()).then(|| {
        view! { <div class="section"><BarChart data=data /><p>{text::METHOD}</p></div> }
    })
}

fn raises(visit: &OrgVisit, budget: &Budget) -> Option<impl IntoView + use<>> {
    let may = visit.may(Action::EditBudget);
    let base = visit.at(&format!("/budgets/{}/raises", budget.id));
    let mut columns = vec![
        (text::ADD, CellKind::Head),
        (text::UNTIL, CellKind::Text),
        (text::REASON, CellKind::Text),
        (text::BY, CellKind::Text),
    ];
    if may {
        columns.push((text::END, CellKind::Number));
    }
    let row = |raise: &Raise| {
        let (add, until) = (raise.add_usd, raise.ends_at);
        let mut cells = vec![
            Cell::head(view! { <Money amount=add /> }),
            Cell::text(view! { <Instant at=until /> }),
            Cell::text(raise.reason.clone()),
            Cell::text(raise.created_by_name.clone()),
        ];
        if may {
            let form = visit.form(&format!("{base}/{}/end", raise.id));
            cells.push(Cell::number(
                view! { <ActionButton state=form label=text::END look=Look::Bare /> },
            ));
        }
        cells
    };
    let rows: Vec<_> = budget.raises.iter().map(row).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <Section title=text::RAISES>
                <DataTable caption=text::RAISES columns=columns rows=rows />
            </Section>
        }
    })
}

fn history(alerts: Vec<BudgetAlert>) -> impl IntoView {
    if alerts.is_empty() {
        return view! { <p class="absent">{text::NO_ALERTS}</p> }.into_any();
    }
    let columns = vec![
        (text::THRESHOLD, CellKind::Head),
        (text::WHEN, CellKind::Text),
        (text::SPENT, CellKind::Number),
    ];
    let rows = alerts
        .into_iter()
        .map(|alert| {
            vec![
                Cell::head(format!("{} %", alert.percent)),
                Cell::text(view! { <Second at=alert.at /> }),
                Cell::number(text::spent(alert.spent_usd, alert.limit_usd)),
            ]
        })
        .collect();
    view! { <DataTable caption=text::ALERTS columns=columns rows=rows /> }.into_any()
}

fn forms(visit: &OrgVisit, budget: &Budget, models: Vec<Choice>) -> impl IntoView + use<> {
    let page = visit.at(&format!("/budgets/{}", budget.id));
    let raise = visit.form(&format!("{page}/raise"));
    let edit = visit.form(&page);
    let delete = visit.form(&format!("{page}/delete"));
    let drawn = visit.now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let (open, name, version) =
        (edit.is_refused(), budget.name.clone(), budget.version.to_string());
    let terms = {
        let budget = budget.clone();
        move || fields::terms(Some(&budget), models)
    };
    view! {
        <Section title=text::RAISE>{raise_form(raise, drawn)}</Section>
        <Details summary=text::EDIT open=open>
            <Form state=edit>
                <Hidden name="version" value=version />
                <Field name="name" label=text::NAME hint=text::NAME_HINT value=name autocomplete="off" />
                {terms()}
                <Button label=text::SAVE look=Look::Quiet />
            </Form>
        </Details>
        <Details summary=text::DELETE>
            <p>{text::DELETE_WHY}</p>
            <ActionButton state=delete label=text::DELETE look=Look::Danger />
        </Details>
    }
}

fn raise_form(state: FormState, drawn: String) -> impl IntoView {
    let hours = text::HOURS.map(|(value, label)| Choice::new(value, label)).to_vec();
    view! {
        <p>{text::RAISE_LEAD}</p>
        <Form state=state>
            <Hidden name="drawn_at" value=drawn />
            <Field
                name="add_usd"
                label=text::ADD
                hint=text::AMOUNT_FORM
                inputmode="decimal"
                autocomplete="off"
            />
            <Select name="hours" label=text::FOR choices=hours />
            <Field
                name="reason"
                label=text::REASON
                hint=text::REASON_HINT
                autocomplete="off"
            />
            <Button label=text::RAISE />
        </Form>
    }
}
