//! Changes how much traffic a deployment takes, or takes it out.

use super::create_deployment::WEIGHT_MAX;
use super::{model, store};
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Patch, Result};
use crate::outbox;
use contract::api::models::{Deployment, UpdateDeployment};
use contract::id::DeploymentId;
use contract::snapshot::Kind;

/// Changes a deployment's weight, or takes it out.
#[utoipa::path(patch, path = "/v1/admin/deployments/{deployment}", tag = "models",
    request_body = UpdateDeployment, responses((status = 200, body = Deployment)))]
pub async fn update_deployment(
    ctx: OperatorCtx,
    At(id): At<DeploymentId>,
    patch: Patch<UpdateDeployment>,
) -> Result<Answer<Deployment>> {
    let mut tx = ctx.system_tx("change a deployment").await?;
    let before =
        store::find_deployment_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let body = patch.over(&before, before.version)?;
    let mut check = Check::new();
    check.that(body.weight <= WEIGHT_MAX, "/weight", "Use 0 to 1000.");
    let context_tokens_max = body.context_tokens_max.unwrap_or(before.context_tokens_max);
    let lacks = body.lacks.unwrap_or_else(|| before.lacks.clone());
    check.all(model::check_fit(context_tokens_max, &lacks));
    let of = store::find(&mut tx, before.model_id).await?.ok_or_else(ApiError::not_found)?;
    if body.model_version != before.model_version {
        check.all(model::check_version(body.model_version.as_deref(), &of.versions));
    }
    check.done()?;

    let after = Deployment {
        weight: body.weight,
        disabled: body.disabled,
        context_tokens_max,
        lacks,
        model_version: body.model_version,
        version: before.version + 1,
        ..before.clone()
    };
    store::update_deployment(&mut tx, &after).await?;
    outbox::push(&mut tx, Kind::Deployment, id).await?;
    let entry = Entry::new("update_deployment", "deployment", id).before(&before).after(&after);
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}
