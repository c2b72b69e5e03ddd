//! Setting and removing limits.

use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use chrono::NaiveDateTime;
use contract::Timestamp;
use contract::api::limits::{CreateLimit, CreateLimitOverride, UpdateLimit};
use contract::id::LimitId;
use contract::money::Usd;
use contract::snapshot::{LimitScope, Metric, Tag, Window};
use portal_app::components::Tone;
use portal_app::text::limits as text;
use serde::de::DeserializeOwned;

/// `POST /o/{org}/limits`: a limit with everything it can have.
///
/// # Errors
/// What no form can mend.
pub async fn create_any(visit: OrgVisit, form: Form) -> Result<Response, Fault> {
    let page = visit.at("/limits");
    let limit = subject_of(&form.text("scope"))
        .map_err(|_| Fault::field("scope", text::UNKNOWN))
        .and_then(|(scope, _)| read(scope, &form));
    set(&visit, &page, &form, limit).await
}

/// `POST /o/{org}/limits/{what is limited}`, and of a limit's own page: changes it.
///
/// # Errors
/// What no form can mend.
pub async fn create(
    visit: OrgVisit,
    Path((_, subject)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    if subject.parse::<LimitId>().is_ok() {
        return edit(visit, &subject, form).await;
    }
    let (scope, page) = subject_of(&subject)?;
    let page = visit.at(&page);
    let limit = read(scope, &form);
    set(&visit, &page, &form, limit).await
}

async fn set(
    visit: &OrgVisit,
    page: &str,
    form: &Form,
    limit: Result<CreateLimit, Fault>,
) -> Result<Response, Fault> {
    let limit = match limit {
        Ok(limit) => limit,
        Err(fault) => return visit.retry(page, form, fault),
    };
    match visit.backend().create_limit(&visit.org.slug, form.key(), &limit).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SET).answer(),
        // One field of the form is either of two in the API.
        Err(fault) => visit.retry(page, form, fault.renaming("/max_usd", "/max")),
    }
}

async fn edit(visit: OrgVisit, limit: &str, form: Form) -> Result<Response, Fault> {
    let page = visit.at(&format!("/limits/{limit}"));
    let body = amount(&form, "max").and_then(|(max, max_usd)| {
        let percent = form.parse_optional("without_redis_percent", text::PERCENT_BAD)?;
        Ok(UpdateLimit { max, max_usd, without_redis_percent: percent.unwrap_or(0) })
    });
    let body = match body {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().update_limit(&visit.org.slug, limit, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SAVED).answer(),
        Err(fault) => visit.retry(&page, &form, fault.renaming("/max_usd", "/max")),
    }
}

/// `POST /o/{org}/limits/{what is limited}/{limit}/delete`.
///
/// # Errors
/// What no form can mend.
pub async fn delete(
    visit: OrgVisit,
    Path((_, subject, limit)): Path<(String, String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let (_, page) = subject_of(&subject)?;
    let page = visit.at(&page);
    lift(&visit, &limit, (&page, &page), &form).await
}

/// `POST /o/{org}/limits/{limit}/delete`.
///
/// # Errors
/// What no form can mend.
pub async fn delete_own(
    visit: OrgVisit,
    Path((_, limit)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let here = visit.at(&format!("/limits/{limit}"));
    lift(&visit, &limit, (&visit.at("/limits"), &here), &form).await
}

async fn lift(
    visit: &OrgVisit,
    limit: &str,
    (then, here): (&str, &str),
    form: &Form,
) -> Result<Response, Fault> {
    match visit.backend().delete_limit(&visit.org.slug, limit).await {
        Ok(()) => visit.go(then).notice(Tone::Good, text::REMOVED).answer(),
        Err(fault) => visit.retry(here, form, fault),
    }
}

/// `POST /o/{org}/limits/{limit}/overrides`.
///
/// # Errors
/// What no form can mend.
pub async fn add_override(
    visit: OrgVisit,
    Path((_, limit)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.at(&format!("/limits/{limit}"));
    let body = match read_override(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    let backend = visit.backend();
    match backend.create_limit_override(&visit.org.slug, &limit, form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::OVERRIDE_SET).answer(),
        // The form that changes the limit is on the same page, with a field `max` of its own.
        Err(fault) => {
            let fault = fault.renaming("/max_usd", "/override_max");
            visit.retry(&page, &form, fault.renaming("/max", "/override_max"))
        }
    }
}

/// `POST /o/{org}/limits/{limit}/overrides/{override}/end`.
///
/// # Errors
/// What no form can mend.
pub async fn end_override(
    visit: OrgVisit,
    Path((_, limit, one)): Path<(String, String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.at(&format!("/limits/{limit}"));
    match visit.backend().end_limit_override(&visit.org.slug, &limit, &one).await {
        Ok(()) => visit.go(page).notice(Tone::Good, text::ENDED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// What an id in the address limits, and that thing's page.
fn subject_of(id: &str) -> Result<(LimitScope, String), Fault> {
    let org = || id.parse().map(|org| (LimitScope::Org(org), "/settings".to_owned()));
    let team = |_| id.parse().map(|team| (LimitScope::Team(team), format!("/teams/{id}")));
    let app = |_| id.parse().map(|app| (LimitScope::App(app), format!("/apps/{id}")));
    let key = |_| id.parse().map(|key| (LimitScope::Key(key), format!("/keys/{id}")));
    org().or_else(team).or_else(app).or_else(key).map_err(|_| Fault::NotFound)
}

fn read(scope: LimitScope, form: &Form) -> Result<CreateLimit, Fault> {
    let (max, max_usd) = amount(form, "max")?;
    let metric = choice(form, "metric")?;
    Ok(CreateLimit {
        scope,
        metric,
        // Calls at the same time have no window, whatever the form's choice was left at.
        window: match metric {
            Metric::Concurrency => Window::Lifetime,
            _ => choice(form, "window")?,
        },
        sliding: form.ticked("sliding"),
        time_zone: form.parse_optional("time_zone", text::UNKNOWN)?.unwrap_or_default(),
        model_id: form.parse_optional("model_id", text::UNKNOWN)?,
        tag: form.optional("tag").map(|typed| tag(&typed)).transpose()?,
        max,
        max_usd,
        without_redis_percent: form.parse_optional("without_redis_percent", text::PERCENT_BAD)?,
    })
}

/// The number of the form, in the unit of its metric.
fn amount(form: &Form, field: &str) -> Result<(Option<i64>, Option<Usd>), Fault> {
    match choice(form, "metric")? {
        Metric::Money => Ok((None, Some(form.parse(field, text::MAX_MONEY)?))),
        _ => Ok((Some(form.parse(field, text::MAX_WHOLE)?), None)),
    }
}

fn tag(typed: &str) -> Result<Tag, Fault> {
    let bad = || Fault::field("tag", text::TAG_BAD);
    let (name, value) = typed.split_once('=').ok_or_else(bad)?;
    Tag::new(name.trim(), value.trim()).map_err(|_| bad())
}

fn read_override(form: &Form) -> Result<CreateLimitOverride, Fault> {
    let (max, max_usd) = amount(form, "override_max")?;
    let starts_at = form.optional("starts_at");
    Ok(CreateLimitOverride {
        max,
        max_usd,
        starts_at: starts_at.map(|typed| instant("starts_at", &typed)).transpose()?,
        ends_at: instant("ends_at", &form.text("ends_at"))?,
        reason: form.text("reason"),
    })
}

/// A date and a time of UTC, as a browser's field or a person writes it.
fn instant(name: &str, typed: &str) -> Result<Timestamp, Fault> {
    let typed = typed.replace('T', " ");
    let forms = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"];
    let read = |form: &&str| NaiveDateTime::parse_from_str(&typed, form).ok();
    let found = forms.iter().find_map(read).map(|at| at.and_utc());
    found.ok_or_else(|| Fault::field(name, text::INSTANT_BAD))
}

/// A field whose values are those of an enumeration of the control API.
pub(crate) fn choice<T: DeserializeOwned>(form: &Form, name: &str) -> Result<T, Fault> {
    let value = serde_json::Value::String(form.text(name));
    serde_json::from_value(value).map_err(|_| Fault::field(name, text::UNKNOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_it_limits_and_where_to_go_back_to() {
        let id = format!("key_{}", "0".repeat(26));
        let (scope, page) = subject_of(&id).unwrap();
        assert!(matches!(scope, LimitScope::Key(_)));
        assert_eq!(page, format!("/keys/{id}"));
        assert!(subject_of(&format!("prov_{}", "0".repeat(26))).is_err());
        assert!(subject_of("../../admin").is_err());
    }

    #[test]
    fn an_instant_is_read_as_browsers_and_people_write_it() {
        let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for typed in ["2026-03-01T12:00", "2026-03-01 12:00", "2026-03-01T12:00:00"] {
            assert_eq!(instant("ends_at", typed).ok(), Some(noon), "{typed}");
        }
        assert!(instant("ends_at", "tomorrow").is_err() && instant("ends_at", "").is_err());
    }

    #[test]
    fn a_tag_has_a_name_and_a_value() {
        assert_eq!(tag("feature = search").unwrap().to_string(), "feature=search");
        assert!(tag("feature").is_err() && tag("Feature=1").is_err());
    }
}
