//! Removes a webhook. What was not sent yet is not sent.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{ApiError, At, OrgCtx, Result};
use contract::id::WebhookId;
use contract::role::Action;
use http::StatusCode;

/// Removes a webhook. What was not sent yet is not sent.
#[utoipa::path(delete, path = "/v1/orgs/{org}/webhooks/{webhook}", tag = "webhooks",
    responses((status = 204)))]
pub async fn delete_webhook(ctx: OrgCtx, At(id): At<WebhookId>) -> Result<StatusCode> {
    let mut tx = ctx.tenant_tx(Action::EditWebhook).await?;
    let before = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    store::delete(&mut tx, id).await?;
    audit::record(&mut tx, Entry::new("delete_webhook", "webhook", id).before(&before)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
