//! Edits a team. Every operation that edits has this shape.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, Check, OrgCtx, Patch, Result};
use contract::api::orgs::{Team, UpdateTeam};
use contract::id::TeamId;
use contract::role::Action;

/// Edits a team. Its slug stays.
#[utoipa::path(patch, path = "/v1/orgs/{org}/teams/{team}", tag = "teams",
    request_body = UpdateTeam, responses((status = 200, body = Team)))]
pub async fn update_team(
    ctx: OrgCtx,
    At(id): At<TeamId>,
    patch: Patch<UpdateTeam>,
) -> Result<Answer<Team>> {
    let mut tx = ctx.tenant_tx(Action::EditTeam).await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let new = patch.over(&before, before.version)?;
    let mut check = Check::new();
    let name = check.line("/name", &new.name, 1..=80);
    let cost_center = new.cost_center.as_deref().map(|c| check.line("/cost_center", c, 0..=80));
    check.done()?;

    let mut team = Team {
        name: name.to_owned(),
        cost_center: cost_center.filter(|c| !c.is_empty()).map(str::to_owned),
        ..before.clone()
    };
    team.version = store::update(&mut tx, &team).await?;
    audit::record(&mut tx, Entry::new("update_team", "team", id).before(&before).after(&team))
        .await?;
    tx.commit().await?;
    let version = team.version;
    Ok(Answer::ok(team).version(version))
}
