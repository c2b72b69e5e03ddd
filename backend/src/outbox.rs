//! What gateways must hear of, in the same transaction as the change itself. `publish/` reads it.

use crate::db::Tx;
use contract::snapshot::Kind;
use std::fmt::Display;

/// The channel that wakes the publisher when the transaction commits.
pub const CHANNEL: &str = "outbox";

/// Notes that the object `id` of `kind` changed, appeared or went.
///
/// # Errors
/// Postgres refused.
pub async fn push(tx: &mut impl Tx, kind: Kind, id: impl Display + Send) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "with row as (insert into outbox (kind, object_id, created_at) values ($1, $2, $3))
         select pg_notify($4, '')",
        kind.as_str(),
        id.to_string(),
        now,
        CHANNEL,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
