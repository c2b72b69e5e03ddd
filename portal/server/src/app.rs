//! The handles that every request shares.

use crate::flash::FlashStore;
use crate::http::assets::Assets;
use crate::{Clock, Config};
use std::sync::Arc;
use std::time::Duration;

/// How long the control API may take for one answer.
const API_TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub assets: Assets,
    pub flash: FlashStore,
    pub(crate) http: reqwest::Client,
}

impl App {
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(config: Config) -> anyhow::Result<Arc<Self>> {
        Self::with_clock(config, Clock::system())
    }

    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn with_clock(config: Config, clock: Clock) -> anyhow::Result<Arc<Self>> {
        let http = reqwest::Client::builder()
            .timeout(API_TIMEOUT)
            .connect_timeout(Duration::from_secs(2))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let assets = Assets::load(&config.assets);
        Ok(Arc::new(Self { assets, clock, flash: FlashStore::default(), http, config }))
    }
}
