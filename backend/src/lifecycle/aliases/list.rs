//! The aliases, newest first.

use super::store;
use crate::http::{Answer, OperatorCtx, PageQuery, Result};
use crate::lifecycle::store as lifecycle;
use contract::api::lifecycle::Alias;
use contract::page::Page;

/// The aliases, newest first.
#[utoipa::path(get, path = "/v1/admin/aliases", tag = "models",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Alias>)))]
pub async fn list_aliases(ctx: OperatorCtx, page: PageQuery) -> Result<Answer<Page<Alias>>> {
    let mut tx = ctx.system_tx("list aliases").await?;
    let names = lifecycle::names(&mut tx).await?;
    let rows = store::list(&mut tx, &names, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}
