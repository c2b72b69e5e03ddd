//! The providers, newest first.

use super::store;
use crate::http::{Answer, OperatorCtx, PageQuery, Result};
use contract::api::providers::Provider;
use contract::page::Page;

/// The providers, newest first.
#[utoipa::path(get, path = "/v1/admin/providers", tag = "providers",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Provider>)))]
pub async fn list_providers(ctx: OperatorCtx, page: PageQuery) -> Result<Answer<Page<Provider>>> {
    let mut tx = ctx.system_tx("list providers").await?;
    let rows = store::list(&mut tx, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}
