//! `GET /o/{org}/unknowns`: calls of unknown outcome.

use crate::address;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::api::billing::Unknown;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{
    Cell, CellKind, Crumb, DataTable, EmptyState, Money, NextPage, PageHead, Second, Sign,
    StateBadge,
};
use portal_app::nav::Place;
use portal_app::text::{billing as text, costs};

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewCosts)?;
    let found = visit.backend().unknowns(&visit.org.slug, visit.query("cursor")).await?;
    Ok(visit.page(Place::Costs, text::UNKNOWNS, || {
        let next = address::next(&visit, found.next);
        let crumbs = vec![Crumb::new(costs::TITLE, visit.at("/costs"))];
        let list = if found.items.is_empty() {
            view! {
                <EmptyState sign=Sign::Check title=text::UNKNOWNS_NONE why=text::UNKNOWNS_NONE_WHY />
            }
            .into_any()
        } else {
            table(found.items).into_any()
        };
        view! {
            <PageHead title=text::UNKNOWNS lead=text::UNKNOWNS_LEAD crumbs=crumbs />
            {list}
            <NextPage href=next />
        }
    }))
}

fn table(calls: Vec<Unknown>) -> impl IntoView {
    let columns = vec![
        (text::WHEN, CellKind::Head),
        (text::CALL, CellKind::Text),
        (text::APP, CellKind::Text),
        (text::MODEL, CellKind::Text),
        (text::STATE, CellKind::Text),
        (text::THEN, CellKind::Text),
        (text::RESERVED, CellKind::Number),
    ];
    let rows = calls
        .into_iter()
        .map(|call| {
            vec![
                Cell::head(view! { <Second at=call.at /> }),
                Cell::text(view! { <code class="id">{call.request_id.to_string()}</code> }),
                Cell::text(call.app_name),
                Cell::text(view! { <code>{call.model_name}</code> }),
                Cell::text(view! { <StateBadge state=call.state /> }),
                Cell::text(text::policy(call.policy)),
                Cell::number(view! { <Money amount=call.reserved_usd /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::UNKNOWNS columns=columns rows=rows /> }
}
