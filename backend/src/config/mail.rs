//! How mail leaves. The address may carry a password, so Debug hides it.

use std::fmt;

#[derive(Clone, clap::Args)]
pub struct Mail {
    /// Mail server: smtp://host:port, or smtps://user:password@host.
    #[arg(long, env = "TOLLGATE_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Sender of every mail.
    #[arg(long, env = "TOLLGATE_MAIL_FROM", default_value = "Tollgate <no-reply@localhost>")]
    pub mail_from: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("from", &self.mail_from).finish_non_exhaustive()
    }
}
