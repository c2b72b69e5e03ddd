//! Registers a model, as a draft.

use super::{model, store};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, Check, OperatorCtx, Post, Result};
use crate::lifecycle::names::Node;
use crate::lifecycle::store as lifecycle;
use crate::outbox;
use contract::api::models::{CreateModel, Model};
use contract::error::{ErrorCode, FieldError};
use contract::id::ModelId;
use contract::snapshot::{Kind, Lifecycle};

/// Registers a model, as a draft.
#[utoipa::path(post, path = "/v1/admin/models", tag = "models",
    request_body = CreateModel, responses((status = 201, body = Model)))]
pub async fn create_model(ctx: OperatorCtx, post: Post<CreateModel>) -> Result<Answer<Model>> {
    let mut tx = ctx.system_tx("register a model").await?;
    post.once(&mut tx).await?;
    let model = create(&mut tx, &post.body).await?;
    let version = model.version;
    post.commit(tx, Answer::created(model).version(version)).await
}

/// # Errors
/// `request.invalid`; `object.name_taken`.
pub async fn create(tx: &mut SystemTx, new: &CreateModel) -> Result<Model> {
    let mut check = Check::new();
    check.all(model::check_new(new));
    let display_name = check.line("/display_name", &new.display_name, 1..=100);
    check.done()?;
    lifecycle::lock(tx).await?;
    let names = lifecycle::names(tx).await?;
    if names.find(&new.name).is_some_and(|known| matches!(known.node, Node::Alias(_))) {
        let detail = "There is an alias with this name. Choose another.";
        let refusal = ApiError::new(ErrorCode::NameTaken, detail);
        return Err(refusal.field(FieldError::new("/name", detail)));
    }

    let model = Model {
        id: tx.new_id(ModelId::new),
        name: new.name.clone(),
        display_name: display_name.to_owned(),
        modality: new.modality,
        state: Lifecycle::Draft,
        context_tokens_max: new.context_tokens_max,
        output_tokens_max: new.output_tokens_max,
        deployments: Vec::new(),
        price: None,
        deprecated_at: None,
        sunset_at: None,
        retired_at: None,
        successor: None,
        leads_to: None,
        next: None,
        versions: Vec::new(),
        brown_outs: Vec::new(),
        aliases: Vec::new(),
        created_at: tx.now(),
        version: 1,
    };
    store::insert(tx, &model).await?;
    outbox::push(tx, Kind::Model, model.id).await?;
    audit::record(tx, Entry::new("create_model", "model", model.id).after(&model)).await?;
    Ok(model)
}
