//! Registers a version of a model, as a draft.

use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Post, Result};
use crate::lifecycle::store;
use crate::models;
use contract::api::lifecycle::{CreateModelVersion, ModelVersion};
use contract::error::ErrorCode;
use contract::id::{ModelId, ModelVersionId};
use contract::snapshot::Lifecycle;

/// Whether a version may be called this.
fn is_label(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    (1..=40).contains(&text.len()) && text.bytes().all(allowed)
}

/// Registers a version of a model, as a draft: deployments can be of it, and no call comes to them.
#[utoipa::path(post, path = "/v1/admin/models/{model}/versions", tag = "models",
    request_body = CreateModelVersion, responses((status = 201, body = ModelVersion)))]
pub async fn create_model_version(
    ctx: OperatorCtx,
    At(of): At<ModelId>,
    post: Post<CreateModelVersion>,
) -> Result<Answer<ModelVersion>> {
    let mut tx = ctx.system_tx("register a version of a model").await?;
    post.once(&mut tx).await?;
    let model = models::store::find(&mut tx, of).await?.ok_or_else(ApiError::not_found)?;
    let mut check = Check::new();
    check.that(is_label(&post.body.label), "/label", "Use 1 to 40 of a-z 0-9 . _ -");
    check.done()?;
    if model.state == Lifecycle::Retired {
        let detail = "The model was retired.";
        return Err(ApiError::new(ErrorCode::Conflict, detail));
    }
    let version = ModelVersion {
        id: tx.new_id(ModelVersionId::new),
        model_id: of,
        label: post.body.label.clone(),
        state: Lifecycle::Draft,
        deprecated_at: None,
        sunset_at: None,
        deployment_ids: Vec::new(),
        created_at: tx.now(),
        version: 1,
    };
    store::insert_version(&mut tx, &version).await?;
    let entry = Entry::new("create_model_version", "model_version", version.id).after(&version);
    audit::record(&mut tx, entry).await?;
    post.commit(tx, Answer::created(version).version(1)).await
}

#[cfg(test)]
mod tests {
    use super::is_label;

    #[test]
    fn a_label_fits_into_a_name_in_a_call() {
        assert!(is_label("2026-03.1_b") && is_label(&"a".repeat(40)));
        for bad in ["", "V2", "a@b", "a/b", "ä", &"a".repeat(41)] {
            assert!(!is_label(bad), "{bad}");
        }
    }
}
