//! Making an organisation.

use crate::fault::Fault;
use crate::form::Form;
use crate::visit::SignedIn;
use axum::response::Response;
use contract::api::orgs::CreateOrg;
use portal_app::components::Tone;
use portal_app::text::account as text;

/// `POST /orgs`.
///
/// # Errors
/// What no form can mend.
pub async fn create(visit: SignedIn, form: Form) -> Result<Response, Fault> {
    let body = CreateOrg { name: form.text("name") };
    match visit.backend().create_org(form.key(), &body).await {
        Ok(org) => visit.go(format!("/o/{}", org.slug)).notice(Tone::Good, text::ORG_MADE).answer(),
        Err(fault) => visit.retry("/orgs", &form, fault),
    }
}
