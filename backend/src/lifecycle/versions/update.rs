//! Moves a version on in its life.

use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Patch, Result};
use crate::lifecycle::store;
use crate::models::model::may_become;
use crate::outbox;
use contract::api::lifecycle::{ModelVersion, UpdateModelVersion};
use contract::error::ErrorCode;
use contract::id::ModelVersionId;
use contract::snapshot::{Kind, Lifecycle};

/// Moves a version on in its life. One that calls still come to, by a name that does not say it,
/// is not retired.
#[utoipa::path(patch, path = "/v1/admin/model-versions/{version}", tag = "models",
    request_body = UpdateModelVersion, responses((status = 200, body = ModelVersion)))]
pub async fn update_model_version(
    ctx: OperatorCtx,
    At(id): At<ModelVersionId>,
    patch: Patch<UpdateModelVersion>,
) -> Result<Answer<ModelVersion>> {
    let mut tx = ctx.system_tx("change a version of a model").await?;
    store::lock(&mut tx).await?;
    let before =
        store::find_version_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let body = patch.over(&before, before.version)?;
    let after = after(&mut tx, &before, &body).await?;
    write(&mut tx, &before, &after).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}

async fn after(
    tx: &mut SystemTx,
    before: &ModelVersion,
    body: &UpdateModelVersion,
) -> Result<ModelVersion> {
    let conflict = |detail: String| ApiError::new(ErrorCode::Conflict, detail);
    if !may_become(before.state, body.state) {
        let (from, to) = (before.state.as_str(), body.state.as_str());
        return Err(conflict(format!("A version that is {from} cannot become {to}.")));
    }
    let (now, state) = (tx.now(), body.state);
    let is_deprecated = state == Lifecycle::Deprecated;
    let mut check = Check::new();
    if body.sunset_at != before.sunset_at
        && let Some(at) = body.sunset_at
    {
        check.that(is_deprecated, "/sunset_at", "Only what is deprecated ends.");
        check.that(at > now, "/sunset_at", "Say an instant to come.");
    }
    check.done()?;
    // Who does not say the version cannot know that it ends.
    let ends = state == Lifecycle::Retired || (is_deprecated && body.sunset_at.is_some());
    if ends && state != before.state || body.sunset_at != before.sunset_at {
        let names = store::names(tx).await?;
        let lost = names.lost_with(before.model_id, Some(&before.label));
        if let (true, Some(name)) = (ends, lost.first()) {
            return Err(conflict(format!(
                "Calls of `{name}` come to this version, or are to. Let that lead elsewhere first."
            )));
        }
    }
    let began = || before.deprecated_at.filter(|_| before.state == Lifecycle::Deprecated);
    Ok(ModelVersion {
        state,
        deprecated_at: match state {
            Lifecycle::Deprecated => began().or(Some(now)),
            Lifecycle::Retired => before.deprecated_at,
            Lifecycle::Draft | Lifecycle::Active => None,
        },
        sunset_at: match state {
            Lifecycle::Deprecated => body.sunset_at,
            Lifecycle::Retired => before.sunset_at,
            Lifecycle::Draft | Lifecycle::Active => None,
        },
        version: before.version + 1,
        ..before.clone()
    })
}

/// Writes it down and tells gateways; of its deployments too, which take calls or do not with it.
pub(in crate::lifecycle) async fn write(
    tx: &mut SystemTx,
    before: &ModelVersion,
    after: &ModelVersion,
) -> Result<()> {
    store::update_version(tx, after).await?;
    outbox::push(tx, Kind::Model, after.model_id).await?;
    for deployment in &after.deployment_ids {
        outbox::push(tx, Kind::Deployment, deployment).await?;
    }
    let entry = Entry::new("update_model_version", "model_version", after.id);
    audit::record(tx, entry.before(before).after(after)).await
}
