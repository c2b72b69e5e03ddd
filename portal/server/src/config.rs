//! What the environment says.

use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// The portal's settings; every flag is also an environment variable.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "tollgate-portal", version, about = "Tollgate's developer portal")]
pub struct Config {
    /// Address to listen on.
    #[arg(long, env = "TOLLGATE_PORTAL_LISTEN", default_value = "127.0.0.1:7102")]
    pub listen: SocketAddr,
    /// Where the control API answers.
    #[arg(long, env = "TOLLGATE_API_URL", default_value = "http://127.0.0.1:7101")]
    pub api_url: Url,
    /// Address of this portal as browsers see it.
    #[arg(long, env = "TOLLGATE_PORTAL_URL", default_value = "http://127.0.0.1:7102")]
    pub portal_url: Url,
    /// Address of the gateway as callers see it; goes into samples.
    #[arg(long, env = "TOLLGATE_GATEWAY_URL", default_value = "http://127.0.0.1:7100")]
    pub gateway_url: Url,
    /// Local installations only: where mail can be read in the browser.
    #[arg(long, env = "TOLLGATE_MAILBOX_URL")]
    pub mailbox_url: Option<Url>,
    /// Folder that portal-build wrote.
    #[arg(long, env = "TOLLGATE_PORTAL_ASSETS", default_value = "portal/dist")]
    pub assets: PathBuf,
    /// A reverse proxy stands in front: take the client's address from the last entry of
    /// X-Forwarded-For.
    #[arg(long, env = "TOLLGATE_PORTAL_BEHIND_PROXY", default_value_t = false)]
    pub behind_proxy: bool,
    /// Filter of the log, as tracing-subscriber reads it.
    #[arg(long, env = "TOLLGATE_LOG", default_value = "info")]
    pub log: String,
}

impl Config {
    /// The gateway's base address for SDKs, without a trailing slash: `…/v1`.
    #[must_use]
    pub fn gateway_base(&self) -> String {
        format!("{}/v1", self.gateway_url.as_str().trim_end_matches('/'))
    }

    /// Do browsers reach the portal over TLS?
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.portal_url.scheme() == "https"
    }
}
