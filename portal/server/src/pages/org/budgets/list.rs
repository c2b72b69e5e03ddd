//! `GET /o/{org}/budgets`.

use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::api::budgets::Budget;
use contract::money::{Nanos, Usd};
use contract::role::Action;
use leptos::prelude::*;
use portal_app::charts::Share;
use portal_app::components::{
    Badge, Cell, CellKind, DataTable, Day, EmptyState, LinkButton, PageHead, Sign, Tone,
};
use portal_app::nav::Place;
use portal_app::text::budgets as text;

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewBudgets)?;
    let budgets = visit.backend().all_budgets(&visit.org.slug).await?;
    let base = visit.at("/budgets");
    let may = visit.may(Action::EditBudget);
    Ok(visit.page(Place::Budgets, text::TITLE, move || {
        let list = if budgets.is_empty() {
            let why = if may { text::NONE_WHY } else { text::NONE_ASK };
            view! { <EmptyState sign=Sign::Budget title=text::NONE why=why /> }.into_any()
        } else {
            table(&base, budgets).into_any()
        };
        let new = move || view! { <LinkButton href=format!("{base}/new") label=text::NEW /> };
        view! {
            <PageHead title=text::TITLE lead=text::LEAD>{may.then(new)}</PageHead>
            {list}
        }
    }))
}

fn table(base: &str, budgets: Vec<Budget>) -> impl IntoView + use<> {
    let columns = vec![
        (text::NAME, CellKind::Head),
        (text::SPENT, CellKind::Text),
        (text::OF, CellKind::Text),
        (text::THEN, CellKind::Text),
        (text::RESETS, CellKind::Text),
        (text::NOTES, CellKind::Text),
    ];
    let rows = budgets.into_iter().map(|budget| row(base, budget)).collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }
}

fn row(base: &str, budget: Budget) -> Vec<Cell> {
    let href = format!("{base}/{}", budget.id);
    let period = &budget.period;
    let part = |usd: Usd| u64::try_from(usd.0.0).unwrap_or(0);
    let (used, whole) = (part(period.spent_usd), part(period.limit_usd));
    let spent = text::spent(period.spent_usd, period.limit_usd);
    let used_up = period.spent_usd.0 >= period.limit_usd.0;
    let notes = match (used_up, budget.warnings.is_empty()) {
        (true, _) => view! { <Badge tone=Tone::Bad word=text::USED_UP /> }.into_any(),
        (_, false) => view! { <Badge tone=Tone::Wait word=text::ODD /> }.into_any(),
        _ => view! { <Badge tone=Tone::Good word=text::FINE /> }.into_any(),
    };
    let (counted, amount, action) =
        (text::counted(&budget), text::amount(&budget), text::action(&budget));
    let raised = period.limit_usd.0.0.saturating_sub(budget.amount_usd.0.0);
    let raised = (raised > 0).then(|| {
        let more = text::raised(Usd(Nanos(raised)));
        view! { <br /> <small>{more}</small> }
    });
    let until = period.until;
    vec![
        Cell::head(view! { <a href=href>{budget.name}</a> <br /> <small>{counted}</small> }),
        Cell::text(view! { {spent} <Share part=used whole=whole /> }),
        Cell::text(view! { {amount} {raised} }),
        Cell::text(action),
        Cell::text(view! { <Day at=until /> }),
        Cell::text(notes),
    ]
}
