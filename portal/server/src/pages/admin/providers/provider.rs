//! One provider: edit it, replace its credential, test the connection.

use super::fields;
use super::list::credential;
use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::providers::ProviderTest;
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Button, Card, Count, Crumb, Details, Disabled, Fact, Facts, Form, Instant,
    LinkButton, Look, Notice, PageHead, Section, StateBadge, Tone,
};
use portal_app::format;
use portal_app::nav::Place;
use portal_app::text::{admin as text, pools};

/// # Errors
/// When there is no such provider, or the control API does not answer.
pub async fn page(visit: OperatorVisit, Path(id): Path<String>) -> Result<Response, Fault> {
    let provider = visit.backend().provider(&id).await?;
    let here = format!("/admin/providers/{}", provider.id);
    let (form, test) = (visit.form(&here), visit.form(&format!("{here}/test")));
    let result = visit.payload::<ProviderTest>();
    let title = provider.name.clone();
    Ok(visit.page(Place::AdminProviders, &title, move || {
        let fields = fields(Some(&provider), None, form.is_refused());
        let result = result.map(outcome);
        let deployments = u64::from(provider.deployment_count);
        let replicas = provider.pool.is_some().then(|| {
            let replicas = format!("{here}/replicas");
            view! { <LinkButton href=replicas label=pools::SEE look=Look::Quiet /> }
        });
        view! {
            <div class="medium">
                <PageHead
                    title=provider.name
                    crumbs=vec![Crumb::new(text::PROVIDERS, "/admin/providers")]
                >{replicas}</PageHead>
                <Facts>
                    <Fact term=text::STATE><StateBadge state=Disabled(provider.disabled) /></Fact>
                    <Fact term=text::SLUG><code>{provider.slug}</code></Fact>
                    <Fact term=text::DIALECT>{text::dialect(provider.dialect)}</Fact>
                    <Fact term=text::CREDENTIAL>{credential(provider.has_credential)}</Fact>
                    <Fact term=text::DEPLOYMENTS><Count value=deployments /></Fact>
                    <Fact term=text::CREATED><Instant at=provider.created_at /></Fact>
                </Facts>
                <Card title=text::TEST>
                    <p>{text::TEST_WHY}</p>
                    <ActionButton state=test label=text::TEST look=Look::Quiet />
                    {result}
                </Card>
                <Section title=text::EDIT_PROVIDER>
                    <Form state=form>{fields} <Button label=text::SAVE /></Form>
                </Section>
            </div>
        }
    }))
}

fn outcome(test: ProviderTest) -> impl IntoView {
    let (tone, title) =
        if test.ok { (Tone::Good, text::TEST_OK) } else { (Tone::Bad, text::TEST_FAILED) };
    let took = text::took(&format::millis(test.duration_ms));
    let names = test
        .upstream_models
        .iter()
        .map(|name| view! { <li><code>{name.clone()}</code></li> })
        .collect_view();
    let names = (!test.upstream_models.is_empty()).then(|| {
        let summary = format!("{} {}", text::UPSTREAM_MODELS, test.upstream_models.len());
        view! { <Details summary=summary><ul class="plain-list">{names}</ul></Details> }
    });
    view! { <Notice tone=tone title=title><p>{test.detail} " " {took}</p></Notice> {names} }
}
