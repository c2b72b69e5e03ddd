//! `GET /admin/models/{model}/life`: versions, names, brown-outs, and whose apps are concerned.

mod affected;
mod brown_outs;
pub mod cut_overs;
mod versions;

use crate::address;
use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::Timestamp;
use contract::api::models::Model;
use leptos::prelude::*;
use portal_app::components::{Crumb, Fact, Facts, Instant, PageHead, StateBadge};
use portal_app::nav::Place;
use portal_app::text::{admin, lifecycle as text};

/// # Errors
/// When there is no such model, or the control API does not answer.
pub async fn page(visit: OperatorVisit, Path(id): Path<String>) -> Result<Response, Fault> {
    let model = visit.backend().model(&id).await?;
    let cut_overs = visit.backend().cut_overs(Some(&model.name), None).await?;
    let affected = visit.backend().affected_apps(&id, visit.query("cursor")).await?;
    let next = address::next(&visit, affected.next);
    let own = format!("/admin/models/{}", model.id);
    let title = format!("{}: {}", model.display_name, text::TITLE);
    Ok(visit.page(Place::AdminModels, &title, || {
        let versions = versions::section(&visit, &own, &model);
        let names = cut_overs::section(&visit, Some(&model), cut_overs.items);
        let brown_outs = brown_outs::section(&visit, &own, &model);
        let affected = affected::section(affected.items, next);
        view! {
            <PageHead
                title=text::TITLE
                lead=text::LEAD
                crumbs=vec![
                    Crumb::new(admin::MODELS, "/admin/models"),
                    Crumb::new(model.display_name.clone(), own),
                ]
            />
            {facts(&model)}
            {versions}
            {names}
            {brown_outs}
            {affected}
        }
    }))
}

fn facts(model: &Model) -> impl IntoView + use<> {
    let at = |term: &'static str, at: Option<Timestamp>| {
        at.map(|at| view! { <Fact term=term><Instant at=at /></Fact> })
    };
    let code = |term: &'static str, name: Option<String>| {
        name.map(|name| view! { <Fact term=term><code>{name}</code></Fact> })
    };
    let leads = match &model.leads_to {
        Some(name) => view! { <code>{name.clone()}</code> }.into_any(),
        None => text::ITSELF.into_any(),
    };
    let (own, state) = (model.name.clone(), model.state);
    let since = at(text::SINCE, model.deprecated_at);
    let until = at(text::UNTIL, model.sunset_at);
    let successor = code(text::SUCCESSOR, model.successor.clone());
    let aliases = (!model.aliases.is_empty()).then(|| model.aliases.join(", "));
    let aliases = code(text::ALIASES, aliases);
    view! {
        <Facts>
            <Fact term=admin::MODEL_NAME><code>{own}</code></Fact>
            <Fact term=admin::STATE><StateBadge state=state /></Fact>
            {since}
            {until}
            {successor}
            <Fact term=text::LEADS_TO>{leads}</Fact>
            {aliases}
        </Facts>
    }
}

/// An instant as a browser's date and time field has it.
pub(super) fn typed(at: Option<Timestamp>) -> String {
    at.map(|at| at.format("%Y-%m-%dT%H:%M").to_string()).unwrap_or_default()
}

fn until(at: Option<Timestamp>) -> impl IntoView {
    at.map(|at| view! { <Instant at=at /> })
}
