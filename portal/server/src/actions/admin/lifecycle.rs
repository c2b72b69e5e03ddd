//! Versions of models, aliases, cut-overs and brown-outs.

use super::models::instant;
use crate::actions::limits::choice;
use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::Timestamp;
use contract::api::lifecycle::{
    CreateAlias, CreateBrownOut, CreateCutOver, CreateModelVersion, UpdateModelVersion,
};
use contract::id::ModelId;
use contract::snapshot::Lifecycle;
use portal_app::components::Tone;
use portal_app::text::{admin, lifecycle as text};

fn life(model: &str) -> String {
    format!("/admin/models/{model}/life")
}

/// The page that a form about a name stands on: a model's, or that of all names.
fn page_of(form: &Form) -> String {
    match form.text("model").parse::<ModelId>() {
        Ok(model) => life(&model.to_string()),
        Err(_) => "/admin/aliases".to_owned(),
    }
}

/// The instant in a field that may be empty.
///
/// # Errors
/// A refusal of the field.
pub(super) fn optional(form: &Form, field: &str) -> Result<Option<Timestamp>, Fault> {
    form.optional(field).map(|typed| instant(field, &typed)).transpose()
}

/// `POST /admin/models/{model}/versions`.
///
/// # Errors
/// What no form can mend.
pub async fn add_version(
    visit: OperatorVisit,
    Path(model): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let body = CreateModelVersion { label: form.text("label") };
    match visit.backend().create_model_version(&model, form.key(), &body).await {
        Ok(_) => visit.go(life(&model)).notice(Tone::Good, text::VERSION_CREATED).answer(),
        Err(fault) => visit.retry(&life(&model), &form, fault),
    }
}

/// `POST /admin/models/{model}/versions/{version}`.
///
/// # Errors
/// What no form can mend.
pub async fn edit_version(
    visit: OperatorVisit,
    Path((model, version)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = life(&model);
    let body = match read_version(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().update_model_version(&version, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SAVED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

fn read_version(form: &Form) -> Result<UpdateModelVersion, Fault> {
    let state = choice(form, "state")?;
    Ok(UpdateModelVersion { state, sunset_at: sunset(form, state)? })
}

/// The end of what is deprecated; all else has none that could be said.
///
/// # Errors
/// A refusal of the field.
pub(super) fn sunset(form: &Form, state: Lifecycle) -> Result<Option<Timestamp>, Fault> {
    let typed = optional(form, "sunset_at")?;
    Ok(typed.filter(|_| state == Lifecycle::Deprecated))
}

/// `POST /admin/models/{model}/brown-outs`.
///
/// # Errors
/// What no form can mend.
pub async fn add_brown_out(
    visit: OperatorVisit,
    Path(model): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = life(&model);
    let body = match read_brown_out(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().create_brown_out(&model, form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::BROWN_OUT_CREATED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

fn read_brown_out(form: &Form) -> Result<CreateBrownOut, Fault> {
    Ok(CreateBrownOut {
        starts_at: instant("starts_at", &form.text("starts_at"))?,
        ends_at: instant("ends_at", &form.text("ends_at"))?,
        percent: form.parse("percent", admin::WHOLE)?,
        answer: choice(form, "answer")?,
    })
}

/// `POST /admin/models/{model}/brown-outs/{brown_out}/delete`.
///
/// # Errors
/// What no form can mend.
pub async fn delete_brown_out(
    visit: OperatorVisit,
    Path((model, brown_out)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = life(&model);
    match visit.backend().delete_brown_out(&brown_out).await {
        Ok(()) => visit.go(page).notice(Tone::Good, text::BROWN_OUT_DELETED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /admin/aliases`.
///
/// # Errors
/// What no form can mend.
pub async fn add_alias(visit: OperatorVisit, form: Form) -> Result<Response, Fault> {
    let body = CreateAlias { name: form.text("name"), to: form.text("to") };
    match visit.backend().create_alias(form.key(), &body).await {
        Ok(_) => visit.go("/admin/aliases").notice(Tone::Good, text::ALIAS_CREATED).answer(),
        Err(fault) => visit.retry("/admin/aliases", &form, fault),
    }
}

/// `POST /admin/aliases/{alias}/delete`.
///
/// # Errors
/// What no form can mend.
pub async fn delete_alias(
    visit: OperatorVisit,
    Path(alias): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    match visit.backend().delete_alias(&alias).await {
        Ok(()) => visit.go("/admin/aliases").notice(Tone::Good, text::ALIAS_DELETED).answer(),
        Err(fault) => visit.retry("/admin/aliases", &form, fault),
    }
}

/// `POST /admin/cut-overs`.
///
/// # Errors
/// What no form can mend.
pub async fn cut_over(visit: OperatorVisit, form: Form) -> Result<Response, Fault> {
    let page = page_of(&form);
    let at = match optional(&form, "at") {
        Ok(at) => at,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    let said = if at.is_some() { text::CUT_OVER_SCHEDULED } else { text::CUT_OVER_DONE };
    let body = CreateCutOver { name: form.text("name"), to: form.text("to"), at };
    match visit.backend().create_cut_over(form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, said).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /admin/cut-overs/{cut_over}/cancel`.
///
/// # Errors
/// What no form can mend.
pub async fn cancel(
    visit: OperatorVisit,
    Path(cut_over): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = page_of(&form);
    match visit.backend().cancel_cut_over(&cut_over).await {
        Ok(()) => visit.go(page).notice(Tone::Good, text::CANCELLED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /admin/cut-overs/{cut_over}/rollback`.
///
/// # Errors
/// What no form can mend.
pub async fn roll_back(
    visit: OperatorVisit,
    Path(cut_over): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = page_of(&form);
    match visit.backend().roll_back_cut_over(&cut_over, form.key()).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::ROLLED_BACK).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}
