//! All SQL on people, sign-ups and resets.

use crate::db::{PersonTx, Tx as _};
use crate::http::ctx::Person;
use contract::api::identity::{Me, Membership};
use contract::id::{OrgId, PersonId};
use contract::role::Role;

/// A person who may act.
pub async fn find_person(tx: &mut PersonTx, id: PersonId) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(
        Person,
        r#"select id as "id: PersonId", email, name, is_operator
           from people where id = $1 and disabled_at is null"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// Who one is, and where one belongs.
pub async fn find_me(tx: &mut PersonTx, id: PersonId) -> sqlx::Result<Option<Me>> {
    let person =
        sqlx::query!("select email, name, is_operator, created_at from people where id = $1", id.0)
            .fetch_optional(tx.conn())
            .await?;
    let Some(person) = person else { return Ok(None) };
    let orgs = sqlx::query_as!(
        Membership,
        r#"select org_id as "org_id: OrgId", slug, name, role as "role: Role"
           from memberships join orgs on orgs.id = org_id
           where person_id = $1 order by name, slug"#,
        id.0,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(Some(Me {
        id,
        email: person.email,
        name: person.name,
        is_operator: person.is_operator,
        created_at: person.created_at,
        orgs,
    }))
}
