//! One plan: change the amounts of its limits, lift some, set another; and its terms.

use super::tariff;
use crate::fault::Fault;
use crate::pages::org::limits::fields;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::catalog::{Plan, PlanLimit};
use leptos::prelude::*;
use portal_app::components::{
    Button, Choice, Crumb, Field, Form, Hidden, PageHead, Section, Select,
};
use portal_app::nav::Place;
use portal_app::text::{admin as text, catalog, limits};

/// # Errors
/// When there is no such plan, or the control API does not answer.
pub async fn page(
    visit: OperatorVisit,
    Path((product, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let product = visit.backend().admin_product(&product).await?;
    let plans = visit.backend().all_plans(&product.id.to_string()).await?;
    let plan = plans.into_iter().find(|plan| plan.id.to_string() == id).ok_or(Fault::NotFound)?;
    let models = visit.backend().all_models().await?;
    let of_product = format!("/admin/products/{}", product.id);
    let form = visit.form(&format!("{of_product}/plans/{}", plan.id));
    let terms = visit.form(&format!("{of_product}/plans/{}/terms", plan.id)).marked("terms");
    let title = format!("{}: {}", product.name, plan.name);
    let every = std::iter::once(Choice::new("", limits::ANY_MODEL));
    let named = models.iter().map(|model| Choice::new(model.id.to_string(), model.name.clone()));
    let named = every.chain(named).collect();
    Ok(visit.page(Place::AdminProducts, &title, move || {
        let crumbs = vec![
            Crumb::new(text::PRODUCTS, "/admin/products"),
            Crumb::new(product.name.clone(), of_product),
        ];
        let terms = tariff::terms(terms, &plan, models);
        view! {
            <PageHead title=plan.name.clone() lead=limits::PLAN_LEAD crumbs=crumbs />
            <div class="medium">
                <Form state=form>
                    <Hidden name="version" value=plan.version.to_string() />
                    {there(&plan)}
                    {another(named)}
                    <Button label=text::SAVE />
                </Form>
                {terms}
            </div>
        }
    }))
}

/// The amounts of the limits that are there. Each is named by its place in the plan.
fn there(plan: &Plan) -> impl IntoView + use<> {
    let fields: Vec<_> =
        plan.limits.iter().enumerate().map(|(place, limit)| one(place, limit)).collect();
    let none = plan.limits.is_empty();
    let none = none.then(|| view! { <p class="absent">{catalog::NO_LIMITS}</p> });
    view! { <Section title=limits::TITLE>{none} {fields}</Section> }
}

/// Names of fields are static, and a plan has at most twenty limits.
pub(crate) const PLACES: [&str; 20] = [
    "max_0", "max_1", "max_2", "max_3", "max_4", "max_5", "max_6", "max_7", "max_8", "max_9",
    "max_10", "max_11", "max_12", "max_13", "max_14", "max_15", "max_16", "max_17", "max_18",
    "max_19",
];

fn one(place: usize, limit: &PlanLimit) -> impl IntoView + use<> {
    let name = PLACES.get(place).copied().unwrap_or("max_other");
    let value = limit.max.map(|max| max.to_string());
    let value = value.or(limit.max_usd.map(|usd| usd.to_string())).unwrap_or_default();
    view! {
        <Field
            name=name
            label=limits::of_plan(limit)
            inputmode="decimal"
            autocomplete="off"
            value=value
            optional=true
        />
    }
}

fn another(models: Vec<Choice>) -> impl IntoView {
    view! {
        <Section title=limits::NEW_LIMIT>
            <Field
                name="max"
                label=limits::MAX
                hint=limits::MAX_HINT
                inputmode="decimal"
                autocomplete="off"
                optional=true
            />
            <Select name="metric" label=limits::METRIC choices=fields::metrics() />
            <Select name="window" label=limits::WINDOW choices=fields::windows() />
            <Select name="model_id" label=limits::MODEL choices=models />
            {fields::more(String::new())}
        </Section>
    }
}
