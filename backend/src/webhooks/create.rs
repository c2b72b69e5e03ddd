//! Makes a webhook and shows its secret, once.

use super::{WEBHOOKS_MAX, address, seal_context, sign, store};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::entropy;
use crate::http::{Answer, ApiError, Check, OrgCtx, Post, Result};
use contract::api::webhooks::{CreateWebhook, CreatedWebhook, Webhook};
use contract::error::ErrorCode;
use contract::id::WebhookId;
use contract::role::Action;

/// Makes a webhook. Only this answer holds the secret.
#[utoipa::path(post, path = "/v1/orgs/{org}/webhooks", tag = "webhooks",
    request_body = CreateWebhook, responses((status = 201, body = CreatedWebhook)))]
pub async fn create_webhook(
    ctx: OrgCtx,
    post: Post<CreateWebhook>,
) -> Result<Answer<CreatedWebhook>> {
    let mut tx = ctx.tenant_tx(Action::EditWebhook).await?;
    post.once(&mut tx).await?;
    let created = create(ctx.app(), &mut tx, &post.body).await?;
    let version = created.webhook.version;
    post.commit(tx, Answer::created(created).version(version)).await
}

async fn create(app: &App, tx: &mut TenantTx, new: &CreateWebhook) -> Result<CreatedWebhook> {
    let mut check = Check::new();
    let url = match address::read(&new.url, app.config.webhooks.webhook_private) {
        Ok(url) => url.to_string(),
        Err(error) => {
            check.all([error]);
            String::new()
        }
    };
    check.done()?;
    if store::count(tx).await? >= WEBHOOKS_MAX {
        let detail = format!("An organisation has at most {WEBHOOKS_MAX} webhooks.");
        return Err(ApiError::new(ErrorCode::Conflict, detail));
    }
    let webhook = Webhook {
        id: tx.new_id(WebhookId::new),
        url,
        disabled_at: None,
        old_secret_until: None,
        created_at: tx.now(),
        version: 1,
    };
    let secret = sign::secret(&entropy::bytes());
    let sealed = app
        .config
        .secrets
        .master_key
        .seal(&seal_context(webhook.id), secret.as_bytes(), &entropy::bytes())
        .map_err(ApiError::internal)?;
    store::insert(tx, &webhook, &sealed).await?;
    audit::record(tx, Entry::new("create_webhook", "webhook", webhook.id).after(&webhook)).await?;
    Ok(CreatedWebhook { webhook, secret })
}
