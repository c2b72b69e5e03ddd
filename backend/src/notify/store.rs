//! All SQL on mails.

use super::Mail;
use crate::db::{SystemTx, Tx};
use contract::Timestamp;
use contract::id::MailId;

pub(super) async fn insert(
    tx: &mut impl Tx,
    id: MailId,
    to: &str,
    mail: &Mail,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into mails (id, to_email, subject, body, created_at) values ($1, $2, $3, $4, $5)",
        id.0,
        to,
        mail.subject,
        mail.body,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A mail that is not sent yet, with its address.
pub(super) async fn find_unsent(
    tx: &mut SystemTx,
    id: MailId,
) -> sqlx::Result<Option<(String, Mail)>> {
    let row = sqlx::query!(
        "select to_email, subject, body from mails where id = $1 and sent_at is null",
        id.0
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.to_email, Mail { subject: row.subject, body: row.body })))
}

/// Notes that it went, and forgets the body with its link.
pub(super) async fn set_sent(tx: &mut SystemTx, id: MailId) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!("update mails set sent_at = $2, body = '' where id = $1", id.0, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn delete_sent_before(tx: &mut SystemTx, before: Timestamp) -> sqlx::Result<()> {
    sqlx::query!("delete from mails where sent_at <= $1", before).execute(tx.conn()).await?;
    Ok(())
}
