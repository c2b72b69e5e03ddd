//! Edits an app. Disabling it refuses its keys everywhere within a second.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, Check, OrgCtx, Patch, Result};
use crate::outbox;
use contract::api::apps::{App, UpdateApp};
use contract::id::AppId;
use contract::role::Action;
use contract::snapshot::Kind;

/// Edits an app. Its slug stays.
#[utoipa::path(patch, path = "/v1/orgs/{org}/apps/{app}", tag = "apps",
    request_body = UpdateApp, responses((status = 200, body = App)))]
pub async fn update_app(
    ctx: OrgCtx,
    At(id): At<AppId>,
    patch: Patch<UpdateApp>,
) -> Result<Answer<App>> {
    let mut tx = ctx.tenant_tx(Action::EditApp).await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let new = patch.over(&before, before.version)?;
    let mut check = Check::new();
    let name = check.line("/name", &new.name, 1..=80);
    let description = check.text("/description", &new.description, 1000);
    check.done()?;

    let mut app = App {
        name: name.to_owned(),
        description: description.to_owned(),
        disabled: new.disabled,
        ..before.clone()
    };
    app.version = store::update(&mut tx, &app).await?;
    outbox::push(&mut tx, Kind::App, id).await?;
    audit::record(&mut tx, Entry::new("update_app", "app", id).before(&before).after(&app)).await?;
    tx.commit().await?;
    let version = app.version;
    Ok(Answer::ok(app).version(version))
}
