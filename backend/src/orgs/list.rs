//! The caller's orgs.

use super::store;
use crate::http::{Answer, Ctx, Result};
use contract::api::orgs::Org;
use contract::page::Page;

/// The organisations one belongs to.
#[utoipa::path(get, path = "/v1/orgs", tag = "orgs", responses((status = 200, body = Page<Org>)))]
pub async fn list_orgs(ctx: Ctx) -> Result<Answer<Page<Org>>> {
    let mut tx = ctx.person_tx().await?;
    let items = store::list_own(&mut tx).await?;
    Ok(Answer::ok(Page { items, next: None, has_more: false }))
}
