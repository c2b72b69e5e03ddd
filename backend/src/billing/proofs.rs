//! What must hold between single rows of the books, beside their sums: each that does not is told
//! with how many there are and an example.

use super::reconcile::Difference;
use crate::db::{SystemTx, Tx as _};

/// Every proof that fails, org by org, in one snapshot of the database.
///
/// # Errors
/// Postgres refused.
pub async fn fail(tx: &mut SystemTx) -> sqlx::Result<Vec<Difference>> {
    let rows = sqlx::query_file!("src/billing/proofs.sql").fetch_all(tx.conn()).await?;
    Ok(rows
        .into_iter()
        .map(|row| Difference {
            slug: row.slug,
            detail: format!("{} {}, such as {}", row.count, row.what, row.example),
        })
        .collect())
}
