//! The list of routes.

use super::Owner;
use crate::address;
use crate::fault::Fault;
use crate::visit::Visit;
use contract::api::routes::Route;
use leptos::prelude::*;
use portal_app::components::{
    Cell, CellKind, DataTable, Day, EmptyState, LinkButton, Look, NextPage, PageHead, Sign,
};
use portal_app::text::routes as text;

/// What the page shows.
#[derive(Debug)]
pub struct Shown {
    owner: Owner,
    routes: Vec<Route>,
    next: Option<String>,
}

/// # Errors
/// When the control API does not answer.
pub async fn load(visit: &Visit, owner: Owner) -> Result<Shown, Fault> {
    let page = visit.backend().routes(owner.slug(), visit.query("cursor")).await?;
    Ok(Shown { owner, routes: page.items, next: address::next(visit, page.next) })
}

impl Shown {
    pub fn draw(self) -> impl IntoView {
        let Self { owner, routes, next } = self;
        let lead = if owner.slug.is_some() { text::LEAD_ORG } else { text::LEAD_PLATFORM };
        let explain = format!("{}/explain", owner.base);
        let new = owner.may_edit.then(|| {
            view! { <LinkButton href=format!("{}/new", owner.base) label=text::NEW /> }
        });
        let list = if routes.is_empty() {
            view! { <EmptyState sign=Sign::Route title=text::NONE why=text::NONE_WHY /> }.into_any()
        } else {
            table(&owner, routes).into_any()
        };
        view! {
            <PageHead title=text::TITLE lead=lead>
                <LinkButton href=explain label=text::EXPLAIN look=Look::Quiet />
                {new}
            </PageHead>
            {list}
            <NextPage href=next />
        }
    }
}

fn table(owner: &Owner, routes: Vec<Route>) -> impl IntoView + use<> {
    let columns = vec![
        (text::MODEL, CellKind::Head),
        (text::COUNTS, CellKind::Text),
        (text::NEWEST, CellKind::Text),
        (text::SINCE, CellKind::Text),
    ];
    let rows = routes
        .into_iter()
        .map(|route| {
            let href = format!("{}/{}", owner.base, route.id);
            let active = route.active.map_or_else(|| text::NO_VERSION.to_owned(), text::version);
            vec![
                Cell::head(view! { <a href=href><code>{route.model_name}</code></a> }),
                Cell::text(active),
                Cell::text(text::version(route.number)),
                Cell::text(view! { <Day at=route.created_at /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }
}
