//! Calls a provider, to see whether its address and credential work.

use super::{pool, store, upstream};
use crate::http::{Answer, ApiError, At, OperatorCtx, Result};
use contract::api::providers::ProviderTest;
use contract::id::ProviderId;
use contract::snapshot::ProviderRecord;

/// Asks the provider, or the first replica of its pool that takes calls, for its models, and says how long
/// that took or what went wrong.
#[utoipa::path(post, path = "/v1/admin/providers/{provider}/test", tag = "providers",
    responses((status = 200, body = ProviderTest)))]
pub async fn test_provider(
    ctx: OperatorCtx,
    At(id): At<ProviderId>,
) -> Result<Answer<ProviderTest>> {
    let mut tx = ctx.system_tx("test a provider").await?;
    let provider = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let sealed = store::find_credential(&mut tx, id).await?;
    // The call below may take seconds; no connection is held for it.
    drop(tx);
    let master = &ctx.app().config.secrets.master_key;
    let opened = sealed.map(|s| master.open(&ProviderRecord::seal_context(id), &s)).transpose();
    let started = ctx.app().clock.now();
    let outcome = match (&opened, pool::probed(&provider)) {
        (Ok(secret), Ok(address)) => {
            upstream::list_models(&address, provider.dialect, provider.auth, secret.as_ref())
                .await
                .map_err(|error| error.to_string())
        }
        (Err(error), _) => {
            Err(format!("The stored credential does not open: {error}. Store it again."))
        }
        (_, Err(why)) => Err(why.to_owned()),
    };
    let duration_ms = u32::try_from((ctx.app().clock.now() - started).num_milliseconds().max(0))
        .unwrap_or(u32::MAX);
    Ok(Answer::ok(match outcome {
        Ok(upstream_models) => ProviderTest {
            ok: true,
            duration_ms,
            detail: format!("It answered with {} models.", upstream_models.len()),
            upstream_models,
        },
        Err(detail) => ProviderTest { ok: false, duration_ms, detail, upstream_models: Vec::new() },
    }))
}
