//! Subscribing an app to a plan.

use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::catalog::Subscribe;
use portal_app::components::Tone;
use portal_app::text::catalog as text;

/// `POST /o/{org}/catalog/{product}/subscribe`.
///
/// # Errors
/// What no form can mend.
pub async fn subscribe(
    visit: OrgVisit,
    Path((_, product)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.at(&format!("/catalog/{product}"));
    let body = match read(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().subscribe(&visit.org.slug, form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SUBSCRIBED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

fn read(form: &Form) -> Result<Subscribe, Fault> {
    Ok(Subscribe {
        app_id: form.parse("app_id", text::APP_UNKNOWN)?,
        plan_id: form.parse("plan_id", text::PLAN_UNKNOWN)?,
    })
}
