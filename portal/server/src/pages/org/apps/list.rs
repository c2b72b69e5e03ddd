//! `GET /o/{org}/apps`.

use crate::address;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::api::apps::App;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{
    Cell, CellKind, DataTable, Day, Disabled, EmptyState, LinkButton, NextPage, PageHead, Sign,
    StateBadge,
};
use portal_app::nav::Place;
use portal_app::text::apps as text;

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewApps)?;
    let apps = visit.backend().apps(&visit.org.slug, visit.query("cursor")).await?;
    let next = address::next(&visit, apps.next);
    let (base, may) = (visit.at("/apps"), visit.may(Action::EditApp));
    Ok(visit.page(Place::Apps, text::TITLE, move || {
        let new = format!("{base}/new");
        let list = if apps.items.is_empty() {
            let (why, button) = if may {
                (text::NONE_WHY, Some(view! { <LinkButton href=new.clone() label=text::NEW /> }))
            } else {
                (text::NONE_ASK, None)
            };
            view! { <EmptyState sign=Sign::App title=text::NONE why=why>{button}</EmptyState> }
                .into_any()
        } else {
            table(apps.items, &base).into_any()
        };
        view! {
            <PageHead title=text::TITLE lead=text::LEAD>
                {may.then(|| view! { <LinkButton href=new label=text::NEW /> })}
            </PageHead>
            {list}
            <NextPage href=next />
        }
    }))
}

fn table(apps: Vec<App>, base: &str) -> impl IntoView + use<> {
    let columns = vec![
        (text::NAME, CellKind::Head),
        (text::TEAM, CellKind::Text),
        (text::STATE, CellKind::Text),
        (text::DESCRIPTION, CellKind::Text),
        (text::CREATED_AT, CellKind::Text),
    ];
    let rows = apps
        .into_iter()
        .map(|app| {
            let href = format!("{base}/{}", app.id);
            vec![
                Cell::head(view! { <a href=href>{app.name}</a> }),
                Cell::text(app.team_name),
                Cell::text(view! { <StateBadge state=Disabled(app.disabled) /> }),
                Cell::text(app.description),
                Cell::text(view! { <Day at=app.created_at /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }
}
