//! Sends a message to try a webhook with.

use super::{Event, queue_to, store};
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, OrgCtx, Post, Result};
use contract::api::webhooks::{EventKind, TestWebhook, Webhook};
use contract::error::ErrorCode;
use contract::id::{EventId, WebhookId};
use contract::role::Action;
use serde_json::json;

/// Sends a message to try a webhook with. See its deliveries for how it went.
#[utoipa::path(post, path = "/v1/orgs/{org}/webhooks/{webhook}/test", tag = "webhooks",
    request_body = TestWebhook, responses((status = 202, body = Webhook)))]
pub async fn test_webhook(
    ctx: OrgCtx,
    At(id): At<WebhookId>,
    post: Post<TestWebhook>,
) -> Result<Answer<Webhook>> {
    let mut tx = ctx.tenant_tx(Action::EditWebhook).await?;
    post.once(&mut tx).await?;
    let webhook = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    if webhook.disabled_at.is_some() {
        let detail = "Its receiver said that it is gone, so nothing is sent to it. Make another.";
        return Err(ApiError::new(ErrorCode::Conflict, detail));
    }
    let data = json!({"org_id": ctx.org_id(), "webhook_id": id});
    let event = Event { id: tx.new_id(EventId::new), kind: EventKind::WebhookTest, data };
    queue_to(&mut tx, ctx.org_id(), id, &event).await?;
    audit::record(&mut tx, Entry::new("test_webhook", "webhook", id)).await?;
    post.commit(tx, Answer::accepted(webhook)).await
}
