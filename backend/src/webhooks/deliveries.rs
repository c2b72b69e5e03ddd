//! A webhook's messages, newest first.

use super::store;
use crate::http::{Answer, ApiError, At, OrgCtx, PageQuery, Result};
use contract::api::webhooks::Delivery;
use contract::id::WebhookId;
use contract::page::Page;
use contract::role::Action;

/// A webhook's messages of the last 30 days, newest first, and how far each has come.
#[utoipa::path(get, path = "/v1/orgs/{org}/webhooks/{webhook}/deliveries", tag = "webhooks",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Delivery>)))]
pub async fn list_webhook_deliveries(
    ctx: OrgCtx,
    At(id): At<WebhookId>,
    page: PageQuery,
) -> Result<Answer<Page<Delivery>>> {
    let mut tx = ctx.tenant_tx(Action::ViewWebhooks).await?;
    store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let deliveries = store::deliveries(&mut tx, id, &page).await?;
    Ok(Answer::ok(page.page(deliveries, |one| (one.created_at, one.id.0))))
}
