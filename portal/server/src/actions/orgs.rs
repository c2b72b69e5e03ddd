//! Making an organisation, and throwing away what is kept for it.

use crate::fault::Fault;
use crate::form::Form;
use crate::visit::{OrgVisit, SignedIn};
use axum::response::Response;
use contract::api::orgs::CreateOrg;
use portal_app::components::Tone;
use portal_app::text::{account as text, cache};

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

/// `POST /o/{org}/settings/purge`.
///
/// # Errors
/// What no form can mend.
pub async fn purge_cache(visit: OrgVisit, form: Form) -> Result<Response, Fault> {
    let page = visit.at("/settings");
    match visit.backend().purge_cache(&visit.org.slug, form.key()).await {
        Ok(_) => visit.go(page).notice(Tone::Good, cache::PURGED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}
