//! Lists members.

use super::store;
use crate::http::{Answer, OrgCtx, PageQuery, Result};
use contract::api::orgs::Member;
use contract::page::Page;
use contract::role::Action;

/// The organisation's members, newest first.
#[utoipa::path(get, path = "/v1/orgs/{org}/members", tag = "members",
    responses((status = 200, body = Page<Member>)))]
pub async fn list_members(ctx: OrgCtx, page: PageQuery) -> Result<Answer<Page<Member>>> {
    let mut tx = ctx.tenant_tx(Action::ViewMembers).await?;
    let members = store::list(&mut tx, page).await?;
    Ok(Answer::ok(page.page(members, |member| (member.joined_at, member.person_id.0))))
}
