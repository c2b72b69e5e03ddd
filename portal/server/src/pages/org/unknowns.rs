//! `GET /o/{org}/unknowns`: calls of unknown outcome.

use crate::address;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::api::billing::{Unknown, UnknownState};
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
        (text::APP_AND_MODEL, CellKind::Text),
        (text::STATE, CellKind::Text),
        (text::THEN, CellKind::Text),
        (text::RESERVED, CellKind::Number),
    ];
    let rows = calls
        .into_iter()
        .map(|call| {
            let ended = ended(&call);
            let is_open = matches!(call.state, UnknownState::Open | UnknownState::Unknown);
            let then = is_open.then(|| text::policy(call.policy));
            vec![
                Cell::head(view! { <Second at=call.at /> }),
                Cell::text(view! { <code class="id">{call.request_id.to_string()}</code> }),
                Cell::text(view! { {call.app_name} <br /> <code>{call.model_name}</code> }),
                Cell::text(view! { <StateBadge state=call.state /> {ended} }),
                Cell::text(then),
                Cell::number(view! { <Money amount=call.reserved_usd /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::UNKNOWNS columns=columns rows=rows /> }
}

/// How a call was ended, and by whom.
pub(crate) fn ended(call: &Unknown) -> Option<impl IntoView + use<>> {
    let actor = call.actor_name.as_ref().map(|name| format!(" ({name})"));
    let reason = call.reason.clone();
    (reason.is_some() || actor.is_some())
        .then(|| view! { <span class="told aside">{reason} {actor}</span> })
}
