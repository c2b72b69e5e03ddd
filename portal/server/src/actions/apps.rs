//! Making, editing and disabling apps; ending their subscriptions.

use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::apps::{CreateApp, UpdateApp};
use contract::error::ErrorCode;
use contract::id::AppId;
use portal_app::components::Tone;
use portal_app::text::apps as text;

/// `POST /o/{org}/apps`.
///
/// # Errors
/// What no form can mend.
pub async fn create(visit: OrgVisit, form: Form) -> Result<Response, Fault> {
    let page = visit.at("/apps/new");
    let team_id = match form.parse_optional("team_id", text::TEAM_UNKNOWN) {
        Ok(team_id) => team_id,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    let body =
        CreateApp { name: form.text("name"), team_id, description: form.text("description") };
    match visit.backend().create_app(&visit.org.slug, form.key(), &body).await {
        Ok(app) => visit
            .go(visit.at(&format!("/apps/{}", app.id)))
            .notice(Tone::Good, text::CREATED)
            .answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /o/{org}/apps/{app}/edit`.
///
/// # Errors
/// What no form can mend.
pub async fn edit(
    visit: OrgVisit,
    Path((_, app)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let now = visit.backend().app(&visit.org.slug, &app).await?;
    let body = UpdateApp {
        name: form.text("name"),
        description: form.text("description"),
        disabled: now.disabled,
    };
    let page = visit.at(&format!("/apps/{app}"));
    match visit.backend().update_app(&visit.org.slug, &app, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SAVED).answer(),
        Err(fault) => visit.retry(visit.arrival().path(), &form, fault),
    }
}

/// `POST /o/{org}/apps/{app}/disable`.
///
/// # Errors
/// What no form can mend.
pub async fn disable(
    visit: OrgVisit,
    Path((_, app)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    switch(&visit, &app, &form, true).await
}

/// `POST /o/{org}/apps/{app}/enable`.
///
/// # Errors
/// What no form can mend.
pub async fn enable(
    visit: OrgVisit,
    Path((_, app)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    switch(&visit, &app, &form, false).await
}

async fn switch(
    visit: &OrgVisit,
    app: &str,
    form: &Form,
    disabled: bool,
) -> Result<Response, Fault> {
    let org = &visit.org.slug;
    let now = visit.backend().app(org, app).await?;
    let body = UpdateApp { name: now.name, description: now.description, disabled };
    let page = visit.at(&format!("/apps/{app}"));
    let done = if disabled { text::DISABLED } else { text::ENABLED };
    match visit.backend().update_app(org, app, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, done).answer(),
        Err(fault) => visit.retry(&format!("{page}/edit"), form, fault),
    }
}

/// `POST /o/{org}/subscriptions/{subscription}/cancel`.
///
/// # Errors
/// What no form can mend.
pub async fn cancel_subscription(
    visit: OrgVisit,
    Path((_, subscription)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let app: AppId = form.text("app").parse().map_err(|_| Fault::NotFound)?;
    let page = visit.at(&format!("/apps/{app}"));
    let org = &visit.org.slug;
    match visit.backend().cancel_subscription(org, &subscription, form.key()).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::CANCELLED).answer(),
        Err(Fault::Refused(problem)) if problem.code == ErrorCode::Conflict.as_str() => {
            visit.go(page).notice(Tone::Plain, problem.detail).answer()
        }
        Err(fault) => visit.retry(&page, &form, fault),
    }
}
