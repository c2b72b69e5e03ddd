//! Sets what a model costs from an instant on, for everybody or for one plan.

use super::{model, store};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Post, Result};
use crate::outbox;
use contract::Timestamp;
use contract::api::models::{CreatePrice, PriceVersion};
use contract::id::{ModelId, PlanId, PriceId};
use contract::money::Rates;
use contract::snapshot::Kind;

/// Sets a price. Earlier ones stay as they were, and so does what was billed under them.
#[utoipa::path(post, path = "/v1/admin/models/{model}/prices", tag = "models",
    request_body = CreatePrice, responses((status = 201, body = PriceVersion)))]
pub async fn create_price(
    ctx: OperatorCtx,
    At(model): At<ModelId>,
    post: Post<CreatePrice>,
) -> Result<Answer<PriceVersion>> {
    let mut tx = ctx.system_tx("set a price").await?;
    post.once(&mut tx).await?;
    let price = create(&mut tx, model, &post.body).await?;
    post.commit(tx, Answer::created(price)).await
}

/// # Errors
/// `request.invalid`; `object.not_found` for the model; `object.conflict` for the same instant.
pub async fn create(tx: &mut SystemTx, id: ModelId, new: &CreatePrice) -> Result<PriceVersion> {
    let of = store::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let (rates, effective_from) =
        model::rates(new, of.modality, tx.now()).map_err(ApiError::invalid)?;
    if let Some(plan) = new.plan_id {
        let mut check = Check::new();
        let offers = store::plan_offers(tx, plan, id).await?;
        check.that(offers, "/plan_id", "There is no such plan of a product with this model.");
        check.done()?;
    }
    set(tx, id, new.plan_id, &rates, effective_from).await
}

/// Writes a price that was checked.
pub(crate) async fn set(
    tx: &mut SystemTx,
    model_id: ModelId,
    plan_id: Option<PlanId>,
    rates: &Rates,
    effective_from: Timestamp,
) -> Result<PriceVersion> {
    let price = PriceVersion {
        id: tx.new_id(PriceId::new),
        model_id,
        plan_id,
        price: model::price(rates, effective_from),
        created_at: tx.now(),
    };
    store::insert_price(tx, &price, rates).await?;
    outbox::push(tx, Kind::Price, price.id).await?;
    audit::record(tx, Entry::new("create_price", "price", price.id).after(&price)).await?;
    Ok(price)
}
