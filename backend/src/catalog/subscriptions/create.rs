//! Subscribes an app to a plan. A plan that is auto-approved is active at once.

use super::store;
use crate::audit::{self, Entry};
use crate::db::TenantTx;
use crate::http::{Answer, ApiError, Check, OrgCtx, Post, Result};
use crate::outbox;
use contract::api::catalog::{Approval, ProductState, Subscribe, Subscription};
use contract::role::Action;
use contract::snapshot::Kind;

/// Subscribes an app to a plan.
#[utoipa::path(post, path = "/v1/orgs/{org}/subscriptions", tag = "subscriptions",
    request_body = Subscribe, responses((status = 201, body = Subscription)))]
pub async fn create_subscription(
    ctx: OrgCtx,
    post: Post<Subscribe>,
) -> Result<Answer<Subscription>> {
    let mut tx = ctx.tenant_tx(Action::Subscribe).await?;
    post.once(&mut tx).await?;
    let subscription = create(&mut tx, &post.body).await?;
    let version = subscription.version;
    post.commit(tx, Answer::created(subscription).version(version)).await
}

/// # Errors
/// `request.invalid` for an app or a plan that is not there or not to be had;
/// `subscription.exists`.
pub async fn create(tx: &mut TenantTx, new: &Subscribe) -> Result<Subscription> {
    let has_app = store::has_app(tx, new.app_id).await?;
    let offer = store::find_offer(tx, new.plan_id)
        .await?
        .filter(|offer| offer.product_state == ProductState::Published);
    let mut check = Check::new();
    check.that(has_app, "/app_id", "The organisation has no such app.");
    let can_be_had = offer.as_ref().is_some_and(|offer| offer.approval == Approval::Auto);
    check.that(
        can_be_had || offer.is_none(),
        "/plan_id",
        "This plan waits for a person's approval, which is not offered yet. Choose another.",
    );
    check.that(offer.is_some(), "/plan_id", "There is no such plan in the catalogue.");
    check.done()?;
    let offer = offer.ok_or_else(ApiError::not_found)?;

    let id = store::insert(tx, new.app_id, &offer).await?;
    let subscription = store::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    outbox::push(tx, Kind::Subscription, id).await?;
    let entry = Entry::new("create_subscription", "subscription", id).after(&subscription);
    audit::record(tx, entry).await?;
    Ok(subscription)
}
