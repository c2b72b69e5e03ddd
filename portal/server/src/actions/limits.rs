//! Setting and removing limits.

use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::limits::CreateLimit;
use contract::money::Usd;
use contract::snapshot::{LimitScope, Metric};
use portal_app::components::Tone;
use portal_app::text::limits as text;
use serde::de::DeserializeOwned;

/// `POST /o/{org}/limits/{what is limited}`.
///
/// # Errors
/// What no form can mend.
pub async fn create(
    visit: OrgVisit,
    Path((_, subject)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let (scope, page) = subject_of(&subject)?;
    let page = visit.at(&page);
    let limit = match read(scope, &form) {
        Ok(limit) => limit,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().create_limit(&visit.org.slug, form.key(), &limit).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SET).answer(),
        // One field of the form is either of two in the API.
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
    match visit.backend().delete_limit(&visit.org.slug, &limit).await {
        Ok(()) => visit.go(page).notice(Tone::Good, text::REMOVED).answer(),
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
    let metric = choice(form, "metric")?;
    let money = metric == Metric::Money;
    Ok(CreateLimit {
        scope,
        metric,
        window: choice(form, "window")?,
        max: (!money).then(|| form.parse("max", text::MAX_WHOLE)).transpose()?,
        max_usd: money.then(|| form.parse::<Usd>("max", text::MAX_MONEY)).transpose()?,
    })
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
}
