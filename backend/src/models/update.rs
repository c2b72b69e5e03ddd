//! Changes a model: how it is shown, its bounds, its state.

use super::{model, store};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Patch, Result};
use crate::outbox;
use contract::api::models::{Model, UpdateModel};
use contract::error::ErrorCode;
use contract::id::ModelId;
use contract::snapshot::Kind;

/// Changes a model. Its name is permanent.
#[utoipa::path(patch, path = "/v1/admin/models/{model}", tag = "models",
    request_body = UpdateModel, responses((status = 200, body = Model)))]
pub async fn update_model(
    ctx: OperatorCtx,
    At(id): At<ModelId>,
    patch: Patch<UpdateModel>,
) -> Result<Answer<Model>> {
    let mut tx = ctx.system_tx("change a model").await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let body = patch.over(&before, before.version)?;
    let after = update(&mut tx, before, &body).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}

/// # Errors
/// `request.invalid`; `object.conflict` for a step that the lifecycle does not have.
pub async fn update(tx: &mut SystemTx, before: Model, body: &UpdateModel) -> Result<Model> {
    let mut check = Check::new();
    let display_name = check.line("/display_name", &body.display_name, 1..=100);
    check.all(model::check_shown(
        display_name,
        before.modality,
        body.context_tokens_max,
        body.output_tokens_max,
    ));
    check.done()?;
    if !model::may_become(before.state, body.state) {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            format!(
                "A model that is {} cannot become {}.",
                before.state.as_str(),
                body.state.as_str()
            ),
        ));
    }
    let after = Model {
        display_name: display_name.to_owned(),
        state: body.state,
        context_tokens_max: body.context_tokens_max,
        output_tokens_max: body.output_tokens_max,
        version: before.version + 1,
        ..before.clone()
    };
    store::update(tx, &after).await?;
    outbox::push(tx, Kind::Model, after.id).await?;
    let entry = Entry::new("update_model", "model", after.id).before(&before).after(&after);
    audit::record(tx, entry).await?;
    Ok(after)
}
