//! All SQL that counts purges.

use crate::db::{SystemTx, TenantTx, Tx as _};
use contract::id::ProductId;

/// Counts on for the org of the transaction.
pub async fn count_org(tx: &mut TenantTx) -> sqlx::Result<i32> {
    let id = tx.org_id();
    sqlx::query_scalar!("update orgs set purges = purges + 1 where id = $1 returning purges", id.0,)
        .fetch_one(tx.conn())
        .await
}

/// Counts on for a product, if there is one.
pub async fn count_product(tx: &mut SystemTx, id: ProductId) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!(
        "update products set purges = purges + 1 where id = $1 returning purges",
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}
