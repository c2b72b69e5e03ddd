//! `GET /o/{org}/routes` and what is below: an organisation's own routes.

use crate::fault::Fault;
use crate::pages::routes::{Owner, explain, list, new, route};
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::role::Action;
use portal_app::nav::Place;
use portal_app::text::routes as text;

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn list(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewRoutes)?;
    let shown = list::load(&visit, Owner::of(&visit)).await?;
    Ok(visit.page(Place::Routes, text::TITLE, move || shown.draw()))
}

/// # Errors
/// As [`list`].
pub async fn new(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::EditRoute)?;
    let shown = new::load(&visit, Owner::of(&visit)).await?;
    Ok(visit.page(Place::Routes, text::NEW, move || shown.draw()))
}

/// # Errors
/// As [`list`]; when there is no such route.
pub async fn page(
    visit: OrgVisit,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::ViewRoutes)?;
    let shown = route::load(&visit, Owner::of(&visit), &id).await?;
    Ok(visit.page(Place::Routes, text::EDIT_TITLE, move || shown.draw()))
}

/// # Errors
/// As [`list`].
pub async fn explain(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewRoutes)?;
    let shown = explain::load(&visit, Owner::of(&visit));
    Ok(visit.page(Place::Routes, text::EXPLAIN, move || shown.draw()))
}
