//! What a new app gets without asking, and what goes with an app that is deleted.

use super::subscriptions::store;
use crate::db::TenantTx;
use crate::outbox;
use contract::id::AppId;
use contract::snapshot::Kind;

/// Subscribes a new app to every auto-approved plan that is the default for new apps, of products
/// in the catalogue. Part of making the app, so it has no audit entry of its own.
///
/// # Errors
/// Postgres refused.
pub async fn subscribe_defaults(tx: &mut TenantTx, app: AppId) -> sqlx::Result<()> {
    for plan in store::default_plans(tx).await? {
        let id = store::insert(tx, app, &plan).await?;
        outbox::push(tx, Kind::Subscription, id).await?;
    }
    Ok(())
}

/// Tells gateways that the subscriptions of an app go with it. Call it before the app is deleted.
///
/// # Errors
/// Postgres refused.
pub async fn forget_app(tx: &mut TenantTx, app: AppId) -> sqlx::Result<()> {
    for id in store::list_ids_of_app(tx, app).await? {
        outbox::push(tx, Kind::Subscription, id).await?;
    }
    Ok(())
}
