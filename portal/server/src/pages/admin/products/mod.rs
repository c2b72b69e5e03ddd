//! `GET /admin/products`, `/new` and `/{product}`.

mod cache;
pub mod list;
pub mod new;
pub mod plan;
mod plans;
pub mod product;
mod tariff;

use contract::api::models::Model;
use leptos::prelude::*;
use portal_app::components::{Checkbox, Field, TextArea};
use portal_app::text::admin as text;

/// What a product says about itself in its form.
#[derive(Default)]
struct Words {
    name: String,
    summary: String,
    description: String,
}

/// The fields that a new and an old product share; `chosen` are the names of its models.
fn fields(words: Words, models: &[Model], chosen: &[String]) -> impl IntoView + use<> {
    let boxes = models
        .iter()
        .map(|model| {
            let label = format!("{} ({})", model.display_name, model.name);
            let checked = chosen.contains(&model.name);
            view! {
                <Checkbox
                    name="model_ids"
                    label=label
                    value=model.id.to_string()
                    checked=checked
                />
            }
        })
        .collect_view();
    view! {
        <Field name="name" label=text::NAME value=words.name autocomplete="off" />
        <Field
            name="summary"
            label=text::SUMMARY
            hint=text::SUMMARY_HINT
            value=words.summary
            autocomplete="off"
        />
        <TextArea
            name="description"
            label=text::DESCRIPTION
            value=words.description
            rows=5
            optional=true
        />
        <fieldset class="boxes" id="field-model_ids">
            <legend>{text::PRODUCT_MODELS}</legend>
            {boxes}
        </fieldset>
    }
}
