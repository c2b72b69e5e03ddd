//! Gives a model another name.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, Check, OperatorCtx, Post, Result};
use crate::lifecycle::store as lifecycle;
use crate::models::model::is_name;
use crate::outbox;
use contract::api::lifecycle::{Alias, CreateAlias};
use contract::error::FieldError;
use contract::id::AliasId;
use contract::snapshot::Kind;

/// Gives a model, or one version of it, another name; or an alias.
#[utoipa::path(post, path = "/v1/admin/aliases", tag = "models",
    request_body = CreateAlias, responses((status = 201, body = Alias)))]
pub async fn create_alias(ctx: OperatorCtx, post: Post<CreateAlias>) -> Result<Answer<Alias>> {
    let mut tx = ctx.system_tx("name a model otherwise").await?;
    post.once(&mut tx).await?;
    lifecycle::lock(&mut tx).await?;
    let names = lifecycle::names(&mut tx).await?;
    let CreateAlias { name, to } = &post.body;
    let mut check = Check::new();
    check.that(is_name(name), "/name", "Use 1 to 100 of a-z 0-9 . _ - / :");
    let taken = "There is a model or an alias of this name. Choose another.";
    check.that(names.find(name).is_none(), "/name", taken);
    let lead = names.read(None, to.trim());
    check.all(lead.as_ref().err().map(|told| FieldError::new("/to", told.clone())));
    check.done()?;
    let lead = lead.map_err(|_| ApiError::not_found())?;

    let id = tx.new_id(AliasId::new);
    store::insert(&mut tx, id, name, &lead).await?;
    let names = lifecycle::names(&mut tx).await?;
    // Nothing leads to it yet, so it can be too far from a model, but not in a circle.
    names.check().map_err(|told| ApiError::invalid(vec![FieldError::new("/to", told)]))?;
    outbox::push(&mut tx, Kind::Alias, id).await?;
    let alias = store::find(&mut tx, &names, id).await?.ok_or_else(ApiError::not_found)?;
    audit::record(&mut tx, Entry::new("create_alias", "alias", id).after(&alias)).await?;
    let version = alias.version;
    post.commit(tx, Answer::created(alias).version(version)).await
}
