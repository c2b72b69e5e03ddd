//! One model.

use super::store;
use crate::http::{Answer, ApiError, At, OperatorCtx, Result};
use contract::api::models::Model;
use contract::id::ModelId;

/// One model, with its deployments and the list price in force.
#[utoipa::path(get, path = "/v1/admin/models/{model}", tag = "models",
    responses((status = 200, body = Model)))]
pub async fn get_model(ctx: OperatorCtx, At(id): At<ModelId>) -> Result<Answer<Model>> {
    let mut tx = ctx.system_tx("look at a model").await?;
    let model = store::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let version = model.version;
    Ok(Answer::ok(model).version(version))
}
