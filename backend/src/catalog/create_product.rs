//! Makes a product, as a draft.

use super::{model, store};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, Check, OperatorCtx, Post, Result};
use crate::{outbox, slug};
use contract::api::catalog::{CreateProduct, Product, ProductState};
use contract::id::ProductId;
use contract::snapshot::{Kind, ProductKind};

/// The most characters of a description.
pub(super) const DESCRIPTION_MAX: usize = 20_000;

/// Makes a product, as a draft.
#[utoipa::path(post, path = "/v1/admin/products", tag = "products",
    request_body = CreateProduct, responses((status = 201, body = Product)))]
pub async fn create_product(
    ctx: OperatorCtx,
    post: Post<CreateProduct>,
) -> Result<Answer<Product>> {
    let mut tx = ctx.system_tx("make a product").await?;
    post.once(&mut tx).await?;
    let product = create(&mut tx, &post.body).await?;
    let version = product.version;
    post.commit(tx, Answer::created(product).version(version)).await
}

/// # Errors
/// `request.invalid`; `object.name_taken`.
pub async fn create(tx: &mut SystemTx, new: &CreateProduct) -> Result<Product> {
    let known = store::candidates(tx, &new.model_ids).await?;
    let mut check = Check::new();
    let slug = check.take(slug::check(&new.slug));
    let name = check.line("/name", &new.name, 1..=80);
    let summary = check.line("/summary", &new.summary, 1..=200);
    let description = check.text("/description", &new.description, DESCRIPTION_MAX);
    check.all(model::check_models(&new.model_ids, &known, false));
    check.done()?;

    let product = Product {
        id: tx.new_id(ProductId::new),
        slug,
        name: name.to_owned(),
        kind: ProductKind::Model,
        summary: summary.to_owned(),
        description: description.to_owned(),
        state: ProductState::Draft,
        model_names: model::names(&new.model_ids, &known),
        plan_count: 0,
        created_at: tx.now(),
        version: 1,
    };
    store::insert(tx, &product).await?;
    store::set_models(tx, product.id, &new.model_ids).await?;
    outbox::push(tx, Kind::Product, product.id).await?;
    audit::record(tx, Entry::new("create_product", "product", product.id).after(&product)).await?;
    Ok(product)
}
