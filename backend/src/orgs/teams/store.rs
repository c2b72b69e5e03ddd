//! All SQL on teams.

use crate::db::{TenantTx, Tx as _};
use contract::api::orgs::Team;

pub async fn insert(tx: &mut TenantTx, team: &Team) -> sqlx::Result<()> {
    let org = tx.org_id();
    sqlx::query!(
        "insert into teams (id, org_id, slug, name, cost_center, created_at, version)
         values ($1, $2, $3, $4, $5, $6, $7)",
        team.id.0,
        org.0,
        team.slug,
        team.name,
        team.cost_center,
        team.created_at,
        team.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Slugs that begin with `slug`.
pub async fn list_slugs(tx: &mut TenantTx, slug: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select slug from teams where starts_with(slug, $1)", slug)
        .fetch_all(tx.conn())
        .await
}
