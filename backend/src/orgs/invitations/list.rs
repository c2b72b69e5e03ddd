//! Lists invitations that wait.

use super::store;
use crate::http::{Answer, OrgCtx, PageQuery, Result};
use contract::api::orgs::Invitation;
use contract::page::Page;
use contract::role::Action;

/// Invitations that were not accepted yet, newest first.
#[utoipa::path(get, path = "/v1/orgs/{org}/invitations", tag = "members",
    responses((status = 200, body = Page<Invitation>)))]
pub async fn list_invitations(ctx: OrgCtx, page: PageQuery) -> Result<Answer<Page<Invitation>>> {
    let mut tx = ctx.tenant_tx(Action::ViewMembers).await?;
    let invitations = store::list(&mut tx, page).await?;
    Ok(Answer::ok(page.page(invitations, |i| (i.created_at, i.id.0))))
}
