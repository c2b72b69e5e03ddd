//! The org's limits, newest first.

use super::store;
use crate::http::{Answer, OrgCtx, PageQuery, Result};
use contract::api::limits::Limit;
use contract::page::Page;
use contract::role::Action;

/// The org's limits, newest first. Limits of plans are shown with the plan.
#[utoipa::path(get, path = "/v1/orgs/{org}/limits", tag = "limits",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Limit>)))]
pub async fn list_limits(ctx: OrgCtx, page: PageQuery) -> Result<Answer<Page<Limit>>> {
    let mut tx = ctx.tenant_tx(Action::ViewUsage).await?;
    let rows = store::list(&mut tx, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}
