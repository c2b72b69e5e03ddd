//! Where a model answers, as a part of its page.

use crate::visit::OperatorVisit;
use contract::api::health::DeploymentHealth;
use contract::api::models::{Deployment, Model};
use contract::api::providers::Provider;
use contract::snapshot::Lifecycle;
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Button, Cell, CellKind, Choice, DataTable, Details, Disabled, Field, Form, Look,
    Section, Select, StateBadge,
};
use portal_app::form::FormState;
use portal_app::text::{admin as text, lifecycle};

/// `here` is the address of the model's page, `found` says how deployments do that were lately
/// called.
pub fn section(
    visit: &OperatorVisit,
    here: &str,
    model: &Model,
    providers: Vec<Provider>,
    found: &[DeploymentHealth],
) -> impl IntoView + use<> {
    let rows: Vec<_> = model
        .deployments
        .iter()
        .map(|deployment| {
            let found = found.iter().find(|one| one.deployment_id == deployment.id);
            row(visit.form(&format!("{here}/deployments/{}", deployment.id)), deployment, found)
        })
        .collect();
    let list = if rows.is_empty() {
        view! { <p class="absent">{text::NO_DEPLOYMENTS}</p> }.into_any()
    } else {
        let columns = vec![
            (text::PROVIDER, CellKind::Head),
            (text::UPSTREAM_MODEL, CellKind::Text),
            (lifecycle::VERSION, CellKind::Text),
            (text::REGION, CellKind::Text),
            (text::WEIGHT, CellKind::Number),
            (text::STATE, CellKind::Text),
            (text::CHANGE, CellKind::Number),
        ];
        view! { <DataTable caption=text::DEPLOYMENTS columns=columns rows=rows /> }.into_any()
    };
    let versions = model.versions.iter().filter(|one| one.state != Lifecycle::Retired);
    let versions = versions.map(|one| Choice::new(one.label.clone(), one.label.clone()));
    let versions = std::iter::once(Choice::new("", lifecycle::NO_VERSION)).chain(versions);
    let add = add(visit.form(&format!("{here}/deployments")), providers, versions.collect());
    view! {
        <Section title=text::DEPLOYMENTS>
            <p class="hint">{text::DEPLOYMENTS_LEAD}</p>
            {list}
            {add}
        </Section>
    }
}

fn row(form: FormState, deployment: &Deployment, found: Option<&DeploymentHealth>) -> Vec<Cell> {
    let health = found.filter(|_| !deployment.disabled);
    let health = health.map(|found| view! { <StateBadge state=found.breaker /> });
    let (label, turned) =
        if deployment.disabled { (text::ENABLE, "false") } else { (text::DISABLE, "true") };
    let fields = vec![
        ("version", deployment.version.to_string()),
        ("weight", deployment.weight.to_string()),
        ("disabled", turned.to_owned()),
        ("model_version", deployment.model_version.clone().unwrap_or_default()),
    ];
    vec![
        Cell::head(deployment.provider_name.clone()),
        Cell::text(view! { <code>{deployment.upstream_model.clone()}</code> }),
        Cell::text(deployment.model_version.clone()),
        Cell::text(deployment.region.clone()),
        Cell::number(deployment.weight.to_string()),
        Cell::text(view! { <StateBadge state=Disabled(deployment.disabled) /> {health} }),
        Cell::number(view! {
            <ActionButton state=form label=label look=Look::Bare fields=fields />
        }),
    ]
}

fn add(form: FormState, providers: Vec<Provider>, versions: Vec<Choice>) -> impl IntoView {
    let choices = providers
        .into_iter()
        .map(|provider| Choice::new(provider.id.to_string(), provider.name))
        .collect();
    let open = form.is_refused();
    let version = (versions.len() > 1).then(|| {
        view! { <Select name="model_version" label=lifecycle::VERSION choices=versions /> }
    });
    view! {
        <Details summary=text::ADD_DEPLOYMENT open=open>
            <Form state=form>
                <Select name="provider_id" label=text::PROVIDER choices=choices />
                <Field name="upstream_model" label=text::UPSTREAM_MODEL autocomplete="off" />
                {version}
                <Field name="region" label=text::REGION autocomplete="off" optional=true />
                <Field
                    name="weight"
                    label=text::WEIGHT
                    hint=text::WEIGHT_HINT
                    value="1"
                    inputmode="numeric"
                    autocomplete="off"
                />
                <Button label=text::ADD_DEPLOYMENT look=Look::Quiet />
            </Form>
        </Details>
    }
}
