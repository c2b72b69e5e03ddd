//! Where webhooks may go.

#[derive(Debug, Clone, clap::Args)]
pub struct Webhooks {
    /// Let webhooks go to hosts within, over plain HTTP too: for a local installation, never where
    /// tenants are strangers.
    #[arg(long, env = "TOLLGATE_WEBHOOK_PRIVATE")]
    pub webhook_private: bool,
}
