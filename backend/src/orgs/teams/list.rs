//! Lists teams. Every list has this shape.

use super::store;
use crate::http::{Answer, OrgCtx, PageQuery, Result};
use contract::api::orgs::Team;
use contract::page::Page;
use contract::role::Action;

/// The organisation's teams, newest first.
#[utoipa::path(get, path = "/v1/orgs/{org}/teams", tag = "teams",
    responses((status = 200, body = Page<Team>)))]
pub async fn list_teams(ctx: OrgCtx, page: PageQuery) -> Result<Answer<Page<Team>>> {
    let mut tx = ctx.tenant_tx(Action::ViewTeams).await?;
    let teams = store::list(&mut tx, page).await?;
    Ok(Answer::ok(page.page(teams, |team| (team.created_at, team.id.0))))
}
