//! What a new org starts with, and what goes with an app that is deleted.

use super::model::{self, Shape};
use super::store::{self, NewLimit};
use crate::db::{TenantTx, Tx as _};
use crate::outbox;
use contract::id::{AppId, LimitId};
use contract::snapshot::{Kind, Metric, Window};

/// Gives a new org its monthly limit of money. Part of making the org, so it has no audit entry of
/// its own.
///
/// # Errors
/// Postgres refused.
pub async fn org_default(tx: &mut TenantTx) -> sqlx::Result<()> {
    let (id, org) = (tx.new_id(LimitId::new), tx.org_id());
    let max = model::ORG_MONEY_PER_MONTH_DEFAULT.0;
    let new = NewLimit {
        id,
        scope: ("org", org.0),
        shape: Shape::plain(Metric::Money, Window::Month),
        tag: None,
        max,
        without_redis_percent: 0,
    };
    store::insert(tx, &new).await?;
    outbox::push(tx, Kind::Limit, id).await
}

/// Lifts the limits of an app that is about to be deleted.
///
/// # Errors
/// Postgres refused.
pub async fn forget_app(tx: &mut TenantTx, app: AppId) -> sqlx::Result<()> {
    for id in store::delete_of_app(tx, app).await? {
        outbox::push(tx, Kind::Limit, id).await?;
    }
    Ok(())
}
