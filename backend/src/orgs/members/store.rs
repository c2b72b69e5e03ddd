//! All SQL on the members of an org.

use crate::db::{TenantTx, Tx as _};
use crate::http::PageQuery;
use contract::api::orgs::Member;
use contract::id::PersonId;
use contract::role::Role;

/// A member, locked against other changes.
pub async fn find_for_update(tx: &mut TenantTx, id: PersonId) -> sqlx::Result<Option<Member>> {
    sqlx::query_as!(
        Member,
        r#"select m.person_id as "person_id: PersonId", p.email, p.name, m.role as "role: Role",
                  m.created_at as joined_at, m.version
           from memberships m join people p on p.id = m.person_id
           where m.person_id = $1 for update of m"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// Newest first.
pub async fn list(tx: &mut TenantTx, page: PageQuery) -> sqlx::Result<Vec<Member>> {
    sqlx::query_as!(
        Member,
        r#"select m.person_id as "person_id: PersonId", p.email, p.name, m.role as "role: Role",
                  m.created_at as joined_at, m.version
           from memberships m join people p on p.id = m.person_id
           where $1::timestamptz is null or (m.created_at, m.person_id) < ($1, $2)
           order by m.created_at desc, m.person_id desc limit $3"#,
        page.after_at(),
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await
}

/// How many owners there are; none can come or go until the transaction ends.
pub async fn count_owners_for_update(tx: &mut TenantTx) -> sqlx::Result<i64> {
    let owners = sqlx::query_scalar!(
        "select person_id from memberships where role = 'owner' order by person_id for update"
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(i64::try_from(owners.len()).unwrap_or(i64::MAX))
}

/// Is somebody with this address a member?
pub async fn has_email(tx: &mut TenantTx, email: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from memberships m join people p on p.id = m.person_id
                          where p.email = $1) as "exists!""#,
        email,
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn set_role(tx: &mut TenantTx, id: PersonId, role: Role) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "update memberships set role = $2, version = version + 1
         where person_id = $1 returning version",
        id.0,
        role.as_str(),
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn insert(tx: &mut TenantTx, id: PersonId, role: Role) -> sqlx::Result<()> {
    let (org, now) = (tx.org_id(), tx.now());
    sqlx::query!(
        "insert into memberships (org_id, person_id, role, created_at) values ($1, $2, $3, $4)",
        org.0,
        id.0,
        role.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete(tx: &mut TenantTx, id: PersonId) -> sqlx::Result<()> {
    sqlx::query!("delete from memberships where person_id = $1", id.0).execute(tx.conn()).await?;
    Ok(())
}
