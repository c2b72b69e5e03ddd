//! Who did what: one entry per change, written in the change's own transaction, never altered,
//! and chained by hash within each org.

mod actor;
mod chain;
mod entry;
pub mod list;
mod store;
mod verify;

pub use actor::Actor;
pub use entry::Entry;
pub use verify::{Verdict, verify};

use crate::db::Tx;
use crate::http::Result;
use contract::id::AuditId;

/// Appends `entry` to the log of the transaction's org (of the platform, where it has none).
///
/// Call it late: entries of one org queue up behind each other until their transactions end.
///
/// # Errors
/// Postgres refused.
pub async fn record(tx: &mut impl Tx, entry: Entry) -> Result<()> {
    let org = entry.org.or_else(|| tx.org());
    let org_uuid = org.map(|org| org.0);
    let (id, at) = (tx.new_id(AuditId::new), tx.now());
    let actor = tx.actor().clone();
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('audit/' || coalesce($1::uuid::text, ''), 0))",
        org_uuid,
    )
    .execute(tx.conn())
    .await?;
    let last = sqlx::query!(
        "select seq, hash from audit_entries where org_id is not distinct from $1
         order by seq desc limit 1",
        org_uuid,
    )
    .fetch_optional(tx.conn())
    .await?;
    let (seq, previous) = last.map_or((1, Vec::new()), |last| (last.seq + 1, last.hash));
    let link = chain::Link {
        seq,
        at,
        action: entry.action,
        actor_id: actor.person_id.map(|person| person.0),
        actor_name: &actor.name,
        actor_email: actor.email.as_deref(),
        actor_role: actor.role,
        ip: actor.ip.map(|ip| ip.to_string()),
        object_kind: entry.object_kind,
        object_id: &entry.object_id,
        before: entry.before.as_deref(),
        after: entry.after.as_deref(),
        request_id: actor.call.map(|call| call.to_string()),
    };
    let hash = link.hash(&previous)?;
    sqlx::query!(
        "insert into audit_entries (id, org_id, seq, at, action, actor_id, actor_name, actor_email,
           actor_role, ip, object_kind, object_id, before, after, request_id, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text::json,
           $14::text::json, $15, $16)",
        id.0,
        org_uuid,
        link.seq,
        link.at,
        link.action,
        link.actor_id,
        link.actor_name,
        link.actor_email,
        link.actor_role,
        link.ip,
        link.object_kind,
        link.object_id,
        link.before,
        link.after,
        link.request_id,
        hash.as_slice(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
