//! What an operator does to wallets, ledgers and calls of unknown outcome.

use crate::actions::admin::models::instant;
use crate::actions::limits::choice;
use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::billing::{
    CreateCorrection, CreateCredit, Resolution, ResolveUnknown, UpdateBilling,
};
use contract::usage::{Tokens, Units};
use portal_app::components::Tone;
use portal_app::text::billing as text;

/// `POST /admin/orgs/{org}/billing`.
///
/// # Errors
/// What no form can mend.
pub async fn change(
    visit: OperatorVisit,
    Path(org): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = format!("/admin/orgs/{org}");
    let body = match read_change(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().update_billing(&org, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SAVED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

fn read_change(form: &Form) -> Result<UpdateBilling, Fault> {
    Ok(UpdateBilling {
        billing: choice(form, "billing")?,
        floor_usd: form.parse("floor_usd", text::DOLLARS_BAD)?,
    })
}

/// `POST /admin/orgs/{org}/credits`.
///
/// # Errors
/// What no form can mend.
pub async fn credit(
    visit: OperatorVisit,
    Path(org): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = format!("/admin/orgs/{org}");
    let body = match read_credit(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().create_credit(&org, form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::CREDIT_ADDED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

fn read_credit(form: &Form) -> Result<CreateCredit, Fault> {
    let ends = form.optional("expires_at").map(|typed| instant("expires_at", &typed));
    Ok(CreateCredit {
        kind: choice(form, "kind")?,
        amount_usd: form.parse("amount_usd", text::DOLLARS_BAD)?,
        priority: form.parse("priority", text::PRIORITY_BAD)?,
        expires_at: ends.transpose()?,
        note: form.text("note"),
    })
}

/// `POST /admin/orgs/{org}/ledger/{transaction}/correct`.
///
/// # Errors
/// What no form can mend.
pub async fn correct(
    visit: OperatorVisit,
    Path((org, transaction)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = format!("/admin/orgs/{org}");
    let amount_usd = match form.parse("amount_usd", text::DOLLARS_BAD) {
        Ok(amount) => amount,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    let body = CreateCorrection { amount_usd, reason: form.text("reason") };
    match visit.backend().create_correction(&transaction, form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::CORRECTED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /admin/unknowns/{request}/resolve`.
///
/// # Errors
/// What no form can mend.
pub async fn resolve(
    visit: OperatorVisit,
    Path(request): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = "/admin/unknowns";
    let body = match read_resolution(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(page, &form, fault),
    };
    match visit.backend().resolve_unknown(&request, form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::RESOLVED).answer(),
        Err(fault) => visit.retry(page, &form, fault.renaming("/tokens", "input")),
    }
}

fn read_resolution(form: &Form) -> Result<ResolveUnknown, Fault> {
    let resolution = choice(form, "resolution")?;
    let count = |name: &str| match form.optional(name) {
        Some(_) => form.parse(name, text::TOKENS_BAD),
        None => Ok(0),
    };
    let tokens = Tokens {
        input: count("input")?,
        cached_input: count("cached_input")?,
        cache_write: count("cache_write")?,
        cache_write_1h: count("cache_write_1h")?,
        audio_input: count("audio_input")?,
        image_input: count("image_input")?,
        output: count("output")?,
        reasoning: count("reasoning")?,
        audio_output: count("audio_output")?,
        image_output: count("image_output")?,
    };
    let units = Units {
        images: count("images")?,
        characters: count("characters")?,
        audio_ms: count("audio_ms")?,
        searches: count("searches")?,
        rows: count("rows")?,
        compute_ms: count("compute_ms")?,
    };
    let by_report = resolution == Resolution::Usage;
    let is_said = tokens != Tokens::NONE || !units.is_zero();
    if by_report && !is_said {
        return Err(Fault::field("input", text::NOTHING_SAID));
    }
    Ok(ResolveUnknown {
        resolution,
        tokens: by_report.then_some(tokens),
        units: (by_report && !units.is_zero()).then_some(units),
        reason: form.text("reason"),
    })
}
