//! Sets a limit.

use super::{model, store};
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, Check, OrgCtx, Post, Result};
use crate::outbox;
use contract::api::limits::{CreateLimit, Limit};
use contract::id::LimitId;
use contract::role::Action;
use contract::snapshot::Kind;

/// Sets a limit on the org, a team, an app or a key.
#[utoipa::path(post, path = "/v1/orgs/{org}/limits", tag = "limits",
    request_body = CreateLimit, responses((status = 201, body = Limit)))]
pub async fn create_limit(ctx: OrgCtx, post: Post<CreateLimit>) -> Result<Answer<Limit>> {
    let mut tx = ctx.tenant_tx(Action::EditLimit).await?;
    post.once(&mut tx).await?;
    let limit = create(&mut tx, &post.body).await?;
    let version = limit.version;
    post.commit(tx, Answer::created(limit).version(version)).await
}

/// # Errors
/// `request.invalid`; `object.conflict` when that metric and window is limited there already.
pub async fn create(tx: &mut TenantTx, new: &CreateLimit) -> Result<Limit> {
    let columns = store::scope_columns(new.scope);
    let name = match columns {
        Some(columns) => store::find_scope_name(tx, columns).await?,
        None => None,
    };
    let mut check = Check::new();
    check.that(
        name.is_some(),
        "/scope",
        "The organisation has no such object. Limit the organisation itself, a team, an app or a key.",
    );
    let max = check.take(model::amount("", new.metric, new.max, new.max_usd));
    check.done()?;
    let columns = columns.ok_or_else(ApiError::not_found)?;

    let id = tx.new_id(LimitId::new);
    store::insert(tx, id, columns, (new.metric, new.window, max)).await?;
    let limit = store::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    outbox::push(tx, Kind::Limit, id).await?;
    audit::record(tx, Entry::new("create_limit", "limit", id).after(&limit)).await?;
    Ok(limit)
}
