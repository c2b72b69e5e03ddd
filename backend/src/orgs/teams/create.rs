//! Makes a team. Every operation that creates has this shape.

use super::store;
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, Check, OrgCtx, Post, Result};
use crate::orgs::model;
use contract::api::orgs::{CreateTeam, Team};
use contract::id::TeamId;
use contract::role::Action;

/// Makes a team.
#[utoipa::path(post, path = "/v1/orgs/{org}/teams", tag = "teams",
    request_body = CreateTeam, responses((status = 201, body = Team)))]
pub async fn create_team(ctx: OrgCtx, post: Post<CreateTeam>) -> Result<Answer<Team>> {
    let mut tx = ctx.tenant_tx(Action::EditTeam).await?;
    post.once(&mut tx).await?;
    let team = create(&mut tx, &post.body).await?;
    let version = team.version;
    post.commit(tx, Answer::created(team).version(version)).await
}

/// # Errors
/// `request.invalid`; `object.name_taken`.
pub async fn create(tx: &mut TenantTx, new: &CreateTeam) -> Result<Team> {
    let mut check = Check::new();
    let name = check.line("/name", &new.name, 1..=80);
    let cost_center = new.cost_center.as_deref().map(|c| check.line("/cost_center", c, 0..=80));
    check.done()?;

    let slug = model::slug(name, "team");
    let team = Team {
        id: tx.new_id(TeamId::new),
        slug: model::free_slug(&slug, &store::list_slugs(tx, &slug).await?),
        name: name.to_owned(),
        cost_center: cost_center.filter(|c| !c.is_empty()).map(str::to_owned),
        created_at: tx.now(),
        version: 1,
    };
    store::insert(tx, &team).await?;
    audit::record(tx, Entry::new("create_team", "team", team.id).after(&team)).await?;
    Ok(team)
}
