//! `GET /o/{org}/settings`: what it is, and its name.

use super::limits;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::role::Action;
use contract::snapshot::LimitScope;
use leptos::prelude::*;
use portal_app::components::{
    Button, Copyable, Fact, Facts, Field, Form, Hidden, Instant, Look, PageHead, Section,
};
use portal_app::nav::Place;
use portal_app::text::{cache, settings as text};

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    let org = visit.backend().org(&visit.org.slug).await?;
    let scope = LimitScope::Org(org.id);
    let found = limits::load(&visit, scope).await?;
    let form = visit.may(Action::EditOrg).then(|| visit.form(&visit.at("/settings")));
    let purge = visit.may(Action::PurgeCache);
    let purge = purge.then(|| visit.form(&visit.at("/settings/purge")).marked("purge"));
    Ok(visit.page(Place::Settings, text::TITLE, || {
        let limits = limits::section(&visit, scope, found);
        let purge = purge.map(|form| {
            view! {
                <Section title=cache::TITLE>
                    <p>{cache::PURGE_ORG}</p>
                    <Form state=form>
                        <Button label=cache::PURGE look=Look::Danger />
                    </Form>
                </Section>
            }
        });
        let (name, version) = (org.name.clone(), org.version.to_string());
        let regions = org.allowed_regions.join(", ");
        let shown_regions =
            if regions.is_empty() { text::ANY_REGION.to_owned() } else { regions.clone() };
        let rename = match form {
            Some(form) => view! {
                <Form state=form>
                    <Hidden name="version" value=version />
                    <Field
                        name="name"
                        label=text::NAME
                        hint=text::NAME_HINT
                        value=name
                        autocomplete="organization"
                    />
                    <Field
                        name="allowed_regions"
                        label=text::REGIONS
                        hint=text::REGIONS_HINT
                        value=regions
                        optional=true
                    />
                    <Button label=text::RENAME />
                </Form>
            }
            .into_any(),
            None => view! { <p class="absent">{text::NEEDS_OWNER}</p> }.into_any(),
        };
        view! {
            <div class="medium">
                <PageHead title=text::TITLE />
                <Facts>
                    <Fact term=text::NAME>{org.name}</Fact>
                    <Fact term=text::SLUG><code>{org.slug}</code></Fact>
                    <Fact term=text::ID>
                        <Copyable text=org.id.to_string() what=text::THE_ID />
                    </Fact>
                    <Fact term=text::REGIONS>{shown_regions}</Fact>
                    <Fact term=text::SINCE><Instant at=org.created_at /></Fact>
                </Facts>
                {rename}
                {limits}
                {purge}
            </div>
        }
    }))
}
