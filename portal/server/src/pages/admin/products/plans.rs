//! The plans of a product, as a part of its page. A plan is made with the usual limits; the API
//! takes any.

use super::{cache, tariff};
use contract::api::billing::UnknownPolicy;
use contract::api::catalog::{Approval, Plan};
use contract::api::models::Model;
use contract::snapshot::CachePolicy;
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Checkbox, Choice, DataTable, Details, Field, Form, Look, Section,
    Select, TextArea,
};
use portal_app::form::FormState;
use portal_app::text::{admin as text, catalog, limits};

pub fn section(
    here: &str,
    form: FormState,
    plans: Vec<Plan>,
    models: Vec<Model>,
) -> impl IntoView + use<> {
    let list = if plans.is_empty() {
        view! { <p class="absent">{text::NO_PLANS}</p> }.into_any()
    } else {
        table(here, plans).into_any()
    };
    view! { <Section title=text::PLANS>{list} {add(form, models)}</Section> }
}

fn table(here: &str, plans: Vec<Plan>) -> impl IntoView + use<> {
    let columns = vec![
        (text::NAME, CellKind::Head),
        (text::SLUG, CellKind::Text),
        (text::APPROVAL, CellKind::Text),
        (text::LIMITS, CellKind::Text),
        (text::DEFAULT, CellKind::Text),
    ];
    let rows = plans
        .into_iter()
        .map(|plan| {
            let words: Vec<_> = plan.limits.iter().map(limits::of_plan).collect();
            let href = format!("{here}/plans/{}", plan.id);
            let name = view! { <a href=href>{plan.name}</a> };
            let words =
                if words.is_empty() { catalog::NO_LIMITS.to_owned() } else { words.join(", ") };
            vec![
                Cell::head(name),
                Cell::text(view! { <code>{plan.slug}</code> }),
                Cell::text(text::approval(plan.approval)),
                Cell::text(words),
                Cell::text(if plan.default_for_new_apps { "Yes" } else { "No" }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::PLANS columns=columns rows=rows /> }
}

fn add(form: FormState, models: Vec<Model>) -> impl IntoView {
    let open = form.is_refused();
    let limit = |name: &'static str, label: &'static str| {
        view! {
            <Field
                name=name
                label=label
                hint=text::LIMIT_HINT
                inputmode="decimal"
                autocomplete="off"
                optional=true
            />
        }
    };
    // The control API takes no subscription that waits for a person yet.
    let approvals = vec![Choice::new("auto", text::approval(Approval::Auto))];
    view! {
        <Details summary=text::ADD_PLAN open=open>
            <Form state=form>
                <Field name="name" label=text::NAME autocomplete="off" />
                <Field name="slug" label=text::SLUG hint=text::SLUG_HINT autocomplete="off" />
                <TextArea name="description" label=text::DESCRIPTION rows=2 optional=true />
                <Select name="approval" label=text::APPROVAL choices=approvals />
                <Checkbox name="default_for_new_apps" label=text::DEFAULT />
                {tariff::policy(UnknownPolicy::default())}
                {limit("calls_minute", text::CALLS_MINUTE)}
                {limit("tokens_minute", text::TOKENS_MINUTE)}
                {limit("dollars_month", text::DOLLARS_MONTH)}
                <Field
                    name="output_tokens_max"
                    label=text::OUTPUT_MAX
                    hint=text::PLAN_OUTPUT_HINT
                    inputmode="numeric"
                    autocomplete="off"
                    optional=true
                />
                {tariff::fields(None)}
                {cache::fields(&CachePolicy::default(), &models)}
                {tariff::priority(0)}
                <Button label=text::ADD_PLAN look=Look::Quiet />
            </Form>
        </Details>
    }
}
