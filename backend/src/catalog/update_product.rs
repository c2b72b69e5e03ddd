//! Changes a product; publishes and withdraws it.

use super::create_product::DESCRIPTION_MAX;
use super::{model, store};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Patch, Result};
use crate::outbox;
use contract::api::catalog::{Product, ProductState, UpdateProduct};
use contract::error::ErrorCode;
use contract::id::ProductId;
use contract::snapshot::Kind;

/// Changes a product. Publishing refuses a model that cannot be called or has no price in force.
#[utoipa::path(patch, path = "/v1/admin/products/{product}", tag = "products",
    request_body = UpdateProduct, responses((status = 200, body = Product)))]
pub async fn update_product(
    ctx: OperatorCtx,
    At(id): At<ProductId>,
    patch: Patch<UpdateProduct>,
) -> Result<Answer<Product>> {
    let mut tx = ctx.system_tx("change a product").await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let current = UpdateProduct {
        name: before.name.clone(),
        summary: before.summary.clone(),
        description: before.description.clone(),
        state: before.state,
        model_ids: store::list_model_ids(&mut tx, id).await?,
    };
    let body = patch.over(&current, before.version)?;
    let after = update(&mut tx, before, &body).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}

/// # Errors
/// `request.invalid`; `object.conflict` for going back to a draft.
pub async fn update(tx: &mut SystemTx, before: Product, body: &UpdateProduct) -> Result<Product> {
    let known = store::candidates(tx, &body.model_ids).await?;
    let is_published = body.state == ProductState::Published;
    let mut check = Check::new();
    let name = check.line("/name", &body.name, 1..=80);
    let summary = check.line("/summary", &body.summary, 1..=200);
    let description = check.text("/description", &body.description, DESCRIPTION_MAX);
    check.all(model::check_models(&body.model_ids, &known, is_published));
    check.done()?;
    if body.state == ProductState::Draft && before.state != ProductState::Draft {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            "Apps may be subscribed to it, so it cannot become a draft again. Withdraw it instead.",
        ));
    }
    let after = Product {
        name: name.to_owned(),
        summary: summary.to_owned(),
        description: description.to_owned(),
        state: body.state,
        model_names: model::names(&body.model_ids, &known),
        version: before.version + 1,
        ..before.clone()
    };
    store::update(tx, &after).await?;
    store::set_models(tx, after.id, &body.model_ids).await?;
    outbox::push(tx, Kind::Product, after.id).await?;
    let entry = Entry::new("update_product", "product", after.id).before(&before).after(&after);
    audit::record(tx, entry).await?;
    Ok(after)
}
