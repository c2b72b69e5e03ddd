//! All SQL on orgs, and on one's own place in them.

use super::model;
use crate::db::{PersonTx, SystemTx, TenantTx, Tx as _};
use contract::api::orgs::Org;
use contract::id::{OrgId, PersonId};
use contract::role::Role;

/// The person's own place in the org that `named` says by slug or id.
pub async fn find_membership(
    tx: &mut PersonTx,
    named: &str,
) -> sqlx::Result<Option<(OrgId, Role)>> {
    if !model::is_name_of_org(named) {
        return Ok(None);
    }
    let id = named.parse::<OrgId>().ok().map(|org| org.0);
    let person = tx.actor().person_id.map(|person| person.0);
    let row = sqlx::query!(
        r#"select org_id as "org_id: OrgId", role as "role: Role"
           from memberships join orgs on orgs.id = org_id
           where person_id = $1 and (orgs.id = $2 or orgs.slug = $3)"#,
        person,
        id,
        named,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.org_id, row.role)))
}

/// The person's orgs, by name. Few enough for one page.
pub async fn list_own(tx: &mut PersonTx) -> sqlx::Result<Vec<Org>> {
    sqlx::query_as!(
        Org,
        r#"select id as "id: OrgId", slug, name, suspended, allowed_regions, created_at, version
           from orgs order by name, slug"#,
    )
    .fetch_all(tx.conn())
    .await
}

/// The org of the transaction, locked against other changes.
pub async fn find_for_update(tx: &mut TenantTx) -> sqlx::Result<Option<Org>> {
    let id = tx.org_id();
    sqlx::query_as!(
        Org,
        r#"select id as "id: OrgId", slug, name, suspended, allowed_regions, created_at, version
           from orgs where id = $1 for update"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// The org of the transaction.
pub async fn find(tx: &mut TenantTx) -> sqlx::Result<Option<Org>> {
    let id = tx.org_id();
    sqlx::query_as!(
        Org,
        r#"select id as "id: OrgId", slug, name, suspended, allowed_regions, created_at, version
           from orgs where id = $1"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn update(tx: &mut TenantTx, name: &str, regions: &[String]) -> sqlx::Result<i64> {
    let id = tx.org_id();
    sqlx::query_scalar!(
        "update orgs set name = $2, allowed_regions = $3, version = version + 1
         where id = $1 returning version",
        id.0,
        name,
        regions,
    )
    .fetch_one(tx.conn())
    .await
}

/// The regions that deployments are in.
pub async fn list_regions(tx: &mut TenantTx) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select distinct region from deployments where region <> '' order by region"
    )
    .fetch_all(tx.conn())
    .await
}

/// The regions that an org allows; empty: any.
pub async fn allowed_regions(tx: &mut SystemTx, org: OrgId) -> sqlx::Result<Vec<String>> {
    let found = sqlx::query_scalar!("select allowed_regions from orgs where id = $1", org.0)
        .fetch_optional(tx.conn())
        .await?;
    Ok(found.unwrap_or_default())
}

/// Slugs that begin with `slug`.
pub async fn list_slugs(tx: &mut SystemTx, slug: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select slug from orgs where starts_with(slug, $1)", slug)
        .fetch_all(tx.conn())
        .await
}

pub async fn insert(tx: &mut SystemTx, org: &Org) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into orgs (id, slug, name, suspended, created_at, version)
         values ($1, $2, $3, $4, $5, $6)",
        org.id.0,
        org.slug,
        org.name,
        org.suspended,
        org.created_at,
        org.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_owner(tx: &mut SystemTx, org: OrgId, person: PersonId) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into memberships (org_id, person_id, role, created_at) values ($1, $2, 'owner', $3)",
        org.0,
        person.0,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The org that is named by slug or id: its id and slug.
pub async fn find_named(tx: &mut SystemTx, named: &str) -> sqlx::Result<Option<(OrgId, String)>> {
    let id = named.parse::<OrgId>().ok().map(|org| org.0);
    let row = sqlx::query!(
        r#"select id as "id: OrgId", slug from orgs where id = $1 or slug = $2"#,
        id,
        named,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.id, row.slug)))
}

/// The org of that slug.
pub async fn find_id(tx: &mut SystemTx, slug: &str) -> sqlx::Result<Option<OrgId>> {
    sqlx::query_scalar!(r#"select id as "id: OrgId" from orgs where slug = $1"#, slug)
        .fetch_optional(tx.conn())
        .await
}
