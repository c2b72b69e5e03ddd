//! One app.

use super::store;
use crate::http::{Answer, ApiError, At, OrgCtx, Result};
use contract::api::apps::App;
use contract::id::AppId;
use contract::role::Action;

/// One app.
#[utoipa::path(get, path = "/v1/orgs/{org}/apps/{app}", tag = "apps",
    responses((status = 200, body = App)))]
pub async fn get_app(ctx: OrgCtx, At(id): At<AppId>) -> Result<Answer<App>> {
    let mut tx = ctx.tenant_tx(Action::ViewApps).await?;
    let app = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let version = app.version;
    Ok(Answer::ok(app).version(version))
}
