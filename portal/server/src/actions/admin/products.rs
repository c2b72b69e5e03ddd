//! Products and their plans.

use crate::actions::limits::choice;
use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::catalog::{CreatePlan, CreateProduct, PlanLimit, UpdateProduct};
use contract::id::ModelId;
use contract::snapshot::{Metric, Window};
use portal_app::components::Tone;
use portal_app::text::{admin as text, limits};

/// `POST /admin/products`.
///
/// # Errors
/// What no form can mend.
pub async fn create(visit: OperatorVisit, form: Form) -> Result<Response, Fault> {
    let page = "/admin/products/new";
    let model_ids = match models(&form) {
        Ok(model_ids) => model_ids,
        Err(fault) => return visit.retry(page, &form, fault),
    };
    let body = CreateProduct {
        slug: form.text("slug"),
        name: form.text("name"),
        summary: form.text("summary"),
        description: form.text("description"),
        model_ids,
    };
    match visit.backend().create_product(form.key(), &body).await {
        Ok(product) => visit
            .go(format!("/admin/products/{}", product.id))
            .notice(Tone::Good, text::PRODUCT_CREATED)
            .answer(),
        Err(fault) => visit.retry(page, &form, fault),
    }
}

fn models(form: &Form) -> Result<Vec<ModelId>, Fault> {
    let parse = |id: &String| id.parse().map_err(|_| Fault::field("model_ids", text::UNKNOWN));
    form.all("model_ids").iter().map(parse).collect()
}

/// `POST /admin/products/{product}`.
///
/// # Errors
/// What no form can mend.
pub async fn edit(
    visit: OperatorVisit,
    Path(product): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.arrival().path();
    let body = match read(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(page, &form, fault),
    };
    match visit.backend().update_product(&product, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SAVED).answer(),
        Err(fault) => visit.retry(page, &form, fault),
    }
}

fn read(form: &Form) -> Result<UpdateProduct, Fault> {
    Ok(UpdateProduct {
        name: form.text("name"),
        summary: form.text("summary"),
        description: form.text("description"),
        state: choice(form, "state")?,
        model_ids: models(form)?,
    })
}

/// `POST /admin/products/{product}/plans`.
///
/// # Errors
/// What no form can mend.
pub async fn add_plan(
    visit: OperatorVisit,
    Path(product): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = format!("/admin/products/{product}");
    let body = match read_plan(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().create_plan(&product, form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::PLAN_CREATED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

fn read_plan(form: &Form) -> Result<CreatePlan, Fault> {
    let calls = form.parse_optional("calls_minute", limits::MAX_WHOLE)?;
    let tokens = form.parse_optional("tokens_minute", limits::MAX_WHOLE)?;
    let dollars = form.parse_optional("dollars_month", limits::MAX_MONEY)?;
    let count = |metric, max: i64| PlanLimit {
        metric,
        window: Window::Minute,
        max: Some(max),
        max_usd: None,
    };
    let money = |max| PlanLimit {
        metric: Metric::Money,
        window: Window::Month,
        max: None,
        max_usd: Some(max),
    };
    let limits = [
        calls.map(|max| count(Metric::Requests, max)),
        tokens.map(|max| count(Metric::Tokens, max)),
        dollars.map(money),
    ];
    Ok(CreatePlan {
        slug: form.text("slug"),
        name: form.text("name"),
        description: form.text("description"),
        approval: choice(form, "approval")?,
        default_for_new_apps: form.ticked("default_for_new_apps"),
        output_tokens_max: form.parse_optional("output_tokens_max", text::WHOLE)?,
        limits: limits.into_iter().flatten().collect(),
    })
}
