//! All SQL on invitations.

use crate::db::{SystemTx, TenantTx, Tx as _};
use crate::http::PageQuery;
use contract::api::orgs::Invitation;
use contract::id::{InvitationId, OrgId};
use contract::role::Role;

pub async fn insert(
    tx: &mut TenantTx,
    invitation: &Invitation,
    token_hash: &[u8],
) -> sqlx::Result<()> {
    let (org, by) = (tx.org_id(), tx.actor().name.clone());
    sqlx::query!(
        "insert into invitations (id, org_id, email, role, token_hash, invited_by_name, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        invitation.id.0,
        org.0,
        invitation.email,
        invitation.role.as_str(),
        token_hash,
        by,
        invitation.created_at,
        invitation.expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes room for a new invitation of an address whose old one has expired.
pub async fn delete_expired(tx: &mut TenantTx, email: &str) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!("delete from invitations where email = $1 and expires_at <= $2", email, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Newest first, expired ones included: their link says so, and they can be sent again.
pub async fn list(tx: &mut TenantTx, page: PageQuery) -> sqlx::Result<Vec<Invitation>> {
    sqlx::query_as!(
        Invitation,
        r#"select id as "id: InvitationId", email, role as "role: Role", created_at, expires_at
           from invitations
           where $1::timestamptz is null or (created_at, id) < ($1, $2)
           order by created_at desc, id desc limit $3"#,
        page.after_at(),
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await
}

/// Takes an invitation away; says what it was.
pub async fn delete(tx: &mut TenantTx, id: InvitationId) -> sqlx::Result<Option<Invitation>> {
    sqlx::query_as!(
        Invitation,
        r#"delete from invitations where id = $1
           returning id as "id: InvitationId", email, role as "role: Role", created_at, expires_at"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// What an opened link asks for.
#[derive(Debug)]
pub struct Offer {
    pub id: InvitationId,
    pub org_id: OrgId,
    pub slug: String,
    pub name: String,
    pub email: String,
    pub role: Role,
}

pub async fn find_by_token(tx: &mut SystemTx, token_hash: &[u8]) -> sqlx::Result<Option<Offer>> {
    let now = tx.now();
    sqlx::query_as!(
        Offer,
        r#"select i.id as "id: InvitationId", i.org_id as "org_id: OrgId", o.slug, o.name, i.email,
                  i.role as "role: Role"
           from invitations i join orgs o on o.id = i.org_id
           where i.token_hash = $1 and i.expires_at > $2"#,
        token_hash,
        now,
    )
    .fetch_optional(tx.conn())
    .await
}
