//! Says where a model answers.

use super::{model, store};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Post, Result};
use crate::{outbox, providers};
use contract::api::models::{CreateDeployment, Deployment};
use contract::id::{DeploymentId, ModelId};
use contract::snapshot::Kind;

/// The most weight a deployment has.
pub(super) const WEIGHT_MAX: u32 = 1_000;

/// Deploys a model with a provider.
#[utoipa::path(post, path = "/v1/admin/models/{model}/deployments", tag = "models",
    request_body = CreateDeployment, responses((status = 201, body = Deployment)))]
pub async fn create_deployment(
    ctx: OperatorCtx,
    At(of): At<ModelId>,
    post: Post<CreateDeployment>,
) -> Result<Answer<Deployment>> {
    let mut tx = ctx.system_tx("deploy a model").await?;
    post.once(&mut tx).await?;
    let deployment = create(&mut tx, of, &post.body).await?;
    let version = deployment.version;
    post.commit(tx, Answer::created(deployment).version(version)).await
}

/// # Errors
/// `request.invalid`; `object.not_found` for the model; `object.conflict` for the same address.
pub async fn create(tx: &mut SystemTx, of: ModelId, new: &CreateDeployment) -> Result<Deployment> {
    let model = store::find(tx, of).await?.ok_or_else(ApiError::not_found)?;
    let provider = providers::store::find(tx, new.provider_id).await?;
    let mut check = Check::new();
    let upstream_model = check.line("/upstream_model", &new.upstream_model, 1..=200);
    let region = check.line("/region", &new.region, 0..=40);
    check.that(provider.is_some(), "/provider_id", "There is no such provider.");
    check.that(new.weight <= WEIGHT_MAX, "/weight", "Use 0 to 1000.");
    check.all(model::check_fit(new.context_tokens_max, &new.lacks));
    check.all(model::check_version(new.model_version.as_deref(), &model.versions));
    check.done()?;

    let deployment = Deployment {
        id: tx.new_id(DeploymentId::new),
        model_id: of,
        provider_id: new.provider_id,
        provider_name: provider.map(|provider| provider.name).unwrap_or_default(),
        upstream_model: upstream_model.to_owned(),
        region: region.to_owned(),
        weight: new.weight,
        disabled: false,
        context_tokens_max: new.context_tokens_max,
        lacks: new.lacks.clone(),
        model_version: new.model_version.clone(),
        version: 1,
    };
    store::insert_deployment(tx, &deployment).await?;
    outbox::push(tx, Kind::Deployment, deployment.id).await?;
    let entry = Entry::new("create_deployment", "deployment", deployment.id).after(&deployment);
    audit::record(tx, entry).await?;
    Ok(deployment)
}
