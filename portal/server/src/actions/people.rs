//! Inviting, changing and removing members; making and editing teams; renaming the organisation.

use crate::actions::limits::choice;
use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::orgs::{CreateInvitation, CreateTeam, UpdateMember, UpdateOrg, UpdateTeam};
use portal_app::components::Tone;
use portal_app::text::{people as text, settings};

/// `POST /o/{org}/members/invite`.
///
/// # Errors
/// What no form can mend.
pub async fn invite(visit: OrgVisit, form: Form) -> Result<Response, Fault> {
    let page = visit.at("/members/invite");
    let role = match choice(&form, "role") {
        Ok(role) => role,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    let body = CreateInvitation { email: form.text("email"), role };
    match visit.backend().create_invitation(&visit.org.slug, form.key(), &body).await {
        Ok(_) => visit.go(visit.at("/members")).notice(Tone::Good, text::INVITED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /o/{org}/invitations/{invitation}/delete`.
///
/// # Errors
/// What no form can mend.
pub async fn withdraw(
    visit: OrgVisit,
    Path((_, invitation)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.at("/members");
    match visit.backend().delete_invitation(&visit.org.slug, &invitation).await {
        Ok(()) => visit.go(page).notice(Tone::Good, text::WITHDRAWN).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /o/{org}/members/{person}`.
///
/// # Errors
/// What no form can mend.
pub async fn change_role(
    visit: OrgVisit,
    Path((_, person)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.at(&format!("/members/{person}"));
    let body = match choice(&form, "role") {
        Ok(role) => UpdateMember { role },
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().update_member(&visit.org.slug, &person, form.version(), &body).await {
        Ok(_) => visit.go(visit.at("/members")).notice(Tone::Good, text::ROLE_CHANGED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

/// `POST /o/{org}/members/{person}/remove`.
///
/// # Errors
/// What no form can mend.
pub async fn remove(
    visit: OrgVisit,
    Path((_, person)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    match visit.backend().remove_member(&visit.org.slug, &person).await {
        Ok(()) => {
            // Somebody who removed themselves has no members' page any more.
            let themselves = visit.me.id.to_string() == person;
            let page = if themselves { "/orgs".to_owned() } else { visit.at("/members") };
            visit.go(page).notice(Tone::Good, text::REMOVED).answer()
        }
        Err(fault) => visit.retry(&visit.at(&format!("/members/{person}")), &form, fault),
    }
}

/// `POST /o/{org}/teams`.
///
/// # Errors
/// What no form can mend.
pub async fn create_team(visit: OrgVisit, form: Form) -> Result<Response, Fault> {
    let body = CreateTeam { name: form.text("name"), cost_center: form.optional("cost_center") };
    match visit.backend().create_team(&visit.org.slug, form.key(), &body).await {
        Ok(_) => visit.go(visit.at("/teams")).notice(Tone::Good, text::TEAM_CREATED).answer(),
        Err(fault) => visit.retry(&visit.at("/teams/new"), &form, fault),
    }
}

/// `POST /o/{org}/teams/{team}`.
///
/// # Errors
/// What no form can mend.
pub async fn edit_team(
    visit: OrgVisit,
    Path((_, team)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let body = UpdateTeam { name: form.text("name"), cost_center: form.optional("cost_center") };
    match visit.backend().update_team(&visit.org.slug, &team, form.version(), &body).await {
        Ok(_) => visit.go(visit.at("/teams")).notice(Tone::Good, text::SAVED).answer(),
        Err(fault) => visit.retry(visit.arrival().path(), &form, fault),
    }
}

/// `POST /o/{org}/settings`: its name, and where its calls may be answered.
///
/// # Errors
/// What no form can mend.
pub async fn rename(visit: OrgVisit, form: Form) -> Result<Response, Fault> {
    let page = visit.at("/settings");
    let regions = form.text("allowed_regions");
    let regions = regions.split([',', ' ']).map(str::trim).filter(|one| !one.is_empty());
    let allowed_regions = Some(regions.map(str::to_owned).collect());
    let body = UpdateOrg { name: form.text("name"), allowed_regions };
    match visit.backend().update_org(&visit.org.slug, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, settings::RENAMED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}
