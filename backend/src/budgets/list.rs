//! The org's budgets, newest first.

use super::shown;
use super::store::{self, Which};
use crate::http::{Answer, OrgCtx, PageQuery, Result};
use contract::api::budgets::Budget;
use contract::page::Page;
use contract::role::Action;

/// The org's budgets, newest first, each with what its period cost so far.
#[utoipa::path(get, path = "/v1/orgs/{org}/budgets", tag = "budgets",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Budget>)))]
pub async fn list_budgets(ctx: OrgCtx, page: PageQuery) -> Result<Answer<Page<Budget>>> {
    let mut tx = ctx.tenant_tx(Action::ViewBudgets).await?;
    let rows = store::rows(&mut tx, Which { page: Some(page), ..Which::default() }).await?;
    let page = page.page(rows, |row| (row.created_at, row.id.0));
    let items = shown::many(&mut tx, &page.items).await?;
    Ok(Answer::ok(Page { items, next: page.next, has_more: page.has_more }))
}
