//! Registers a provider; its credential is sealed before it is stored.

use super::{model, pool, store};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, Check, OperatorCtx, Post, Result};
use crate::{entropy, outbox, slug};
use contract::api::providers::{CreateProvider, Provider};
use contract::id::ProviderId;
use contract::seal::{MasterKey, Sealed};
use contract::snapshot::{Kind, ProviderRecord};

/// Registers a provider.
#[utoipa::path(post, path = "/v1/admin/providers", tag = "providers",
    request_body = CreateProvider, responses((status = 201, body = Provider)))]
pub async fn create_provider(
    ctx: OperatorCtx,
    post: Post<CreateProvider>,
) -> Result<Answer<Provider>> {
    let mut tx = ctx.system_tx("register a provider").await?;
    post.once(&mut tx).await?;
    let master = &ctx.app().config.secrets.master_key;
    let provider = create(&mut tx, &post.body, master).await?;
    let version = provider.version;
    post.commit(tx, Answer::created(provider).version(version)).await
}

/// # Errors
/// `request.invalid`; `object.name_taken`.
pub async fn create(
    tx: &mut SystemTx,
    new: &CreateProvider,
    master: &MasterKey,
) -> Result<Provider> {
    let mut check = Check::new();
    let slug = check.take(slug::check(&new.slug));
    let name = check.line("/name", &new.name, 1..=80);
    let base_url = check.take(model::base_url(&new.base_url));
    let credential =
        new.credential.as_deref().map(|text| check.take(model::credential(text, new.auth)));
    check.take(model::auth_fits(new.auth, false, credential.is_some()));
    let also = check.take(model::also(new.dialect, &new.also));
    let settings = check.take(model::settings(&new.settings, new.dialect, new.auth));
    let pool = pool::read(&mut check, new.pool.as_ref(), (new.dialect, new.auth));
    check.done()?;

    let provider = Provider {
        id: tx.new_id(ProviderId::new),
        slug,
        name: name.to_owned(),
        base_url,
        dialect: new.dialect,
        also,
        auth: new.auth,
        settings,
        pool,
        has_credential: credential.is_some(),
        disabled: false,
        deployment_count: 0,
        created_at: tx.now(),
        version: 1,
    };
    store::insert(tx, &provider).await?;
    if let Some(credential) = credential {
        store::set_credential(tx, provider.id, &seal(master, provider.id, &credential)?).await?;
    }
    outbox::push(tx, Kind::Provider, provider.id).await?;
    audit::record(tx, Entry::new("create_provider", "provider", provider.id).after(&provider))
        .await?;
    Ok(provider)
}

/// Seals a credential for its provider and no other.
pub(super) fn seal(master: &MasterKey, id: ProviderId, credential: &str) -> Result<Sealed> {
    master
        .seal(&ProviderRecord::seal_context(id), credential.as_bytes(), &entropy::bytes())
        .map_err(ApiError::internal)
}
