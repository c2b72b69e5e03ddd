//! The job that hands a mail to the mail server.

use super::{Mail, store};
use crate::app::App;
use crate::db::Tx as _;
use crate::jobs::{Job, JobError};
use anyhow::anyhow;
use contract::id::MailId;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const SMTP_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Serialize, Deserialize)]
pub struct SendMail {
    pub mail: MailId,
}

impl Job for SendMail {
    const KIND: &'static str = "send_mail";

    /// A crash between the server's yes and ours sends it twice; losing one would be worse.
    async fn run(self, app: &App) -> Result<(), JobError> {
        let mut tx = app.system_tx("mail", "send a mail").await?;
        let Some((to, mail)) = store::find_unsent(&mut tx, self.mail).await? else { return Ok(()) };
        drop(tx);
        send(app, &to, mail).await?;
        let mut tx = app.system_tx("mail", "note that a mail was sent").await?;
        store::set_sent(&mut tx, self.mail).await?;
        Ok(tx.commit().await?)
    }
}

async fn send(app: &App, to: &str, mail: Mail) -> Result<(), JobError> {
    let config = &app.config.mail;
    let url = config.smtp_url.as_deref();
    let url = url.ok_or_else(|| JobError::retry(anyhow!("TOLLGATE_SMTP_URL is not set")))?;
    let from: Mailbox = config
        .mail_from
        .parse()
        .map_err(|e| JobError::retry(anyhow!("TOLLGATE_MAIL_FROM is not a sender: {e}")))?;
    let to: Mailbox = to.parse().map_err(JobError::fail)?;
    let message = Message::builder()
        .from(from)
        .to(to)
        .subject(mail.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(mail.body)
        .map_err(JobError::fail)?;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map_err(|_| JobError::retry(anyhow!("TOLLGATE_SMTP_URL is not smtp:// or smtps://")))?
        .timeout(Some(SMTP_TIMEOUT))
        .build();
    match transport.send(message).await {
        Ok(_) => Ok(()),
        // 5xx: the server will never take it.
        Err(error) if error.is_permanent() => Err(JobError::fail(error)),
        Err(error) => Err(JobError::retry(error)),
    }
}
