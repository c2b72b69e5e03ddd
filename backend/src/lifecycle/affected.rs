//! Whose apps a model's end concerns.

use super::told;
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, OperatorCtx, OrgCtx, PageQuery, Result};
use crate::{models, orgs};
use contract::api::lifecycle::{AffectedApp, AppDeprecation};
use contract::id::{AppId, ModelId};
use contract::page::Page;
use contract::role::Action;

/// The apps that called a model in the last 30 days, the latest first, with what their people were
/// told of its end.
#[utoipa::path(get, path = "/v1/admin/models/{model}/affected-apps", tag = "models",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<AffectedApp>)))]
pub async fn list_affected_apps(
    ctx: OperatorCtx,
    At(model): At<ModelId>,
    page: PageQuery,
) -> Result<Answer<Page<AffectedApp>>> {
    let mut tx = ctx.system_tx("list the apps that a model's end concerns").await?;
    models::store::find(&mut tx, model).await?.ok_or_else(ApiError::not_found)?;
    let rows = told::affected(&mut tx, model, &page).await?;
    let mut page = page.page(rows, |row| (row.last_at, row.app_id.0));
    let apps: Vec<_> = page.items.iter().map(|row| row.app_id.0).collect();
    let mut told = told::told(&mut tx, model, &apps).await?;
    for row in &mut page.items {
        row.told = told.remove(&row.app_id).unwrap_or_default();
    }
    tx.commit().await?;
    Ok(Answer::ok(page))
}

/// The models that go away or are gone and that the app called in the last 30 days, the first to
/// end in front.
#[utoipa::path(get, path = "/v1/orgs/{org}/apps/{app}/deprecations", tag = "apps",
    responses((status = 200, body = Vec<AppDeprecation>)))]
pub async fn list_app_deprecations(
    ctx: OrgCtx,
    At(app): At<AppId>,
) -> Result<Answer<Vec<AppDeprecation>>> {
    let mut tx = ctx.tenant_tx(Action::ViewApps).await?;
    orgs::apps::store::find(&mut tx, app).await?.ok_or_else(ApiError::not_found)?;
    Ok(Answer::ok(told::deprecations(&mut tx, app).await?))
}
