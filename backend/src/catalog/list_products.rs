//! The products, as the operator sees them.

use super::store;
use crate::http::{Answer, OperatorCtx, PageQuery, Result};
use contract::api::catalog::Product;
use contract::page::Page;

/// The products in every state, newest first.
#[utoipa::path(get, path = "/v1/admin/products", tag = "products",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Product>)))]
pub async fn list_products(ctx: OperatorCtx, page: PageQuery) -> Result<Answer<Page<Product>>> {
    let mut tx = ctx.system_tx("list products").await?;
    let rows = store::list(&mut tx, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}
