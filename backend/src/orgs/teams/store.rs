//! All SQL on teams.

use crate::db::{TenantTx, Tx as _};
use crate::http::PageQuery;
use contract::api::orgs::Team;
use contract::id::TeamId;

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

/// A team, locked against other changes.
pub async fn find_for_update(tx: &mut TenantTx, id: TeamId) -> sqlx::Result<Option<Team>> {
    sqlx::query_as!(
        Team,
        r#"select id as "id: TeamId", slug, name, cost_center, created_at, version
           from teams where id = $1 for update"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// The org's oldest team.
pub async fn find_oldest(tx: &mut TenantTx) -> sqlx::Result<Option<TeamId>> {
    sqlx::query_scalar!(r#"select id as "id: TeamId" from teams order by created_at, id limit 1"#)
        .fetch_optional(tx.conn())
        .await
}

/// Newest first.
pub async fn list(tx: &mut TenantTx, page: PageQuery) -> sqlx::Result<Vec<Team>> {
    sqlx::query_as!(
        Team,
        r#"select id as "id: TeamId", slug, name, cost_center, created_at, version
           from teams
           where $1::timestamptz is null or (created_at, id) < ($1, $2)
           order by created_at desc, id desc limit $3"#,
        page.after_at(),
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await
}

/// Writes what may be edited; says the new version.
pub async fn update(tx: &mut TenantTx, team: &Team) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "update teams set name = $2, cost_center = $3, version = version + 1
         where id = $1 returning version",
        team.id.0,
        team.name,
        team.cost_center,
    )
    .fetch_one(tx.conn())
    .await
}
