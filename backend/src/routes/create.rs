//! Makes a route, with its first version.

use super::{known, store};
use crate::audit::{self, Entry};
use crate::db::Tx;
use crate::http::{Answer, ApiError, Check, OperatorCtx, OrgCtx, Post, Result};
use crate::outbox;
use contract::api::routes::{CreateRoute, Route};
use contract::error::FieldError;
use contract::id::RouteId;
use contract::role::Action;
use contract::snapshot::Kind;

/// Characters of a note at most.
pub(super) const NOTE_MAX: usize = 200;

/// Makes a route for the org's own calls of a model. What is wrong with the policy is told with its
/// place in it.
#[utoipa::path(post, path = "/v1/orgs/{org}/routes", tag = "routes",
    request_body = CreateRoute, responses((status = 201, body = Route)))]
pub async fn create_route(ctx: OrgCtx, post: Post<CreateRoute>) -> Result<Answer<Route>> {
    let mut tx = ctx.tenant_tx(Action::EditRoute).await?;
    post.once(&mut tx).await?;
    let route = create(&mut tx, &post.body).await?;
    let version = route.version;
    post.commit(tx, Answer::created(route).version(version)).await
}

/// Makes a route for the calls of a model of every org that has none of its own.
#[utoipa::path(post, path = "/v1/admin/routes", tag = "routes",
    request_body = CreateRoute, responses((status = 201, body = Route)))]
pub async fn create_platform_route(
    ctx: OperatorCtx,
    post: Post<CreateRoute>,
) -> Result<Answer<Route>> {
    let mut tx = ctx.system_tx("make a route").await?;
    post.once(&mut tx).await?;
    let route = create(&mut tx, &post.body).await?;
    let version = route.version;
    post.commit(tx, Answer::created(route).version(version)).await
}

/// # Errors
/// `request.invalid`; `object.conflict` where the model has a route already.
async fn create(tx: &mut impl Tx, new: &CreateRoute) -> Result<Route> {
    let org = tx.org();
    let mut check = Check::new();
    let note = check.line("/note", &new.note, 0..=NOTE_MAX).to_owned();
    let known = known::known(tx, org, new.model_id).await?;
    match &known {
        Some(known) => check.all(known::faults(&new.policy, known)),
        None => check.all([FieldError::new("/model_id", "There is no such model.")]),
    }
    check.done()?;
    let id = tx.new_id(RouteId::new);
    store::insert(tx, id, new.model_id, new.activate).await?;
    store::insert_version(tx, id, 1, &new.policy, &note).await?;
    let route = store::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    outbox::push(tx, Kind::Route, id).await?;
    audit::record(tx, Entry::new("create_route", "route", id).after(&route)).await?;
    Ok(route)
}
