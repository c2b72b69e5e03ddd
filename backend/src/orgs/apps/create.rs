//! Makes an app, subscribed to every plan that new apps get.

use super::store;
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, Check, OrgCtx, Post, Result};
use crate::orgs::{model, teams};
use crate::{catalog, outbox};
use contract::api::apps::{App, CreateApp};
use contract::error::FieldError;
use contract::id::AppId;
use contract::role::Action;
use contract::snapshot::Kind;

/// Makes an app.
#[utoipa::path(post, path = "/v1/orgs/{org}/apps", tag = "apps",
    request_body = CreateApp, responses((status = 201, body = App)))]
pub async fn create_app(ctx: OrgCtx, post: Post<CreateApp>) -> Result<Answer<App>> {
    let mut tx = ctx.tenant_tx(Action::EditApp).await?;
    post.once(&mut tx).await?;
    let app = create(&mut tx, &post.body).await?;
    let version = app.version;
    post.commit(tx, Answer::created(app).version(version)).await
}

/// # Errors
/// `request.invalid`; `object.name_taken`.
pub async fn create(tx: &mut TenantTx, new: &CreateApp) -> Result<App> {
    let mut check = Check::new();
    let name = check.line("/name", &new.name, 1..=80);
    let description = check.text("/description", &new.description, 1000);
    check.done()?;
    let team_id = match new.team_id {
        Some(team) => Some(team),
        None => teams::store::find_oldest(tx).await?,
    };
    let no_team = || ApiError::invalid(vec![FieldError::new("/team_id", "There is no such team.")]);
    let team_id = team_id.ok_or_else(no_team)?;
    let team_name = store::find_team_name(tx, team_id).await?.ok_or_else(no_team)?;

    let slug = model::slug(name, "app");
    let app = App {
        id: tx.new_id(AppId::new),
        team_id,
        team_name,
        slug: model::free_slug(&slug, &store::list_slugs(tx, &slug).await?),
        name: name.to_owned(),
        description: description.to_owned(),
        disabled: false,
        created_at: tx.now(),
        version: 1,
    };
    store::insert(tx, &app).await?;
    outbox::push(tx, Kind::App, app.id).await?;
    catalog::defaults::subscribe_defaults(tx, app.id).await?;
    audit::record(tx, Entry::new("create_app", "app", app.id).after(&app)).await?;
    Ok(app)
}
