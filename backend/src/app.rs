//! The handles every request and every job shares. Cloning is counting.

use crate::audit::Actor;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, SystemTx};
use std::ops::Deref;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub struct App(Arc<Handles>);

#[derive(Debug)]
pub struct Handles {
    pub db: Db,
    pub clock: Clock,
    pub config: Config,
}

impl App {
    #[must_use]
    pub fn new(db: Db, clock: Clock, config: Config) -> Self {
        Self(Arc::new(Handles { db, clock, config }))
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
