//! What became of a route's calls: each side of its rules, and how sure their differences are.

use contract::api::routes::{RouteComparison, RouteOutcomes, RouteSide};
use leptos::prelude::*;
use portal_app::components::{Badge, Cell, CellKind, DataTable, Section, Tone};
use portal_app::format::{count, duration, money};
use portal_app::text::routes as text;

pub(super) fn section(outcomes: RouteOutcomes) -> impl IntoView {
    let RouteOutcomes { sides, comparisons, method, .. } = outcomes;
    if sides.is_empty() {
        return view! {
            <Section title=text::OUTCOMES><p class="absent">{text::NO_OUTCOMES}</p></Section>
        }
        .into_any();
    }
    let compared = (!comparisons.is_empty()).then(|| {
        view! {
            {compared(comparisons)}
            <p>{method}</p>
        }
    });
    view! {
        <Section title=text::OUTCOMES>
            {table(sides)}
            {compared}
        </Section>
    }
    .into_any()
}

fn table(sides: Vec<RouteSide>) -> impl IntoView {
    let columns = vec![
        (text::RULE, CellKind::Head),
        (text::SIDE, CellKind::Text),
        (text::VERSION, CellKind::Number),
        (text::CALLS, CellKind::Number),
        (text::FAILED, CellKind::Number),
        (text::RETRIED, CellKind::Number),
        (text::HALF_WITHIN, CellKind::Number),
        (text::MOST_WITHIN, CellKind::Number),
        (text::FIRST_CONTENT, CellKind::Number),
        (text::TOKENS, CellKind::Number),
        (text::MEAN_COST, CellKind::Number),
        (text::ALL_COST, CellKind::Number),
    ];
    let took = |ms: Option<u64>| Cell::number(ms.map(duration).unwrap_or_default());
    let rows = sides
        .into_iter()
        .map(|side| {
            vec![
                Cell::head(side.rule),
                Cell::text(name(side.part, side.shadow)),
                Cell::number(side.number.to_string()),
                Cell::number(count(side.calls)),
                Cell::number(count(side.errors)),
                Cell::number(count(side.retried)),
                took(side.p50_ms),
                took(side.p95_ms),
                took(side.first_content_p50_ms),
                Cell::number(count(side.input_tokens.saturating_add(side.output_tokens))),
                Cell::number(side.mean_cost_usd.map(money).unwrap_or_default()),
                Cell::number(money(side.cost_usd)),
            ]
        })
        .collect();
    view! { <DataTable caption=text::OUTCOMES columns=columns rows=rows /> }
}

fn compared(comparisons: Vec<RouteComparison>) -> impl IntoView {
    let columns = vec![
        (text::RULE, CellKind::Head),
        (text::SIDE, CellKind::Text),
        (text::BESIDE, CellKind::Text),
        (text::VERSION, CellKind::Number),
        (text::MORE_FAILURES, CellKind::Text),
        (text::MORE_COST, CellKind::Text),
    ];
    let rows = comparisons
        .into_iter()
        .map(|one| {
            let errors = one.errors.map(|told| {
                let range = text::range_of_failures(told.per_million, told.low, told.high);
                difference(range, told.is_sure)
            });
            let costs = one.mean_cost.map(|told| {
                let range = text::range(&money(told.usd), &money(told.low), &money(told.high));
                difference(range, told.is_sure)
            });
            vec![
                Cell::head(one.rule),
                Cell::text(name(one.part, one.shadow)),
                Cell::text(name(one.against, false)),
                Cell::number(one.number.to_string()),
                Cell::text(errors),
                Cell::text(costs),
            ]
        })
        .collect();
    view! { <DataTable caption=text::COMPARED columns=columns rows=rows /> }
}

fn difference(range: String, is_sure: bool) -> impl IntoView {
    let (tone, word) =
        if is_sure { (Tone::Good, text::SURE) } else { (Tone::Plain, text::NOT_SURE) };
    view! {
        {range}
        " "
        <Badge tone=tone word=word />
    }
}

fn name(part: Option<String>, shadow: bool) -> String {
    if shadow { text::COPIES.to_owned() } else { part.unwrap_or_else(|| text::REST.to_owned()) }
}
