//! Models, their deployments and prices.

use super::lifecycle::sunset;
use crate::actions::limits::choice;
use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use chrono::NaiveDateTime;
use contract::Timestamp;
use contract::api::models::{
    CreateDeployment, CreateModel, CreatePrice, UpdateDeployment, UpdateModel,
};
use contract::api::rate::Rate;
use contract::money::Usd;
use portal_app::components::Tone;
use portal_app::text::admin as text;

/// `POST /admin/models`.
///
/// # Errors
/// What no form can mend.
pub async fn create(visit: OperatorVisit, form: Form) -> Result<Response, Fault> {
    let page = "/admin/models/new";
    let body = match read_new(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(page, &form, fault),
    };
    match visit.backend().create_model(form.key(), &body).await {
        Ok(model) => visit
            .go(format!("/admin/models/{}", model.id))
            .notice(Tone::Good, text::MODEL_CREATED)
            .answer(),
        Err(fault) => visit.retry(page, &form, fault),
    }
}

fn read_new(form: &Form) -> Result<CreateModel, Fault> {
    Ok(CreateModel {
        name: form.text("name"),
        display_name: form.text("display_name"),
        modality: choice(form, "modality")?,
        context_tokens_max: form.parse("context_tokens_max", text::WHOLE)?,
        output_tokens_max: form.parse("output_tokens_max", text::WHOLE)?,
    })
}

/// `POST /admin/models/{model}`.
///
/// # Errors
/// What no form can mend.
pub async fn edit(
    visit: OperatorVisit,
    Path(model): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.arrival().path();
    let body = match read(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(page, &form, fault),
    };
    match visit.backend().update_model(&model, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SAVED).answer(),
        Err(fault) => visit.retry(page, &form, fault),
    }
}

fn read(form: &Form) -> Result<UpdateModel, Fault> {
    let state = choice(form, "state")?;
    Ok(UpdateModel {
        display_name: form.text("display_name"),
        state,
        context_tokens_max: form.parse("context_tokens_max", text::WHOLE)?,
        output_tokens_max: form.parse("output_tokens_max", text::WHOLE)?,
        sunset_at: sunset(form, state)?,
        successor: form.optional("successor"),
    })
}

/// `POST /admin/models/{model}/deployments`.
///
/// # Errors
/// What no form can mend.
pub async fn add_deployment(
    visit: OperatorVisit,
    Path(model): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = format!("/admin/models/{model}");
    let body = match read_deployment(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().create_deployment(&model, form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::DEPLOYMENT_CREATED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

fn read_deployment(form: &Form) -> Result<CreateDeployment, Fault> {
    Ok(CreateDeployment {
        provider_id: form.parse("provider_id", text::UNKNOWN)?,
        upstream_model: form.text("upstream_model"),
        region: form.text("region"),
        weight: form.parse("weight", text::WHOLE)?,
        context_tokens_max: 0,
        lacks: Vec::new(),
        model_version: form.optional("model_version"),
    })
}

/// `POST /admin/models/{model}/deployments/{deployment}`.
///
/// # Errors
/// What no form can mend.
pub async fn edit_deployment(
    visit: OperatorVisit,
    Path((model, deployment)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = format!("/admin/models/{model}");
    let body = UpdateDeployment {
        weight: form.parse("weight", text::WHOLE)?,
        disabled: form.text("disabled") == "true",
        context_tokens_max: None,
        lacks: None,
        model_version: form.optional("model_version"),
    };
    match visit.backend().update_deployment(&deployment, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SAVED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /admin/models/{model}/prices`.
///
/// # Errors
/// What no form can mend.
pub async fn add_price(
    visit: OperatorVisit,
    Path(model): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = format!("/admin/models/{model}");
    let body = match read_price(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().create_price(&model, form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::PRICE_CREATED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

fn read_price(form: &Form) -> Result<CreatePrice, Fault> {
    let class = |rate: Rate| form.parse_optional(rate.field(), text::MONEY);
    let unit = |rate: Rate| class(rate).map(Option::<Usd>::unwrap_or_default);
    Ok(CreatePrice {
        plan_id: None,
        input_usd: unit(Rate::Input)?,
        output_usd: unit(Rate::Output)?,
        cached_input_usd: class(Rate::CachedInput)?,
        cache_write_usd: class(Rate::CacheWrite)?,
        cache_write_1h_usd: class(Rate::CacheWrite1h)?,
        reasoning_usd: class(Rate::Reasoning)?,
        audio_input_usd: class(Rate::AudioInput)?,
        audio_output_usd: class(Rate::AudioOutput)?,
        image_input_usd: class(Rate::ImageInput)?,
        image_output_usd: class(Rate::ImageOutput)?,
        per_call_usd: unit(Rate::PerCall)?,
        image_usd: unit(Rate::Image)?,
        million_characters_usd: unit(Rate::MillionCharacters)?,
        audio_minute_usd: unit(Rate::AudioMinute)?,
        thousand_searches_usd: unit(Rate::ThousandSearches)?,
        thousand_rows_usd: unit(Rate::ThousandRows)?,
        compute_hour_usd: unit(Rate::ComputeHour)?,
        free: form.ticked("free"),
        effective_from: form
            .optional("effective_from")
            .map(|typed| instant("effective_from", &typed))
            .transpose()?,
    })
}

/// What a browser's date and time field sends, taken as UTC.
pub(super) fn instant(field: &str, typed: &str) -> Result<Timestamp, Fault> {
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(typed, form).ok())
        .map(|at| at.and_utc())
        .ok_or_else(|| Fault::field(field, text::FROM_BAD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_instant_is_utc_and_nonsense_is_refused_at_its_field() {
        assert_eq!(
            instant("effective_from", "2026-03-01T09:30").unwrap().to_rfc3339(),
            "2026-03-01T09:30:00+00:00"
        );
        for bad in ["2026-03-01", "tomorrow", "2026-13-01T00:00"] {
            let Err(Fault::Refused(problem)) = instant("effective_from", bad) else {
                panic!("{bad} was taken")
            };
            assert_eq!(problem.errors[0].pointer, "/effective_from");
        }
    }
}
