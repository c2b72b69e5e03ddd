//! Lists apps.

use super::store;
use crate::http::{Answer, OrgCtx, PageQuery, Result};
use contract::api::apps::App;
use contract::page::Page;
use contract::role::Action;

/// The organisation's apps, newest first.
#[utoipa::path(get, path = "/v1/orgs/{org}/apps", tag = "apps",
    responses((status = 200, body = Page<App>)))]
pub async fn list_apps(ctx: OrgCtx, page: PageQuery) -> Result<Answer<Page<App>>> {
    let mut tx = ctx.tenant_tx(Action::ViewApps).await?;
    let apps = store::list(&mut tx, page).await?;
    Ok(Answer::ok(page.page(apps, |app| (app.created_at, app.id.0))))
}
