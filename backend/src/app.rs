//! The handles every request and every job shares. Cloning is counting.

use crate::audit::Actor;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, SystemTx};
use crate::redis_link;
use ::redis_link::{BadAddress, Lasting};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

#[derive(Debug, Clone)]
pub struct App(Arc<Handles>);

#[derive(Debug)]
pub struct Handles {
    pub db: Db,
    pub clock: Clock,
    pub config: Config,
    /// Made when it is first needed.
    redis: OnceLock<Lasting>,
}

impl App {
    #[must_use]
    pub fn new(db: Db, clock: Clock, config: Config) -> Self {
        Self(Arc::new(Handles { db, clock, config, redis: OnceLock::new() }))
    }

    /// A connection to Redis, for what is looked up there while somebody waits.
    ///
    /// # Errors
    /// The address is malformed.
    pub fn redis(&self) -> Result<Lasting, BadAddress> {
        if let Some(link) = self.redis.get() {
            return Ok(link.clone());
        }
        let link = redis_link::connect(&self.config.redis)?;
        Ok(self.redis.get_or_init(|| link).clone())
    }

    /// A transaction across tenants for `part` of the platform itself (a job, the publisher), for
    /// a stated reason.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn system_tx(
        &self,
        part: &'static str,
        reason: &'static str,
    ) -> sqlx::Result<SystemTx> {
        SystemTx::begin(self, Actor::platform(part), reason).await
    }
}

impl Deref for App {
    type Target = Handles;
    fn deref(&self) -> &Handles {
        &self.0
    }
}
