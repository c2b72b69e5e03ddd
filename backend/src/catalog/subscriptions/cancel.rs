//! Ends a subscription. Its calls are refused as soon as gateways hear of it.

use super::store;
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, At, OrgCtx, Result};
use crate::outbox;
use contract::api::catalog::Subscription;
use contract::error::ErrorCode;
use contract::id::SubscriptionId;
use contract::role::Action;
use contract::snapshot::{Kind, SubscriptionState};

/// Ends a subscription, for good.
#[utoipa::path(post, path = "/v1/orgs/{org}/subscriptions/{subscription}/cancel",
    tag = "subscriptions", responses((status = 200, body = Subscription)))]
pub async fn cancel_subscription(
    ctx: OrgCtx,
    At(id): At<SubscriptionId>,
) -> Result<Answer<Subscription>> {
    let mut tx = ctx.tenant_tx(Action::Subscribe).await?;
    let subscription = cancel(&mut tx, id).await?;
    tx.commit().await?;
    let version = subscription.version;
    Ok(Answer::ok(subscription).version(version))
}

/// # Errors
/// `object.not_found`; `object.conflict` for one that has ended otherwise.
pub async fn cancel(tx: &mut TenantTx, id: SubscriptionId) -> Result<Subscription> {
    let before = store::find_for_update(tx, id).await?.ok_or_else(ApiError::not_found)?;
    match before.state {
        SubscriptionState::Requested | SubscriptionState::Active | SubscriptionState::Suspended => {
        }
        // Cancelled twice is cancelled.
        SubscriptionState::Cancelled => return Ok(before),
        SubscriptionState::Expired | SubscriptionState::Refused => {
            let state = before.state.as_str();
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!("The subscription is {state} already; there is nothing to cancel."),
            ));
        }
    }
    let after = Subscription {
        state: SubscriptionState::Cancelled,
        version: before.version + 1,
        ..before.clone()
    };
    store::set_state(tx, id, after.state, after.version).await?;
    outbox::push(tx, Kind::Subscription, id).await?;
    let entry = Entry::new("cancel_subscription", "subscription", id).before(&before).after(&after);
    audit::record(tx, entry).await?;
    Ok(after)
}
