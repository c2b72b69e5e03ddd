//! Configuration, from the environment or flags of the same names. Each part is its own section;
//! no section's Debug shows a secret.

mod http;
mod mail;
mod public;
mod secrets;
mod stores;
mod usage;
mod webhooks;

pub use http::Http;
pub use mail::Mail;
pub use public::Public;
pub use secrets::Secrets;
pub use stores::{Database, Redis};
pub use usage::Usage;
pub use webhooks::Webhooks;

/// Everything `serve` and `work` need.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub redis: Redis,
    #[command(flatten)]
    pub http: Http,
    #[command(flatten)]
    pub public: Public,
    #[command(flatten)]
    pub secrets: Secrets,
    #[command(flatten)]
    pub mail: Mail,
    #[command(flatten)]
    pub usage: Usage,
    #[command(flatten)]
    pub webhooks: Webhooks,
}
