//! `GET /o/{org}/audit`.

use crate::address;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::api::audit::AuditEntry;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Choice, DataTable, Details, EmptyState, Fact, Facts, Field, LinkButton,
    Look, NextPage, PageHead, SearchForm, Second, Select, Sign,
};
use portal_app::nav::Place;
use portal_app::text::audit as text;

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewAudit)?;
    let filter: Vec<_> = ["action", "actor"]
        .into_iter()
        .filter_map(|name| visit.query(name).map(|value| (name, value)))
        .collect();
    let members = visit.backend().all_members(&visit.org.slug).await?;
    let found = visit.backend().audit(&visit.org.slug, &filter, visit.query("cursor")).await?;
    Ok(visit.page(Place::Audit, text::TITLE, || {
        let base = visit.at("/audit");
        let next = address::next(&visit, found.next);
        let value = |name: &str| visit.query(name).unwrap_or_default();
        let (action, actor) = (value("action"), value("actor"));
        let mut actors = vec![Choice::new("", text::EVERYBODY)];
        actors.extend(
            members.into_iter().map(|one| Choice::new(one.person_id.to_string(), one.name)),
        );
        let all = base.clone();
        let list = if found.items.is_empty() {
            view! {
                <EmptyState sign=Sign::Info title=text::NONE why=text::NONE_WHY>
                    <LinkButton href=all label=text::CLEAR look=Look::Quiet />
                </EmptyState>
            }
            .into_any()
        } else {
            table(found.items).into_any()
        };
        view! {
            <PageHead title=text::TITLE lead=text::LEAD />
            <SearchForm action=base>
                <Field
                    name="action"
                    label=text::ACTION
                    hint=text::ACTION_HINT
                    kind="search"
                    value=action
                    optional=true
                />
                <Select name="actor" label=text::ACTOR value=actor choices=actors />
                <Button label=text::SHOW look=Look::Quiet />
            </SearchForm>
            {list}
            <NextPage href=next />
        }
    }))
}

fn table(entries: Vec<AuditEntry>) -> impl IntoView {
    let columns = vec![
        (text::TIME, CellKind::Head),
        (text::ACTION, CellKind::Text),
        (text::ACTOR, CellKind::Text),
        (text::OBJECT, CellKind::Text),
        (text::DETAILS, CellKind::Text),
    ];
    let rows = entries
        .into_iter()
        .map(|entry| {
            let who = match &entry.actor_role {
                Some(role) => format!("{} ({role})", entry.actor_name),
                None => entry.actor_name.clone(),
            };
            vec![
                Cell::head(view! { <Second at=entry.at /> }),
                Cell::text(view! { <code>{entry.action.clone()}</code> }),
                Cell::text(who),
                Cell::text(view! {
                    {entry.object_kind.clone()} " " <code class="id">{entry.object_id.clone()}</code>
                }),
                Cell::text(details(entry)),
            ]
        })
        .collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }
}

fn details(entry: AuditEntry) -> impl IntoView {
    let pretty = |value: Option<serde_json::Value>| {
        value.and_then(|value| serde_json::to_string_pretty(&value).ok())
    };
    let json = |title: &'static str, value: Option<String>| {
        value.map(|value| view! { <Fact term=title><pre class="json">{value}</pre></Fact> })
    };
    let (before, after) = (pretty(entry.before), pretty(entry.after));
    let request = entry.request_id.map(|id| {
        view! { <Fact term=text::REQUEST><code>{id}</code></Fact> }
    });
    view! {
        <Details summary=text::SHOW>
            <Facts>
                <Fact term=text::ACTOR>{entry.actor_email.unwrap_or(text::UNKNOWN.to_owned())}</Fact>
                <Fact term=text::IP>{entry.ip.unwrap_or(text::UNKNOWN.to_owned())}</Fact>
                {request}
                {json(text::BEFORE, before)}
                {json(text::AFTER, after)}
                <Fact term=text::HASH><code>{entry.hash}</code></Fact>
            </Facts>
        </Details>
    }
}
