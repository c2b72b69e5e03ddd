//! Every price a model ever had or will have.

use super::store;
use crate::http::{Answer, ApiError, At, OperatorCtx, PageQuery, Result};
use contract::api::models::PriceVersion;
use contract::id::ModelId;
use contract::page::Page;

/// Every price of a model, the one that starts last first.
#[utoipa::path(get, path = "/v1/admin/models/{model}/prices", tag = "models",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<PriceVersion>)))]
pub async fn list_prices(
    ctx: OperatorCtx,
    At(model): At<ModelId>,
    page: PageQuery,
) -> Result<Answer<Page<PriceVersion>>> {
    let mut tx = ctx.system_tx("list a model's prices").await?;
    store::find(&mut tx, model).await?.ok_or_else(ApiError::not_found)?;
    let rows = store::list_prices(&mut tx, model, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.price.effective_from, row.id.0))))
}
