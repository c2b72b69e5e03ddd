//! All SQL on the log, but the one insert.

use super::chain::Link;
use crate::db::{SystemTx, TenantTx, Tx as _};
use contract::api::audit::AuditEntry;
use contract::id::{AuditId, OrgId, PersonId};
use data_encoding::HEXLOWER;

/// An entry with its place in the chain.
#[derive(Debug)]
pub(super) struct Row {
    pub seq: i64,
    pub entry: AuditEntry,
}

/// Newest first, before the place `before`.
pub(super) async fn list(
    tx: &mut TenantTx,
    action: Option<&str>,
    actor: Option<PersonId>,
    before: Option<i64>,
    fetch: i64,
) -> sqlx::Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"select id as "id: AuditId", seq, at, action, actor_name, actor_email, actor_role, ip,
                  object_kind, object_id, before, after, request_id, hash
           from audit_entries
           where ($1::text is null or action = $1) and ($2::uuid is null or actor_id = $2)
             and ($3::bigint is null or seq < $3)
           order by seq desc limit $4"#,
        action,
        actor.map(|actor| actor.0),
        before,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    let rows = rows.into_iter().map(|row| Row {
        seq: row.seq,
        entry: AuditEntry {
            id: row.id,
            at: row.at,
            action: row.action,
            actor_name: row.actor_name,
            actor_email: row.actor_email,
            actor_role: row.actor_role,
            ip: row.ip,
            object_kind: row.object_kind,
            object_id: row.object_id,
            before: row.before,
            after: row.after,
            request_id: row.request_id,
            hash: HEXLOWER.encode(&row.hash),
        },
    });
    Ok(rows.collect())
}

/// The chains there are: every org's, and the platform's own (`None`).
pub(super) async fn list_chains(tx: &mut SystemTx) -> sqlx::Result<Vec<Option<OrgId>>> {
    sqlx::query_scalar!(
        r#"select distinct org_id as "org_id: OrgId" from audit_entries order by 1 nulls first"#
    )
    .fetch_all(tx.conn())
    .await
}

/// A stored entry as the hash sees it.
#[derive(Debug)]
pub(super) struct Stored {
    pub seq: i64,
    pub at: contract::Timestamp,
    pub action: String,
    pub actor_id: Option<uuid::Uuid>,
    pub actor_name: String,
    pub actor_email: Option<String>,
    pub actor_role: Option<String>,
    pub ip: Option<String>,
    pub object_kind: String,
    pub object_id: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub request_id: Option<String>,
    pub hash: Vec<u8>,
}

impl Stored {
    pub fn link(&self) -> Link<'_> {
        Link {
            seq: self.seq,
            at: self.at,
            action: &self.action,
            actor_id: self.actor_id,
            actor_name: &self.actor_name,
            actor_email: self.actor_email.as_deref(),
            actor_role: self.actor_role.as_deref(),
            ip: self.ip.clone(),
            object_kind: &self.object_kind,
            object_id: &self.object_id,
            before: self.before.as_deref(),
            after: self.after.as_deref(),
            request_id: self.request_id.clone(),
        }
    }
}

/// Entries of a chain in order, after the place `after`.
pub(super) async fn list_chain(
    tx: &mut SystemTx,
    org: Option<OrgId>,
    after: i64,
    fetch: i64,
) -> sqlx::Result<Vec<Stored>> {
    sqlx::query_as!(
        Stored,
        r#"select seq, at, action, actor_id, actor_name, actor_email, actor_role, ip, object_kind,
                  object_id, before::text as before, after::text as after, request_id, hash
           from audit_entries where org_id is not distinct from $1 and seq > $2
           order by seq limit $3"#,
        org.map(|org| org.0),
        after,
        fetch,
    )
    .fetch_all(tx.conn())
    .await
}
