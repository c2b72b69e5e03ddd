//! All SQL on apps.

use crate::db::{TenantTx, Tx as _};
use crate::http::PageQuery;
use contract::api::apps::App;
use contract::id::{AppId, TeamId};

pub async fn insert(tx: &mut TenantTx, app: &App) -> sqlx::Result<()> {
    let org = tx.org_id();
    sqlx::query!(
        "insert into apps (id, org_id, team_id, slug, name, description, disabled, created_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        app.id.0,
        org.0,
        app.team_id.0,
        app.slug,
        app.name,
        app.description,
        app.disabled,
        app.created_at,
        app.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Slugs that begin with `slug`.
pub async fn list_slugs(tx: &mut TenantTx, slug: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select slug from apps where starts_with(slug, $1)", slug)
        .fetch_all(tx.conn())
        .await
}

/// The name of a team, if the org has it.
pub async fn find_team_name(tx: &mut TenantTx, id: TeamId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select name from teams where id = $1", id.0)
        .fetch_optional(tx.conn())
        .await
}

pub async fn find(tx: &mut TenantTx, id: AppId) -> sqlx::Result<Option<App>> {
    sqlx::query_as!(
        App,
        r#"select a.id as "id: AppId", a.team_id as "team_id: TeamId", t.name as team_name, a.slug,
                  a.name, a.description, a.disabled, a.created_at, a.version
           from apps a join teams t on t.id = a.team_id
           where a.id = $1"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// An app, locked against other changes.
pub async fn find_for_update(tx: &mut TenantTx, id: AppId) -> sqlx::Result<Option<App>> {
    sqlx::query_as!(
        App,
        r#"select a.id as "id: AppId", a.team_id as "team_id: TeamId", t.name as team_name, a.slug,
                  a.name, a.description, a.disabled, a.created_at, a.version
           from apps a join teams t on t.id = a.team_id
           where a.id = $1 for update of a"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// Newest first.
pub async fn list(tx: &mut TenantTx, page: PageQuery) -> sqlx::Result<Vec<App>> {
    sqlx::query_as!(
        App,
        r#"select a.id as "id: AppId", a.team_id as "team_id: TeamId", t.name as team_name, a.slug,
                  a.name, a.description, a.disabled, a.created_at, a.version
           from apps a join teams t on t.id = a.team_id
           where $1::timestamptz is null or (a.created_at, a.id) < ($1, $2)
           order by a.created_at desc, a.id desc limit $3"#,
        page.after_at(),
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await
}

/// Writes what may be edited; says the new version.
pub async fn update(tx: &mut TenantTx, app: &App) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "update apps set name = $2, description = $3, disabled = $4, version = version + 1
         where id = $1 returning version",
        app.id.0,
        app.name,
        app.description,
        app.disabled,
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn delete(tx: &mut TenantTx, id: AppId) -> sqlx::Result<()> {
    sqlx::query!("delete from apps where id = $1", id.0).execute(tx.conn()).await?;
    Ok(())
}
