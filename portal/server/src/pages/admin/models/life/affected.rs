//! The apps that called a model lately, and what their people were told.

use contract::api::lifecycle::AffectedApp;
use leptos::prelude::*;
use portal_app::components::{Cell, CellKind, Count, DataTable, Day, Instant, NextPage, Section};
use portal_app::text::lifecycle as text;

pub fn section(apps: Vec<AffectedApp>, next: Option<String>) -> impl IntoView {
    let list = if apps.is_empty() {
        view! { <p class="absent">{text::NO_AFFECTED}</p> }.into_any()
    } else {
        let columns = vec![
            (text::APP, CellKind::Head),
            (text::ORG, CellKind::Text),
            (text::CALLS, CellKind::Number),
            (text::LAST, CellKind::Text),
            (text::TOLD, CellKind::Text),
        ];
        let rows = apps.into_iter().map(row).collect();
        view! { <DataTable caption=text::AFFECTED columns=columns rows=rows /> }.into_any()
    };
    view! { <Section title=text::AFFECTED>{list} <NextPage href=next /></Section> }
}

fn row(app: AffectedApp) -> Vec<Cell> {
    let org = format!("/admin/orgs/{}", app.org_id);
    let told = if app.told.is_empty() {
        view! { <span class="absent">{text::NOT_TOLD}</span> }.into_any()
    } else {
        let told = app.told.into_iter().map(|told| {
            view! { <div>{text::step(told.step)} ", " <Day at=told.at /></div> }
        });
        told.collect_view().into_any()
    };
    vec![
        Cell::head(app.app_name),
        Cell::text(view! { <a href=org>{app.org_name}</a> }),
        Cell::number(view! { <Count value=app.requests.unsigned_abs() /> }),
        Cell::text(view! { <Instant at=app.last_at /> }),
        Cell::text(told),
    ]
}
