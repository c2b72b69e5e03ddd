//! Providers: make, edit, test.

use super::pool;
use crate::actions::limits::choice;
use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::providers::{CreateProvider, UpdateProvider};
use contract::snapshot::{Dialect, PoolPolicy, ProviderSettings};
use portal_app::components::Tone;
use portal_app::text::admin as text;

/// The credential as typed, when one was.
fn credential(form: &Form) -> Option<String> {
    Some(form.raw("credential").to_owned()).filter(|typed| !typed.trim().is_empty())
}

fn also(form: &Form) -> Result<Vec<Dialect>, Fault> {
    let read =
        |word: &String| Dialect::parse(word).ok_or_else(|| Fault::field("also", text::UNKNOWN));
    form.all("also").iter().map(read).collect()
}

fn settings(form: &Form) -> Result<ProviderSettings, Fault> {
    let predict = form.optional("predict").map(|text| serde_json::from_str(&text));
    let predict = predict.transpose();
    Ok(ProviderSettings {
        region: form.optional("region"),
        project: form.optional("project"),
        api_version: form.optional("api_version"),
        token_url: form.optional("exchange"),
        vendor: form.optional("vendor"),
        predict: predict.map_err(|error| Fault::field("predict", &error.to_string()))?,
    })
}

/// What the API says of settings and pool, said of the form's fields.
fn as_fields(fault: Fault, form: &Form) -> Fault {
    let fault = fault.unwrapping("/settings").renaming("/token_url", "/exchange");
    pool::renamed(fault, form)
}

/// `POST /admin/providers`.
///
/// # Errors
/// What no form can mend.
pub async fn create(visit: OperatorVisit, form: Form) -> Result<Response, Fault> {
    let page = "/admin/providers/new";
    let body = match read_new(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(page, &form, fault),
    };
    match visit.backend().create_provider(form.key(), &body).await {
        Ok(provider) => visit
            .go(format!("/admin/providers/{}", provider.id))
            .notice(Tone::Good, text::PROVIDER_CREATED)
            .answer(),
        Err(fault) => visit.retry(page, &form, as_fields(fault, &form)),
    }
}

fn read_new(form: &Form) -> Result<CreateProvider, Fault> {
    Ok(CreateProvider {
        slug: form.text("slug"),
        name: form.text("name"),
        base_url: form.text("base_url"),
        dialect: choice(form, "dialect")?,
        also: also(form)?,
        auth: choice(form, "auth")?,
        settings: settings(form)?,
        pool: pool::read(form, None)?,
        credential: credential(form),
    })
}

/// `POST /admin/providers/{provider}`.
///
/// # Errors
/// What no form can mend.
pub async fn edit(
    visit: OperatorVisit,
    Path(provider): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.arrival().path();
    // What drains is not in the form. If it changed meanwhile, the version tells.
    let before = visit.backend().provider(&provider).await?;
    let body = match read(&form, before.pool.as_ref()) {
        Ok(body) => body,
        Err(fault) => return visit.retry(page, &form, fault),
    };
    match visit.backend().update_provider(&provider, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SAVED).answer(),
        Err(fault) => visit.retry(page, &form, as_fields(fault, &form)),
    }
}

fn read(form: &Form, before: Option<&PoolPolicy>) -> Result<UpdateProvider, Fault> {
    Ok(UpdateProvider {
        name: form.text("name"),
        base_url: form.text("base_url"),
        also: also(form)?,
        auth: choice(form, "auth")?,
        settings: settings(form)?,
        pool: pool::read(form, before)?,
        credential: credential(form),
        disabled: form.ticked("disabled"),
    })
}

/// `POST /admin/providers/{provider}/test`.
///
/// # Errors
/// What no form can mend.
pub async fn test(
    visit: OperatorVisit,
    Path(provider): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = format!("/admin/providers/{provider}");
    match visit.backend().test_provider(&provider, form.key()).await {
        Ok(result) => visit.go(page).payload(&result).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}
