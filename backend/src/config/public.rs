//! The addresses people and programs reach us at, for links, samples and the check of `Origin`.

use url::Url;

#[derive(Debug, Clone, clap::Args)]
pub struct Public {
    /// Public address of the control API.
    #[arg(long, env = "TOLLGATE_API_URL", default_value = "http://127.0.0.1:7101")]
    pub api_url: Url,
    /// Public address of the portal.
    #[arg(long, env = "TOLLGATE_PORTAL_URL", default_value = "http://127.0.0.1:7102")]
    pub portal_url: Url,
    /// Public address of the gateway.
    #[arg(long, env = "TOLLGATE_GATEWAY_URL", default_value = "http://127.0.0.1:7100")]
    pub gateway_url: Url,
}

impl Public {
    /// The address of a page of the portal: `<portal>/<page>`.
    #[must_use]
    pub fn portal_page(&self, page: &str) -> String {
        format!("{}/{page}", self.portal_url.as_str().trim_end_matches('/'))
    }

    /// The address of a page of the portal that takes a token: `<portal>/<page>/<token>`.
    #[must_use]
    pub fn portal_link(&self, page: &str, token: &str) -> String {
        format!("{}/{token}", self.portal_page(page))
    }

    /// May a browser page of `origin` call us with a cookie?
    #[must_use]
    pub fn is_own_origin(&self, origin: &str) -> bool {
        [&self.portal_url, &self.api_url]
            .iter()
            .any(|url| url.origin().ascii_serialization() == origin)
    }
}
