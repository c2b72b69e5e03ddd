//! Making and revoking keys.

use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use contract::Timestamp;
use contract::api::keys::CreateKey;
use contract::error::ErrorCode;
use contract::key::KeyEnv;
use portal_app::components::Tone;
use portal_app::text::keys as text;

/// In days; what a key gets when the form does not say.
pub const EXPIRY_DEFAULT: &str = "90";

/// `POST /o/{org}/keys`.
///
/// # Errors
/// What no form can mend.
pub async fn create(visit: OrgVisit, form: Form) -> Result<Response, Fault> {
    let body = match read(&visit, &form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&visit.at("/keys/new"), &form, fault),
    };
    match visit.backend().create_key(&visit.org.slug, form.key(), &body).await {
        Ok(created) => {
            let page = visit.at(&format!("/keys/created/{}", created.key.id));
            visit.go(page).payload(&created).answer()
        }
        Err(fault) => visit.retry(&visit.at("/keys/new"), &form, fault),
    }
}

fn read(visit: &OrgVisit, form: &Form) -> Result<CreateKey, Fault> {
    let env = match form.text("env").as_str() {
        "live" => KeyEnv::Live,
        "test" => KeyEnv::Test,
        _ => return Err(Fault::field("env", text::ENV_UNKNOWN)),
    };
    Ok(CreateKey {
        app_id: form.parse("app_id", text::APP_UNKNOWN)?,
        name: form.text("name"),
        env,
        expires_at: expiry(form.optional("expires_at").as_deref(), visit.now())?,
    })
}

/// At the end of a UTC day: the same form posted twice asks for the same key.
fn expiry(choice: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
    match choice.unwrap_or(EXPIRY_DEFAULT) {
        "never" => Ok(None),
        days @ ("30" | "90" | "365") => Ok(days.parse().ok().map(|days: i64| {
            let midnight = DateTime::<Utc>::from_naive_utc_and_offset(
                now.date_naive().and_time(NaiveTime::MIN),
                Utc,
            );
            midnight + TimeDelta::days(days + 1)
        })),
        _ => Err(Fault::field("expires_at", text::EXPIRY_UNKNOWN)),
    }
}

/// `POST /o/{org}/keys/{key}/revoke`.
///
/// # Errors
/// What no form can mend.
pub async fn revoke(
    visit: OrgVisit,
    Path((_, key)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.at(&format!("/keys/{key}"));
    match visit.backend().revoke_key(&visit.org.slug, &key, form.key()).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::REVOKED).answer(),
        Err(fault) if fault.is(ErrorCode::Conflict) => {
            visit.go(page).notice(Tone::Plain, text::REVOKED_BEFORE).answer()
        }
        Err(fault) => visit.retry(visit.arrival().path(), &form, fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_expires_after_90_days_unless_another_choice_is_made() {
        let now = "2026-03-05T14:02:07Z".parse().unwrap();
        let until = |choice| expiry(choice, now).unwrap().map(|at| at.to_rfc3339());
        assert_eq!(until(None).as_deref(), Some("2026-06-04T00:00:00+00:00"));
        assert_eq!(until(Some("30")).as_deref(), Some("2026-04-05T00:00:00+00:00"));
        assert_eq!(expiry(Some("never"), now).unwrap(), None);
        assert!(expiry(Some("4000000000"), now).is_err());
    }
}
