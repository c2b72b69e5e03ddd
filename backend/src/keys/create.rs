//! Makes a key and shows its secret, once.

use super::model::KeyRow;
use super::store;
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::entropy;
use crate::http::{Answer, ApiError, Check, OrgCtx, Post, Result};
use crate::orgs::apps;
use crate::outbox;
use contract::api::keys::{CreateKey, CreatedKey};
use contract::error::FieldError;
use contract::id::KeyId;
use contract::key::{self, KeyPepper};
use contract::role::Action;
use contract::snapshot::Kind;

/// Makes a key. Only this answer holds the secret.
#[utoipa::path(post, path = "/v1/orgs/{org}/keys", tag = "keys",
    request_body = CreateKey, responses((status = 201, body = CreatedKey)))]
pub async fn create_key(ctx: OrgCtx, post: Post<CreateKey>) -> Result<Answer<CreatedKey>> {
    let mut tx = ctx.tenant_tx(Action::CreateKey).await?;
    post.once(&mut tx).await?;
    let created = create(&mut tx, &ctx.app().config.secrets.key_pepper, &post.body).await?;
    let version = created.key.version;
    post.commit(tx, Answer::created(created).version(version)).await
}

/// # Errors
/// `request.invalid`.
pub async fn create(tx: &mut TenantTx, pepper: &KeyPepper, new: &CreateKey) -> Result<CreatedKey> {
    let now = tx.now();
    let mut check = Check::new();
    let name = check.line("/name", &new.name, 1..=80);
    check.that(new.expires_at.is_none_or(|at| at > now), "/expires_at", "Choose a time to come.");
    check.done()?;
    let app = apps::store::find(tx, new.app_id).await?.ok_or_else(|| {
        ApiError::invalid(vec![FieldError::new("/app_id", "There is no such app.")])
    })?;

    let made = key::make(new.env, entropy::fill);
    let hash = made.hash(pepper).ok_or_else(|| {
        ApiError::internal(anyhow::anyhow!("a key that was just made does not parse"))
    })?;
    let row = KeyRow {
        id: tx.new_id(KeyId::new),
        app_id: app.id,
        app_name: app.name,
        name: name.to_owned(),
        env: new.env,
        public_id: made.public_id.clone(),
        last_four: made.last_four.clone(),
        created_by_name: tx.actor().name.clone(),
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
        version: 1,
    };
    store::insert(tx, &row, &hash).await?;
    outbox::push(tx, Kind::Key, row.id).await?;
    let key = row.shown(now);
    audit::record(tx, Entry::new("create_key", "key", key.id).after(&key)).await?;
    Ok(CreatedKey { key, secret: made.reveal().to_owned() })
}
