//! The form for a new product.

use super::{Words, fields};
use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::response::Response;
use leptos::prelude::*;
use portal_app::components::{Button, Crumb, Field, Form, PageHead};
use portal_app::nav::Place;
use portal_app::text::admin as text;

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: OperatorVisit) -> Result<Response, Fault> {
    let models = visit.backend().all_models().await?;
    let form = visit.form("/admin/products");
    Ok(visit.page(Place::AdminProducts, text::NEW_PRODUCT, move || {
        view! {
            <div class="medium">
                <PageHead
                    title=text::NEW_PRODUCT
                    crumbs=vec![Crumb::new(text::PRODUCTS, "/admin/products")]
                />
                <Form state=form>
                    <Field
                        name="slug"
                        label=text::SLUG
                        hint=text::SLUG_HINT
                        autocomplete="off"
                        autofocus=true
                    />
                    {fields(Words::default(), &models, &[])}
                    <Button label=text::CREATE />
                </Form>
            </div>
        }
    }))
}
