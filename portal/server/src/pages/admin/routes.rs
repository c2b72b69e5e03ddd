//! `GET /admin/routes` and what is below: the platform's routes.

use crate::fault::Fault;
use crate::pages::routes::{Owner, explain, list, new, route};
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use portal_app::nav::Place;
use portal_app::text::routes as text;

/// # Errors
/// When the control API does not answer.
pub async fn list(visit: OperatorVisit) -> Result<Response, Fault> {
    let shown = list::load(&visit, Owner::platform()).await?;
    Ok(visit.page(Place::AdminRoutes, text::TITLE, move || shown.draw()))
}

/// # Errors
/// As [`list`].
pub async fn new(visit: OperatorVisit) -> Result<Response, Fault> {
    let shown = new::load(&visit, Owner::platform()).await?;
    Ok(visit.page(Place::AdminRoutes, text::NEW, move || shown.draw()))
}

/// # Errors
/// As [`list`]; when there is no such route.
pub async fn page(visit: OperatorVisit, Path(id): Path<String>) -> Result<Response, Fault> {
    let shown = route::load(&visit, Owner::platform(), &id).await?;
    Ok(visit.page(Place::AdminRoutes, text::EDIT_TITLE, move || shown.draw()))
}

/// # Errors
/// As [`list`].
pub async fn explain(visit: OperatorVisit) -> Result<Response, Fault> {
    let shown = explain::load(&visit, Owner::platform());
    Ok(visit.page(Place::AdminRoutes, text::EXPLAIN, move || shown.draw()))
}
