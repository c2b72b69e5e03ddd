//! Makes an org: its maker owns it, and it starts with a team and an app, so that a key is the
//! only thing left to make.

use super::{apps, model, store, teams};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, TenantTx, Tx as _};
use crate::http::{Answer, Check, Ctx, Post, Result};
use crate::{limits, outbox};
use contract::api::apps::CreateApp;
use contract::api::orgs::{CreateOrg, CreateTeam, Org};
use contract::id::{OrgId, PersonId};
use contract::role::Role;
use contract::snapshot::Kind;

/// Makes an organisation that the caller owns.
#[utoipa::path(post, path = "/v1/orgs", tag = "orgs",
    request_body = CreateOrg, responses((status = 201, body = Org)))]
pub async fn create_org(ctx: Ctx, post: Post<CreateOrg>) -> Result<Answer<Org>> {
    let mut tx = ctx.system_tx("make an org, which nobody is a member of yet").await?;
    post.once(&mut tx).await?;
    let mut check = Check::new();
    let name = check.line("/name", &post.body.name, 1..=100);
    check.done()?;
    let (org, tx) = open(tx, ctx.person().id, name).await?;
    let version = org.version;
    post.commit(tx.leave().await?, Answer::created(org).version(version)).await
}

/// Makes the org `name` of `owner`, and goes on inside it.
///
/// # Errors
/// `object.name_taken`, when somebody else makes one of that name at this moment.
pub async fn open(mut tx: SystemTx, owner: PersonId, name: &str) -> Result<(Org, TenantTx)> {
    let slug = model::slug(name, "org");
    let org = Org {
        id: tx.new_id(OrgId::new),
        slug: model::free_slug(&slug, &store::list_slugs(&mut tx, &slug).await?),
        name: name.to_owned(),
        suspended: false,
        allowed_regions: Vec::new(),
        created_at: tx.now(),
        version: 1,
    };
    store::insert(&mut tx, &org).await?;
    store::insert_owner(&mut tx, org.id, owner).await?;
    let entry = Entry::new("create_org", "org", org.id).in_org(org.id).after(&org);
    audit::record(&mut tx, entry).await?;
    outbox::push(&mut tx, Kind::Org, org.id).await?;

    let mut tx = tx.enter(org.id, Role::Owner).await?;
    limits::defaults::org_default(&mut tx).await?;
    let team = CreateTeam { name: "Default".to_owned(), cost_center: None };
    let team = teams::create::create(&mut tx, &team).await?;
    let app = CreateApp {
        name: "My first app".to_owned(),
        team_id: Some(team.id),
        description: String::new(),
    };
    apps::create::create(&mut tx, &app).await?;
    Ok((org, tx))
}
