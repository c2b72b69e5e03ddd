//! One product, as the operator edits it.

use super::store;
use crate::http::{Answer, ApiError, At, OperatorCtx, Result};
use contract::api::catalog::Product;
use contract::id::ProductId;

/// One product, whatever its state.
#[utoipa::path(get, path = "/v1/admin/products/{product}", tag = "products",
    responses((status = 200, body = Product)))]
pub async fn get_product(ctx: OperatorCtx, At(id): At<ProductId>) -> Result<Answer<Product>> {
    let mut tx = ctx.system_tx("look at a product").await?;
    let product = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let version = product.version;
    Ok(Answer::ok(product).version(version))
}
