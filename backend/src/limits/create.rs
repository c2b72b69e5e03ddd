//! Sets a limit.

use super::model::{self, Shape};
use super::store::{self, NewLimit};
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, Check, OrgCtx, Post, Result};
use crate::outbox;
use contract::api::limits::{CreateLimit, Limit};
use contract::error::ErrorCode;
use contract::id::LimitId;
use contract::role::Action;
use contract::snapshot::{Kind, Tag};

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
/// `request.invalid`; `object.conflict` when the same is limited there already.
pub async fn create(tx: &mut TenantTx, new: &CreateLimit) -> Result<Limit> {
    let columns = store::scope_columns(new.scope);
    let name = match columns {
        Some(columns) => store::find_scope_name(tx, columns).await?,
        None => None,
    };
    let shape = Shape {
        metric: new.metric,
        window: new.window,
        sliding: new.sliding,
        zone: new.time_zone,
        model_id: new.model_id,
    };
    let mut check = Check::new();
    check.that(
        name.is_some(),
        "/scope",
        "The organisation has no such object that can make calls. Limit the organisation itself, \
         a team, an app or a key that is not revoked.",
    );
    check.all(shape.check(""));
    if let Some(model) = new.model_id {
        let callable = store::is_callable(tx, model).await?;
        check.that(callable, "/model_id", "There is no such model, or it was retired.");
    }
    if let Some(Err(fault)) = new.tag.as_ref().map(|tag| Tag::new(&tag.name, &tag.value)) {
        check.that(false, "/tag", format!("{fault}"));
    }
    let max = check.take(model::amount("", new.metric, new.max, new.max_usd));
    let without_redis_percent = check.take(shape.percent("", new.without_redis_percent));
    check.done()?;
    let scope = columns.ok_or_else(ApiError::not_found)?;
    if store::count(tx).await? >= model::LIMITS_MAX {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            format!("The organisation has {} limits. Lift some first.", model::LIMITS_MAX),
        ));
    }

    let id = tx.new_id(LimitId::new);
    let tag = new.tag.clone();
    store::insert(tx, &NewLimit { id, scope, shape, tag, max, without_redis_percent }).await?;
    let limit = store::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    outbox::push(tx, Kind::Limit, id).await?;
    audit::record(tx, Entry::new("create_limit", "limit", id).after(&limit)).await?;
    Ok(limit)
}
