//! The org's webhooks, newest first.

use super::store;
use crate::http::{Answer, OrgCtx, PageQuery, Result};
use contract::api::webhooks::Webhook;
use contract::page::Page;
use contract::role::Action;

/// The org's webhooks, newest first. Their secrets are not shown.
#[utoipa::path(get, path = "/v1/orgs/{org}/webhooks", tag = "webhooks",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<Webhook>)))]
pub async fn list_webhooks(ctx: OrgCtx, page: PageQuery) -> Result<Answer<Page<Webhook>>> {
    let mut tx = ctx.tenant_tx(Action::ViewWebhooks).await?;
    let webhooks = store::list(&mut tx, &page).await?;
    Ok(Answer::ok(page.page(webhooks, |webhook| (webhook.created_at, webhook.id.0))))
}
