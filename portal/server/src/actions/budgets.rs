//! Making, changing, raising and removing budgets.

use super::limits::choice;
use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use chrono::TimeDelta;
use contract::Timestamp;
use contract::api::budgets::{BudgetAction, CreateBudget, CreateRaise, UpdateBudget};
use contract::money::Usd;
use contract::snapshot::{LimitScope, Tag};
use portal_app::components::Tone;
use portal_app::text::budgets as text;
use portal_app::text::limits::UNKNOWN;

/// `POST /o/{org}/budgets`.
///
/// # Errors
/// What no form can mend.
pub async fn create(visit: OrgVisit, form: Form) -> Result<Response, Fault> {
    let page = visit.at("/budgets/new");
    let body = match read(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().create_budget(&visit.org.slug, form.key(), &body).await {
        Ok(budget) => {
            let page = visit.at(&format!("/budgets/{}", budget.id));
            visit.go(page).notice(Tone::Good, text::CREATED).answer()
        }
        Err(fault) => visit.retry(&page, &form, at_fields(fault)),
    }
}

fn read(form: &Form) -> Result<CreateBudget, Fault> {
    Ok(CreateBudget {
        name: form.text("name"),
        scope: scope(&form.text("scope"))?,
        model_id: form.parse_optional("model_id", UNKNOWN)?,
        tag: tag(form)?,
        amount_usd: form.parse::<Usd>("amount_usd", text::AMOUNT_FORM)?,
        window: choice(form, "window")?,
        zone: form.parse("zone", text::ZONE_UNKNOWN)?,
        thresholds: Some(thresholds(form)?),
        action: action(form)?,
    })
}

fn scope(id: &str) -> Result<LimitScope, Fault> {
    let org = || id.parse().map(LimitScope::Org);
    let team = |_| id.parse().map(LimitScope::Team);
    let app = |_| id.parse().map(LimitScope::App);
    let key = |_| id.parse().map(LimitScope::Key);
    let plan = |_| id.parse().map(LimitScope::Plan);
    let found = org().or_else(team).or_else(app).or_else(key).or_else(plan);
    found.map_err(|_| Fault::field("scope", UNKNOWN))
}

fn tag(form: &Form) -> Result<Option<Tag>, Fault> {
    let Some(text) = form.optional("tag") else { return Ok(None) };
    let wrong = || Fault::field("tag", text::TAG_FORM);
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    Tag::new(name.trim(), value.trim())
        .map(Some)
        .map_err(|fault| Fault::field("tag", &format!("{fault}.")))
}

fn thresholds(form: &Form) -> Result<Vec<u16>, Fault> {
    let text = form.text("thresholds");
    let percents = text.split(',').map(|part| part.trim().trim_end_matches('%').trim_end());
    percents
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().map_err(|_| Fault::field("thresholds", text::THRESHOLDS_FORM)))
        .collect()
}

fn action(form: &Form) -> Result<BudgetAction, Fault> {
    match form.text("action").as_str() {
        "alert" => Ok(BudgetAction::Alert),
        "deny" => Ok(BudgetAction::Deny),
        "throttle" => {
            Ok(BudgetAction::Throttle { percent: form.parse("percent", text::PERCENT_FORM)? })
        }
        "downgrade" => Ok(BudgetAction::Downgrade {
            model_id: form.parse("downgrade_model_id", text::CHEAPER_MISSING)?,
        }),
        _ => Err(Fault::field("action", UNKNOWN)),
    }
}

/// The fields of the action stand by themselves in the form.
fn at_fields(fault: Fault) -> Fault {
    fault
        .renaming("/action/percent", "/percent")
        .renaming("/action/model_id", "/downgrade_model_id")
}

/// `POST /o/{org}/budgets/{budget}`.
///
/// # Errors
/// What no form can mend.
pub async fn edit(
    visit: OrgVisit,
    Path((_, budget)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.at(&format!("/budgets/{budget}"));
    let read = || -> Result<UpdateBudget, Fault> {
        Ok(UpdateBudget {
            name: form.text("name"),
            amount_usd: form.parse::<Usd>("amount_usd", text::AMOUNT_FORM)?,
            thresholds: thresholds(&form)?,
            action: action(&form)?,
        })
    };
    let body = match read() {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().update_budget(&visit.org.slug, &budget, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SAVED).answer(),
        Err(fault) => visit.retry(&page, &form, at_fields(fault)),
    }
}

/// `POST /o/{org}/budgets/{budget}/raise`. It ends so many hours after the form was drawn: the same
/// form posted twice asks for the same raise.
///
/// # Errors
/// What no form can mend.
pub async fn raise(
    visit: OrgVisit,
    Path((_, budget)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.at(&format!("/budgets/{budget}"));
    let read = || -> Result<CreateRaise, Fault> {
        let hours = form.text("hours");
        let offered = text::HOURS.iter().any(|(known, _)| *known == hours);
        let hours: i64 = form.parse("hours", UNKNOWN)?;
        if !offered {
            return Err(Fault::field("hours", UNKNOWN));
        }
        let drawn: Timestamp = form.parse("drawn_at", UNKNOWN)?;
        Ok(CreateRaise {
            add_usd: form.parse::<Usd>("add_usd", text::AMOUNT_FORM)?,
            starts_at: None,
            ends_at: drawn + TimeDelta::hours(hours),
            reason: form.text("reason"),
        })
    };
    let body = match read() {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().raise_budget(&visit.org.slug, &budget, form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::RAISED).answer(),
        Err(fault) => visit.retry(&page, &form, fault.renaming("/ends_at", "/hours")),
    }
}

/// `POST /o/{org}/budgets/{budget}/raises/{raise}/end`.
///
/// # Errors
/// What no form can mend.
pub async fn end_raise(
    visit: OrgVisit,
    Path((_, budget, raise)): Path<(String, String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.at(&format!("/budgets/{budget}"));
    match visit.backend().end_raise(&visit.org.slug, &budget, &raise).await {
        Ok(()) => visit.go(page).notice(Tone::Good, text::RAISE_ENDED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /o/{org}/budgets/{budget}/delete`.
///
/// # Errors
/// What no form can mend.
pub async fn delete(
    visit: OrgVisit,
    Path((_, budget)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    match visit.backend().delete_budget(&visit.org.slug, &budget).await {
        Ok(()) => visit.go(visit.at("/budgets")).notice(Tone::Good, text::DELETED).answer(),
        Err(fault) => visit.retry(&visit.at(&format!("/budgets/{budget}")), &form, fault),
    }
}
