//! The versions of a model.

use crate::visit::OperatorVisit;
use contract::api::lifecycle::ModelVersion;
use contract::api::models::Model;
use contract::snapshot::Lifecycle;
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Choice, DataTable, Details, Field, Form, Hidden, Look, Section, Select,
    StateBadge,
};
use portal_app::form::FormState;
use portal_app::text::{admin, lifecycle as text};

/// `own` is the address of the model's page.
pub fn section(visit: &OperatorVisit, own: &str, model: &Model) -> impl IntoView + use<> {
    let form = |version: &ModelVersion| {
        visit.form(&format!("{own}/versions/{}", version.id)).marked(version.id)
    };
    let list = if model.versions.is_empty() {
        view! { <p class="absent">{text::NO_VERSIONS}</p> }.into_any()
    } else {
        let rows = model.versions.iter().map(|version| row(&model.name, version));
        let columns = vec![
            (text::VERSION, CellKind::Head),
            (text::CALLED, CellKind::Text),
            (text::STATE, CellKind::Text),
            (text::UNTIL, CellKind::Text),
            (text::DEPLOYMENTS, CellKind::Number),
        ];
        let edits = model
            .versions
            .iter()
            .filter(|version| version.state != Lifecycle::Retired)
            .map(|version| edit(form(version), version))
            .collect_view();
        view! {
            <DataTable caption=text::VERSIONS columns=columns rows=rows.collect() />
            {edits}
        }
        .into_any()
    };
    let add = visit.form(&format!("{own}/versions"));
    let open = add.is_refused();
    view! {
        <Section title=text::VERSIONS>
            <p class="hint">{text::VERSIONS_LEAD}</p>
            {list}
            <Details summary=text::ADD_VERSION open=open>
                <Form state=add>
                    <Field
                        name="label"
                        label=text::LABEL
                        hint=text::LABEL_HINT
                        autocomplete="off"
                    />
                    <Button label=text::ADD_VERSION look=Look::Quiet />
                </Form>
            </Details>
        </Section>
    }
}

fn row(model: &str, version: &ModelVersion) -> Vec<Cell> {
    let called = format!("{model}@{}", version.label);
    vec![
        Cell::head(version.label.clone()),
        Cell::text(view! { <code>{called}</code> }),
        Cell::text(view! { <StateBadge state=version.state /> }),
        Cell::text(super::until(version.sunset_at)),
        Cell::number(version.deployment_ids.len().to_string()),
    ]
}

fn edit(form: FormState, version: &ModelVersion) -> impl IntoView + use<> {
    use Lifecycle::{Active, Deprecated, Draft, Retired};
    let states = [Draft, Active, Deprecated, Retired]
        .map(|state| Choice::new(state.as_str(), admin::lifecycle(state)));
    let (number, state) = (version.version.to_string(), version.state.as_str());
    let summary = format!("{}: {}", text::CHANGE, version.label);
    let open = form.is_refused();
    let sunset = super::typed(version.sunset_at);
    view! {
        <Details summary=summary open=open>
            <Form state=form>
                <Hidden name="version" value=number />
                <Select
                    name="state"
                    label=text::STATE
                    value=state
                    choices=states.to_vec()
                />
                <Field
                    name="sunset_at"
                    kind="datetime-local"
                    label=text::SUNSET
                    hint=text::SUNSET_HINT
                    value=sunset
                    optional=true
                />
                <Button label=text::SAVE look=Look::Quiet />
            </Form>
        </Details>
    }
}
