//! Mail to people. Queued in the transaction that causes it, sent by a job, forgotten once sent.
//!
//! Every mail is plain text and holds no secret beyond a link's token.

pub mod mails;
pub mod send;
mod store;

use crate::db::{SystemTx, Tx};
use crate::jobs;
use chrono::TimeDelta;
use contract::id::MailId;

/// A mail before it has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub subject: String,
    pub body: String,
}

/// Queues `mail` to the address `to`, which must be normalised.
///
/// # Errors
/// Postgres refused.
pub async fn queue(tx: &mut impl Tx, to: &str, mail: &Mail) -> sqlx::Result<()> {
    let id = tx.new_id(MailId::new);
    store::insert(tx, id, to, mail).await?;
    jobs::enqueue(tx, &send::SendMail { mail: id }).await
}

/// How long it stays known that a mail was sent.
const SENT_LASTS: TimeDelta = TimeDelta::days(30);

/// Forgets mails that were sent long ago.
///
/// # Errors
/// Postgres refused.
pub async fn delete_expired(tx: &mut SystemTx) -> sqlx::Result<()> {
    let before = tx.now() - SENT_LASTS;
    store::delete_sent_before(tx, before).await
}
