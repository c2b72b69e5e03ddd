//! The form for a new model.

use crate::visit::OperatorVisit;
use axum::response::Response;
use contract::snapshot::Modality;
use leptos::prelude::*;
use portal_app::components::{Button, Choice, Crumb, Field, Form, PageHead, Select};
use portal_app::nav::Place;
use portal_app::text::{admin as text, catalog};

pub async fn page(visit: OperatorVisit) -> Response {
    let form = visit.form("/admin/models");
    let kinds: Vec<Choice> = Modality::ALL
        .iter()
        .map(|modality| Choice::new(modality.as_str(), catalog::modality(*modality)))
        .collect();
    visit.page(Place::AdminModels, text::NEW_MODEL, move || {
        view! {
            <div class="medium">
                <PageHead
                    title=text::NEW_MODEL
                    crumbs=vec![Crumb::new(text::MODELS, "/admin/models")]
                />
                <Form state=form>
                    <Field
                        name="name"
                        label=text::MODEL_NAME
                        hint=text::MODEL_NAME_HINT
                        autocomplete="off"
                        autofocus=true
                    />
                    <Field name="display_name" label=text::DISPLAY_NAME autocomplete="off" />
                    <Select name="modality" label=text::MODALITY choices=kinds.clone() />
                    {sizes("8192", "4096")}
                    <Button label=text::CREATE />
                </Form>
            </div>
        }
    })
}

/// The two fields that bound a call.
pub(super) fn sizes(context: &str, output: &str) -> impl IntoView + use<> {
    view! {
        <Field
            name="context_tokens_max"
            label=text::CONTEXT
            value=context.to_owned()
            inputmode="numeric"
            autocomplete="off"
        />
        <Field
            name="output_tokens_max"
            label=text::OUTPUT_MAX
            hint=text::OUTPUT_HINT
            value=output.to_owned()
            inputmode="numeric"
            autocomplete="off"
        />
    }
}
