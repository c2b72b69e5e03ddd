//! `GET /o/{org}/apps/{app}`: what it is, its keys, its subscriptions, its limits.

use super::super::{keys, limits};
use super::{deprecations, subscriptions};
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::apps::App;
use contract::api::catalog::Subscription;
use contract::api::keys::Key;
use contract::role::Action;
use contract::snapshot::LimitScope;
use leptos::prelude::*;
use portal_app::components::{
    Copyable, Crumb, Disabled, Fact, Facts, Instant, LinkButton, Look, Notice, PageHead, Section,
    StateBadge, Tone,
};
use portal_app::nav::Place;
use portal_app::text::apps as text;

/// # Errors
/// When the role may not, there is no such app, or the control API does not answer.
pub async fn page(
    visit: OrgVisit,
    Path((_, app)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::ViewApps)?;
    let app = visit.backend().app(&visit.org.slug, &app).await?;
    let ending = visit.backend().app_deprecations(&visit.org.slug, &app.id.to_string()).await?;
    let its_keys = load_keys(&visit, &app).await?;
    let its_subscriptions = load_subscriptions(&visit, &app).await?;
    let scope = LimitScope::App(app.id);
    let its_limits = limits::load(&visit, scope).await?;
    let list = visit.at("/apps");
    let usage = visit.at(&format!("/usage?app={}", app.id));
    let edit = visit.may(Action::EditApp).then(|| format!("{list}/{}/edit", app.id));
    let title = app.name.clone();
    Ok(visit.page(Place::Apps, &title, || {
        let keys = its_keys.map(|found| keys_section(&visit, &app, found));
        let subscriptions = its_subscriptions.map(|found| subscriptions::section(&visit, found));
        let limits = limits::section(&visit, scope, its_limits);
        let edit = edit.map(|href| {
            view! { <LinkButton href=href label=text::EDIT look=Look::Quiet /> }
        });
        let ending = deprecations::notice(ending);
        let disabled = app.disabled.then(|| {
            view! { <Notice tone=Tone::Bad>{text::DISABLED_NOW}</Notice> }
        });
        view! {
            <PageHead
                title=app.name
                lead=app.description
                crumbs=vec![Crumb::new(text::TITLE, list)]
            >
                <LinkButton href=usage label=text::USAGE look=Look::Quiet />
                {edit}
            </PageHead>
            {disabled}
            {ending}
            <Facts>
                <Fact term=text::STATE><StateBadge state=Disabled(app.disabled) /></Fact>
                <Fact term=text::TEAM>{app.team_name}</Fact>
                <Fact term=text::CREATED_AT><Instant at=app.created_at /></Fact>
                <Fact term=text::ID>
                    <Copyable text=app.id.to_string() what=text::THE_ID />
                </Fact>
            </Facts>
            {keys}
            {subscriptions}
            {limits}
        }
    }))
}

async fn load_keys(visit: &OrgVisit, app: &App) -> Result<Option<Vec<Key>>, Fault> {
    if !visit.may(Action::ViewKeys) {
        return Ok(None);
    }
    let filter = [("app", app.id.to_string())];
    Ok(Some(visit.backend().keys(&visit.org.slug, &filter, None).await?.items))
}

fn keys_section(visit: &OrgVisit, app: &App, found: Vec<Key>) -> impl IntoView + use<> {
    let (base, now) = (visit.at("/keys"), visit.now());
    let new = (visit.may(Action::CreateKey) && !app.disabled).then(|| {
        let href = format!("{base}/new?app={}", app.id);
        view! { <LinkButton href=href label=text::NEW_KEY look=Look::Quiet /> }
    });
    let list = if found.is_empty() {
        view! { <p class="absent">{text::NO_KEYS}</p> }.into_any()
    } else {
        keys::table::table(found, &base, now, false).into_any()
    };
    view! { <Section title=text::KEYS>{list} {new}</Section> }
}

async fn load_subscriptions(
    visit: &OrgVisit,
    app: &App,
) -> Result<Option<Vec<Subscription>>, Fault> {
    if !visit.may(Action::ViewSubscriptions) {
        return Ok(None);
    }
    Ok(Some(visit.backend().subscriptions(&visit.org.slug, &app.id.to_string()).await?))
}
