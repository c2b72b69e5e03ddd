//! Products and their plans.

use super::{cache, tariff};
use crate::actions::limits::choice;
use crate::fault::Fault;
use crate::form::Form;
use crate::pages::admin::products::plan::PLACES;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::catalog::{
    CreatePlan, CreateProduct, PlanLimit, UpdatePlanLimits, UpdateProduct,
};
use contract::api::tariffs::UpdatePlan;
use contract::id::ModelId;
use contract::snapshot::{Metric, Window};
use portal_app::components::Tone;
use portal_app::text::{admin as text, limits, pools, tariffs};

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
        Err(fault) => visit.retry(&page, &form, tariff::renamed(cache::renamed(fault))),
    }
}

fn read_plan(form: &Form) -> Result<CreatePlan, Fault> {
    let calls = form.parse_optional("calls_minute", limits::MAX_WHOLE)?;
    let tokens = form.parse_optional("tokens_minute", limits::MAX_WHOLE)?;
    let dollars = form.parse_optional("dollars_month", limits::MAX_MONEY)?;
    let count = |metric, max: i64| PlanLimit::new(metric, Window::Minute, Some(max), None);
    let money = |max| PlanLimit::new(Metric::Money, Window::Month, None, Some(max));
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
        unknown_policy: choice(form, "unknown_policy")?,
        tariff: tariff::read(form)?,
        cache: cache::read(form)?,
        priority: priority(form)?,
    })
}

fn priority(form: &Form) -> Result<u8, Fault> {
    Ok(form.parse_optional("priority", pools::PRIORITY_BAD)?.unwrap_or(0))
}

/// `POST /admin/products/{product}/plans/{plan}/terms`.
///
/// # Errors
/// What no form can mend.
pub async fn edit_plan(
    visit: OperatorVisit,
    Path((product, plan)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = format!("/admin/products/{product}/plans/{plan}");
    let read = || {
        Ok(UpdatePlan {
            unknown_policy: choice(&form, "unknown_policy")?,
            tariff: tariff::read(&form)?,
            cache: cache::read(&form)?,
            priority: priority(&form)?,
        })
    };
    let body = match read() {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().update_plan(&plan, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, tariffs::TERMS_SAVED).answer(),
        Err(fault) => visit.retry(&page, &form, tariff::renamed(cache::renamed(fault))),
    }
}

/// `POST /admin/products/{product}/plans/{plan}`: the amounts of a plan's limits, and another.
///
/// # Errors
/// What no form can mend.
pub async fn edit_plan_limits(
    visit: OperatorVisit,
    Path((product, plan)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Fault> {
    let page = visit.arrival().path();
    let plans = visit.backend().all_plans(&product).await?;
    let found = plans.into_iter().find(|one| one.id.to_string() == plan).ok_or(Fault::NotFound)?;
    let (limits, fields) = match read_limits(&form, found.limits) {
        Ok(read) => read,
        Err(fault) => return visit.retry(page, &form, fault),
    };
    let body = UpdatePlanLimits { limits };
    match visit.backend().update_plan_limits(&plan, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, limits::SAVED).answer(),
        Err(fault) => visit.retry(page, &form, renamed(fault, &fields)),
    }
}

/// The limits as they will be, and the field of the form that each came from.
fn read_limits(
    form: &Form,
    there: Vec<PlanLimit>,
) -> Result<(Vec<PlanLimit>, Vec<&'static str>), Fault> {
    let mut kept = Vec::new();
    for (limit, field) in there.into_iter().zip(PLACES) {
        if form.optional(field).is_some() {
            kept.push((amount(form, field, limit)?, field));
        }
    }
    if form.optional("max").is_some() {
        let plain = PlanLimit::new(choice(form, "metric")?, choice(form, "window")?, None, None);
        let window = match plain.metric {
            Metric::Concurrency => Window::Lifetime,
            _ => plain.window,
        };
        let new = PlanLimit {
            window,
            sliding: form.ticked("sliding"),
            time_zone: form.parse_optional("time_zone", limits::UNKNOWN)?.unwrap_or_default(),
            model_id: form.parse_optional("model_id", limits::UNKNOWN)?,
            without_redis_percent: form
                .parse_optional("without_redis_percent", limits::PERCENT_BAD)?,
            ..plain
        };
        kept.push((amount(form, "max", new)?, "max"));
    }
    Ok(kept.into_iter().unzip())
}

/// A limit with the amount of a field, in the unit of its metric.
fn amount(form: &Form, field: &'static str, limit: PlanLimit) -> Result<PlanLimit, Fault> {
    let (max, max_usd) = match limit.metric {
        Metric::Money => (None, Some(form.parse(field, limits::MAX_MONEY)?)),
        _ => (Some(form.parse(field, limits::MAX_WHOLE)?), None),
    };
    Ok(PlanLimit { max, max_usd, ..limit })
}

/// The refusal in the form's own words: `/limits/2/max` is what the third kept field says.
fn renamed(mut fault: Fault, fields: &[&str]) -> Fault {
    for (place, field) in fields.iter().enumerate() {
        for amount in ["max", "max_usd"] {
            fault = fault.renaming(&format!("/limits/{place}/{amount}"), &format!("/{field}"));
        }
        fault = fault.unwrapping(&format!("/limits/{place}"));
    }
    fault
}
