//! One model: its state and size, where it answers, what it costs.

use super::life::typed;
use super::new::sizes;
use super::{deployments, prices};
use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::models::Model;
use contract::snapshot::Lifecycle;
use leptos::prelude::*;
use portal_app::components::{
    Button, Choice, Crumb, Fact, Facts, Field, Form, Hidden, Instant, LinkButton, Look, PageHead,
    Section, Select, StateBadge,
};
use portal_app::form::FormState;
use portal_app::nav::Place;
use portal_app::text::{admin as text, catalog, lifecycle};

/// # Errors
/// When there is no such model, or the control API does not answer.
pub async fn page(visit: OperatorVisit, Path(id): Path<String>) -> Result<Response, Fault> {
    let model = visit.backend().model(&id).await?;
    let history = visit.backend().all_prices(&id).await?;
    let providers = visit.backend().all_providers().await?;
    let found = visit.backend().deployments_health().await?;
    let here = format!("/admin/models/{}", model.id);
    let title = model.display_name.clone();
    let life = format!("{here}/life");
    Ok(visit.page(Place::AdminModels, &title, || {
        let deployments =
            deployments::section(&visit, &here, &model, providers, &found.deployments);
        let prices =
            prices::section(visit.form(&format!("{here}/prices")), model.modality, history);
        let edit = edit(visit.form(&here), &model);
        view! {
            <PageHead
                title=model.display_name
                crumbs=vec![Crumb::new(text::MODELS, "/admin/models")]
            >
                <LinkButton href=life label=lifecycle::TITLE look=Look::Quiet />
            </PageHead>
            <Facts>
                <Fact term=text::MODEL_NAME><code>{model.name}</code></Fact>
                <Fact term=text::STATE><StateBadge state=model.state /></Fact>
                <Fact term=text::MODALITY>{catalog::modality(model.modality)}</Fact>
                <Fact term=text::CREATED><Instant at=model.created_at /></Fact>
            </Facts>
            {deployments}
            {prices}
            <Section title=text::EDIT>{edit}</Section>
        }
    }))
}

fn edit(form: FormState, model: &Model) -> impl IntoView + use<> {
    use Lifecycle::{Active, Deprecated, Draft, Retired};
    let states = [Draft, Active, Deprecated, Retired]
        .map(|state| Choice::new(state.as_str(), text::lifecycle(state)));
    let sizes = sizes(&model.context_tokens_max.to_string(), &model.output_tokens_max.to_string());
    let (name, state) = (model.display_name.clone(), model.state.as_str());
    let version = model.version.to_string();
    let sunset = typed(model.sunset_at);
    let successor = model.successor.clone().unwrap_or_default();
    view! {
        <div class="medium">
            <Form state=form>
                <Hidden name="version" value=version />
                <Select
                    name="state"
                    label=text::STATE
                    hint=text::LIFECYCLE_HINT
                    value=state
                    choices=states.to_vec()
                />
                <Field name="display_name" label=text::DISPLAY_NAME value=name autocomplete="off" />
                <Field
                    name="sunset_at"
                    kind="datetime-local"
                    label=lifecycle::SUNSET
                    hint=lifecycle::SUNSET_HINT
                    value=sunset
                    optional=true
                />
                <Field
                    name="successor"
                    label=lifecycle::SUCCESSOR
                    hint=lifecycle::SUCCESSOR_HINT
                    value=successor
                    autocomplete="off"
                    optional=true
                />
                {sizes}
                <Button label=text::SAVE look=Look::Quiet />
            </Form>
        </div>
    }
}
