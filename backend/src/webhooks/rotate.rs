//! Exchanges a webhook's secret. The old one goes on signing beside the new one for a day, so that
//! a receiver may learn the new one in its own time.

use super::{OLD_SECRET_LASTS, seal_context, sign, store};
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::entropy;
use crate::http::{Answer, ApiError, At, OrgCtx, Post, Result};
use contract::api::webhooks::{CreatedWebhook, RotateWebhook};
use contract::id::WebhookId;
use contract::role::Action;

/// Exchanges a webhook's secret. Only this answer holds the new one; for a day messages carry a
/// signature of each.
#[utoipa::path(post, path = "/v1/orgs/{org}/webhooks/{webhook}/rotate", tag = "webhooks",
    request_body = RotateWebhook, responses((status = 201, body = CreatedWebhook)))]
pub async fn rotate_webhook(
    ctx: OrgCtx,
    At(id): At<WebhookId>,
    post: Post<RotateWebhook>,
) -> Result<Answer<CreatedWebhook>> {
    let mut tx = ctx.tenant_tx(Action::EditWebhook).await?;
    post.once(&mut tx).await?;
    store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let secret = sign::secret(&entropy::bytes());
    let sealed = ctx
        .app()
        .config
        .secrets
        .master_key
        .seal(&seal_context(id), secret.as_bytes(), &entropy::bytes())
        .map_err(ApiError::internal)?;
    let until = tx.now() + OLD_SECRET_LASTS;
    store::set_secret(&mut tx, id, &sealed, until).await?;
    let webhook = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    audit::record(&mut tx, Entry::new("rotate_webhook", "webhook", id).after(&webhook)).await?;
    let version = webhook.version;
    post.commit(tx, Answer::created(CreatedWebhook { webhook, secret }).version(version)).await
}
