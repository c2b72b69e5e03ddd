//! The plans of a product, as the operator sees them.

use super::{shelf, store};
use crate::http::{Answer, ApiError, At, OperatorCtx, Result};
use contract::api::catalog::Plan;
use contract::id::ProductId;
use contract::page::Page;

/// The plans of a product, oldest first, all on one page.
#[utoipa::path(get, path = "/v1/admin/products/{product}/plans", tag = "products",
    responses((status = 200, body = Page<Plan>)))]
pub async fn list_plans(ctx: OperatorCtx, At(id): At<ProductId>) -> Result<Answer<Page<Plan>>> {
    let mut tx = ctx.system_tx("list a product's plans").await?;
    store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let items = shelf::plans_of(&mut tx, id).await?;
    Ok(Answer::ok(Page { items, next: None, has_more: false }))
}
