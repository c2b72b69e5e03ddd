//! Changes a provider: its name, address, auth, credential, replicas, and whether it is used.

use super::create::seal;
use super::{model, pool, store};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Patch, Result};
use crate::outbox;
use contract::api::providers::{Provider, UpdateProvider};
use contract::id::ProviderId;
use contract::seal::MasterKey;
use contract::snapshot::{Auth, Kind};

/// Changes a provider.
#[utoipa::path(patch, path = "/v1/admin/providers/{provider}", tag = "providers",
    request_body = UpdateProvider, responses((status = 200, body = Provider)))]
pub async fn update_provider(
    ctx: OperatorCtx,
    At(id): At<ProviderId>,
    patch: Patch<UpdateProvider>,
) -> Result<Answer<Provider>> {
    let mut tx = ctx.system_tx("change a provider").await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let body = patch.over(&before, before.version)?;
    let after = update(&mut tx, before, &body, &ctx.app().config.secrets.master_key).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}

/// # Errors
/// `request.invalid`.
pub async fn update(
    tx: &mut SystemTx,
    before: Provider,
    body: &UpdateProvider,
    master: &MasterKey,
) -> Result<Provider> {
    let id = before.id;
    let mut check = Check::new();
    let name = check.line("/name", &body.name, 1..=80);
    let base_url = check.take(model::base_url(&body.base_url));
    let credential =
        body.credential.as_deref().map(|text| check.take(model::credential(text, body.auth)));
    let also = check.take(model::also(before.dialect, &body.also));
    let settings = check.take(model::settings(&body.settings, before.dialect, body.auth));
    let pool = pool::read(&mut check, body.pool.as_ref(), (before.dialect, body.auth));
    // A stored credential was meant for the old addresses: it does not follow to another host.
    let follows = before.has_credential
        && model::same_host(&before.base_url, &base_url)
        && pool::reaches_no_other(before.pool.as_ref(), pool.as_ref());
    check.take(model::auth_fits(body.auth, follows, credential.is_some()));
    check.done()?;

    let keeps = body.auth != Auth::None && follows;
    let after = Provider {
        name: name.to_owned(),
        base_url,
        also,
        auth: body.auth,
        settings,
        pool,
        disabled: body.disabled,
        has_credential: keeps || credential.is_some(),
        version: before.version + 1,
        ..before.clone()
    };
    store::update(tx, &after).await?;
    if let Some(credential) = credential {
        store::set_credential(tx, id, &seal(master, id, &credential)?).await?;
    } else if !keeps {
        store::delete_credential(tx, id).await?;
    }
    outbox::push(tx, Kind::Provider, id).await?;
    let entry = Entry::new("update_provider", "provider", id).before(&before).after(&after);
    audit::record(tx, entry).await?;
    Ok(after)
}
