//! Adds a plan to a product.

use super::update_plan::{check_compares, check_tariff};
use super::update_plan_limits::check_limits;
use super::{model, store};
use crate::audit::{self, Entry};
use crate::billing::tariffs::{Month, store as versions};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Post, Result};
use crate::limits::plans;
use crate::{outbox, slug};
use contract::api::catalog::{Approval, CreatePlan, Plan};
use contract::id::{PlanId, ProductId};
use contract::snapshot::Kind;

/// Adds a plan to a product.
#[utoipa::path(post, path = "/v1/admin/products/{product}/plans", tag = "products",
    request_body = CreatePlan, responses((status = 201, body = Plan)))]
pub async fn create_plan(
    ctx: OperatorCtx,
    At(product): At<ProductId>,
    post: Post<CreatePlan>,
) -> Result<Answer<Plan>> {
    let mut tx = ctx.system_tx("add a plan to a product").await?;
    post.once(&mut tx).await?;
    let plan = create(&mut tx, product, &post.body).await?;
    let version = plan.version;
    post.commit(tx, Answer::created(plan).version(version)).await
}

/// # Errors
/// `request.invalid`; `object.not_found` for the product; `object.name_taken`.
pub async fn create(tx: &mut SystemTx, product: ProductId, new: &CreatePlan) -> Result<Plan> {
    store::find(tx, product).await?.ok_or_else(ApiError::not_found)?;
    let mut check = Check::new();
    let slug = check.take(slug::check(&new.slug));
    let name = check.line("/name", &new.name, 1..=80);
    let description = check.text("/description", &new.description, 2_000);
    check.all(model::check_plan(new));
    let limits = check_limits(tx, &mut check, &new.limits).await?;
    check_compares(tx, &mut check, &new.cache).await?;
    let tariff = check_tariff(&mut check, new.tariff.as_ref());
    check.done()?;

    let plan = Plan {
        id: tx.new_id(PlanId::new),
        product_id: product,
        slug,
        name: name.to_owned(),
        description: description.to_owned(),
        approval: new.approval,
        default_for_new_apps: new.default_for_new_apps,
        output_tokens_max: new.output_tokens_max,
        limits: new.limits.clone(),
        prices: Vec::new(),
        unknown_policy: new.unknown_policy,
        tariff: new.tariff.clone(),
        tariff_next: None,
        cache: new.cache,
        priority: new.priority,
        version: 1,
    };
    store::insert_plan(tx, &plan, new.approval == Approval::Auto).await?;
    if tariff.is_some() {
        // Nobody has used it yet, so its first month is rated by it from the beginning.
        let from = Month::of(tx.now());
        versions::insert(tx, (plan.id, plan.version), from, tariff.as_ref()).await?;
    }
    outbox::push(tx, Kind::Plan, plan.id).await?;
    for limit in limits {
        plans::put(tx, plan.id, &limit).await?;
        outbox::push(tx, Kind::Limit, limit.id).await?;
    }
    audit::record(tx, Entry::new("create_plan", "plan", plan.id).after(&plan)).await?;
    Ok(plan)
}
