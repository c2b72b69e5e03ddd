//! The models, newest first.

use super::store;
use crate::http::{Answer, OperatorCtx, PageQuery, Result};
use contract::api::models::Model;
use contract::page::Page;

/// The models, newest first.
#[utoipa::path(get, path = "/v1/admin/models", tag = "models",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Model>)))]
pub async fn list_models(ctx: OperatorCtx, page: PageQuery) -> Result<Answer<Page<Model>>> {
    let mut tx = ctx.system_tx("list models").await?;
    let rows = store::list(&mut tx, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}
