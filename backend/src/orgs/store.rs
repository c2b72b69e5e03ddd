//! All SQL on orgs and memberships.

use super::model;
use crate::db::{PersonTx, Tx as _};
use contract::id::OrgId;
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
