//! One product: edit and publish it, see and add its plans.

use super::{Words, cache, fields, plans};
use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::catalog::ProductState;
use leptos::prelude::*;
use portal_app::components::{
    Button, Choice, Crumb, Form, Hidden, LinkButton, Look, PageHead, Section, Select, StateBadge,
};
use portal_app::nav::Place;
use portal_app::text::admin as text;

/// # Errors
/// When there is no such product, or the control API does not answer.
pub async fn page(visit: OperatorVisit, Path(id): Path<String>) -> Result<Response, Fault> {
    let product = visit.backend().admin_product(&id).await?;
    let models = visit.backend().all_models().await?;
    let listed = visit.backend().all_plans(&id).await?;
    let here = format!("/admin/products/{}", product.id);
    let form = visit.form(&here);
    let add_plan = visit.form(&format!("{here}/plans"));
    let purge = visit.form(&format!("{here}/purge")).marked("purge");
    let title = product.name.clone();
    Ok(visit.page(Place::AdminProducts, &title, move || {
        let plans = plans::section(&here, add_plan, listed, models.clone());
        let purge = cache::purge(purge);
        use ProductState::{Draft, Published, Withdrawn};
        let states = [("draft", Draft), ("published", Published), ("withdrawn", Withdrawn)];
        let now = states.iter().find(|(_, state)| *state == product.state);
        let now = now.map_or("draft", |(value, _)| *value);
        let states = states.map(|(value, state)| Choice::new(value, text::product_state(state)));
        let see = (product.state == Published).then(|| {
            let href = format!("/catalog/{}", product.slug);
            view! { <LinkButton href=href label=text::SEE look=Look::Quiet /> }
        });
        let words = Words {
            name: product.name.clone(),
            summary: product.summary,
            description: product.description,
        };
        view! {
            <PageHead
                title=product.name
                crumbs=vec![Crumb::new(text::PRODUCTS, "/admin/products")]
            >
                {see}
            </PageHead>
            <p><StateBadge state=product.state /></p>
            {plans}
            {purge}
            <Section title=text::EDIT_PRODUCT>
                <div class="medium">
                    <Form state=form>
                        <Hidden name="version" value=product.version.to_string() />
                        <Select
                            name="state"
                            label=text::STATE
                            value=now
                            choices=states.to_vec()
                        />
                        {fields(words, &models, &product.model_names)}
                        <Button label=text::SAVE />
                    </Form>
                </div>
            </Section>
        }
    }))
}
