//! `GET /o/{org}/keys/{key}`, and what the island on the reveal page asks.

use super::super::limits;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::keys::KeyState;
use contract::role::Action;
use contract::snapshot::LimitScope;
use leptos::prelude::*;
use portal_app::components::{
    Ago, Crumb, Fact, Facts, Instant, LinkButton, Look, PageHead, StateBadge,
};
use portal_app::islands::FIRST_CALL_SEEN;
use portal_app::nav::Place;
use portal_app::text::keys as text;

/// # Errors
/// When the role may not, there is no such key, or the control API does not answer.
pub async fn page(
    visit: OrgVisit,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::ViewKeys)?;
    let key = visit.backend().key(&visit.org.slug, &key).await?;
    let scope = LimitScope::Key(key.id);
    let found = limits::load(&visit, scope).await?;
    let now = visit.now();
    let (list, app) = (visit.at("/keys"), visit.at(&format!("/apps/{}", key.app_id)));
    let revoke = (visit.may(Action::RevokeKey) && key.state == KeyState::Active)
        .then(|| visit.at(&format!("/keys/{}/revoke", key.id)));
    let requests =
        visit.may(Action::ViewRequests).then(|| visit.at(&format!("/requests?key={}", key.id)));
    let title = key.name.clone();
    Ok(visit.page(Place::Keys, &title, || {
        let limits = limits::section(&visit, scope, found);
        let revoke = revoke.map(|href| {
            view! { <LinkButton href=href label=text::REVOKE look=Look::Danger /> }
        });
        let requests = requests.map(|href| {
            view! { <LinkButton href=href label=text::REQUESTS look=Look::Quiet /> }
        });
        let revoked = key.revoked_at.map(|at| {
            view! { <Fact term=text::REVOKED_AT><Instant at=at /></Fact> }
        });
        view! {
            <PageHead title=key.name crumbs=vec![Crumb::new(text::TITLE, list)]>
                {requests} {revoke}
            </PageHead>
            <Facts>
                <Fact term=text::STATE><StateBadge state=key.state /></Fact>
                <Fact term=text::KEY><code>{key.masked}</code></Fact>
                <Fact term=text::APP><a href=app>{key.app_name}</a></Fact>
                <Fact term=text::ENV>{super::table::environment(key.env)}</Fact>
                <Fact term=text::LAST_USED><Ago at=key.last_used_at now=now /></Fact>
                <Fact term=text::EXPIRES><Instant at=key.expires_at /></Fact>
                {revoked}
                <Fact term=text::CREATED><Instant at=key.created_at /></Fact>
                <Fact term=text::CREATED_BY>{key.created_by_name}</Fact>
            </Facts>
            {limits}
        }
    }))
}

/// `GET /o/{org}/keys/{key}/first-call`.
///
/// # Errors
/// As [`page`].
pub async fn first_call(
    visit: OrgVisit,
    Path((_, key)): Path<(String, String)>,
) -> Result<&'static str, Fault> {
    visit.require(Action::ViewKeys)?;
    let key = visit.backend().key(&visit.org.slug, &key).await?;
    Ok(if key.last_used_at.is_some() { FIRST_CALL_SEEN } else { "waiting" })
}
