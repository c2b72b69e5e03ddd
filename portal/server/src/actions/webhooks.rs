//! Adding, trying and removing webhooks.

use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::webhooks::CreateWebhook;
use portal_app::components::Tone;
use portal_app::text::webhooks as text;

/// `POST /o/{org}/webhooks`.
///
/// # Errors
/// What no form can mend.
pub async fn create(visit: OrgVisit, form: Form) -> Result<Response, Fault> {
    let body = CreateWebhook { url: form.text("url") };
    match visit.backend().create_webhook(&visit.org.slug, form.key(), &body).await {
        Ok(created) => {
            let page = visit.at(&format!("/webhooks/{}/secret", created.webhook.id));
            visit.go(page).payload(&created).answer()
        }
        Err(fault) => visit.retry(&visit.at("/webhooks"), &form, fault),
    }
}

/// `POST /o/{org}/webhooks/{webhook}/test`.
///
/// # Errors
/// What no form can mend.
pub async fn test(
    visit: OrgVisit,
    Path((_, webhook)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.at(&format!("/webhooks/{webhook}"));
    match visit.backend().test_webhook(&visit.org.slug, &webhook, form.key()).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::TESTED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /o/{org}/webhooks/{webhook}/rotate`.
///
/// # Errors
/// What no form can mend.
pub async fn rotate(
    visit: OrgVisit,
    Path((_, webhook)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.at(&format!("/webhooks/{webhook}"));
    match visit.backend().rotate_webhook(&visit.org.slug, &webhook, form.key()).await {
        Ok(created) => visit.go(format!("{page}/secret")).payload(&created).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /o/{org}/webhooks/{webhook}/delete`.
///
/// # Errors
/// What no form can mend.
pub async fn delete(
    visit: OrgVisit,
    Path((_, webhook)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    match visit.backend().delete_webhook(&visit.org.slug, &webhook).await {
        Ok(()) => visit.go(visit.at("/webhooks")).notice(Tone::Good, text::DELETED).answer(),
        Err(fault) => visit.retry(&visit.at(&format!("/webhooks/{webhook}")), &form, fault),
    }
}
