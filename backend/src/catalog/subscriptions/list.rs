//! The org's subscriptions, newest first.

use super::store;
use crate::http::page::query_param;
use crate::http::{Answer, ApiError, OrgCtx, PageQuery, Result};
use axum::extract::FromRequestParts;
use contract::api::catalog::Subscription;
use contract::error::FieldError;
use contract::id::AppId;
use contract::page::Page;
use contract::role::Action;
use http::request::Parts;

/// Of which app, if of one.
#[derive(Debug)]
pub struct OfApp(Option<AppId>);

impl<S: Send + Sync> FromRequestParts<S> for OfApp {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(text) = query_param(parts, "app") else { return Ok(Self(None)) };
        text.parse().map(|app| Self(Some(app))).map_err(|error| {
            ApiError::invalid(vec![FieldError::new("?app", format!("Give an app's id: {error}."))])
        })
    }
}

/// The org's subscriptions, newest first; ended ones too.
#[utoipa::path(get, path = "/v1/orgs/{org}/subscriptions", tag = "subscriptions",
    params(("app" = Option<AppId>, Query), ("cursor" = Option<String>, Query),
        ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Subscription>)))]
pub async fn list_subscriptions(
    ctx: OrgCtx,
    OfApp(app): OfApp,
    page: PageQuery,
) -> Result<Answer<Page<Subscription>>> {
    let mut tx = ctx.tenant_tx(Action::ViewSubscriptions).await?;
    let rows = store::list(&mut tx, app, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.created_at, row.id.0))))
}
