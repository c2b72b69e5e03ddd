//! The loop that watches for orgs whose counters are incomplete, and one step of it.

use super::counters::{Counters, Least, Look};
use super::{LOST_MS, PAUSE_MS, RECOUNT_MS, RETURN_MS, used};
use crate::app::App;
use crate::db::{SystemTx, Tx as _};
use contract::Timestamp;
use contract::id::{GatewayId, OrgId};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use redis::RedisError;
use redis_link::Lasting;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often it is looked for orgs that gateways wait for.
const POLL: Duration = Duration::from_millis(250);
/// How often every org is looked at, whatever was heard.
const ALL: Duration = Duration::from_secs(30);
/// Orgs that are looked at together.
const TOGETHER: usize = 32;

/// Why a step was not finished; the next one tries again.
#[derive(Debug, thiserror::Error)]
pub enum RecountError {
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    #[error("redis: {0}")]
    Redis(#[from] RedisError),
}

/// Completes counters. Several may run: what they do is harmless twice.
#[derive(Clone)]
pub struct Recount {
    app: App,
    counters: Counters,
    /// Orgs that are known to be incomplete.
    open: HashSet<OrgId>,
    looked_at: Option<Instant>,
    /// Gateways that beat, and since when without a pause, by the clock of this program.
    live: HashMap<GatewayId, Timestamp>,
    heard_at: Option<Timestamp>,
    run: Option<String>,
}

impl std::fmt::Debug for Recount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recount({} open)", self.open.len())
    }
}

impl Recount {
    #[must_use]
    pub fn new(app: App, redis: Lasting) -> Self {
        let counters = Counters::new(redis);
        let (open, live) = (HashSet::new(), HashMap::new());
        Self { app, counters, open, looked_at: None, live, heard_at: None, run: None }
    }

    pub(super) const fn app(&self) -> &App {
        &self.app
    }

    pub(super) const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Looks at the orgs that gateways told of, now and then at all of them, and completes those
    /// whose time has come. Says how many are left incomplete.
    ///
    /// # Errors
    /// Postgres or Redis cannot be reached.
    pub async fn step(&mut self) -> Result<usize, RecountError> {
        self.bury().await?;
        let told = self.counters.told().await?;
        self.open.extend(told.iter().filter_map(|text| text.parse::<OrgId>().ok()));
        let run = self.counters.run().await?;
        let another = self.run.as_ref() != Some(&run);
        if another || self.looked_at.is_none_or(|at| at.elapsed() >= ALL) {
            self.open.extend(self.all_orgs().await?);
            (self.looked_at, self.run) = (Some(Instant::now()), Some(run));
        }
        self.hear().await?;
        let orgs: Vec<OrgId> = self.open.iter().copied().collect();
        let this = &*self;
        let done: Vec<Option<OrgId>> = stream::iter(orgs)
            .map(|org| async move {
                let complete = this.complete(org).await?;
                Ok::<_, RecountError>(complete.then_some(org))
            })
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await?;
        for org in done.into_iter().flatten() {
            self.open.remove(&org);
            if told.contains(&org.to_string()) {
                self.counters.heard(&org.to_string()).await?;
            }
        }
        Ok(self.open.len())
    }

    pub(super) async fn all_orgs(&self) -> sqlx::Result<Vec<OrgId>> {
        let mut tx = self.app.system_tx("recount", "look for counters that are incomplete").await?;
        let orgs = sqlx::query_scalar!(r#"select id as "id: OrgId" from orgs"#)
            .fetch_all(tx.conn())
            .await?;
        tx.commit().await?;
        Ok(orgs)
    }

    async fn hear(&mut self) -> Result<(), RecountError> {
        let now = self.app.clock.now();
        let live = self.counters.live(now).await?;
        // While nobody looked, they may have been silent.
        let looked_away = self
            .heard_at
            .replace(now)
            .is_none_or(|at| now.signed_duration_since(at).num_milliseconds() > PAUSE_MS);
        self.live.retain(|gateway, _| !looked_away && live.contains(gateway));
        for gateway in live {
            self.live.entry(gateway).or_insert(now);
        }
        Ok(())
    }

    /// Whether a gateway need not be waited for: it speaks for itself.
    fn speaks(&self, gateway: &GatewayId) -> bool {
        let now = self.app.clock.now();
        self.live
            .get(gateway)
            .is_some_and(|since| now.signed_duration_since(*since).num_milliseconds() >= RETURN_MS)
    }

    /// Whether an org is complete, or was completed now.
    async fn complete(&self, org: OrgId) -> Result<bool, RecountError> {
        let Look::Incomplete { for_ms, now_ms, known } = self.counters.look(org).await? else {
            return Ok(true);
        };
        if for_ms < RECOUNT_MS {
            return Ok(false);
        }
        let now = Timestamp::from_timestamp_millis(now_ms).unwrap_or_default();
        let Some(least) = self.least(org, now, for_ms).await? else { return Ok(false) };
        let done = self.counters.complete(org, &known, &least).await?;
        if done {
            tracing::info!(%org, counters = least.len(), "the counters of limits are complete again");
        }
        Ok(done)
    }

    /// What the counters must hold; `None` while a gateway is waited for.
    async fn least(
        &self,
        org: OrgId,
        now: Timestamp,
        for_ms: i64,
    ) -> Result<Option<Vec<Least>>, RecountError> {
        let mut tx = self.app.system_tx("recount", "sum up what calls used of limits").await?;
        let mut served = used::served_lately(&mut tx, org, self.app.clock.now()).await?;
        if !served.is_empty() && for_ms < LOST_MS {
            let silenced = self.counters.silenced().await?;
            served.retain(|gateway| !silenced.contains(gateway) && !self.speaks(gateway));
            if !served.is_empty() {
                tx.commit().await?;
                return Ok(None);
            }
        }
        // An org with many events takes its time; nobody else waits for it.
        sqlx::query!("select set_config('statement_timeout', '5min', true)")
            .fetch_one(tx.conn())
            .await?;
        let limits = used::limits(&mut tx, org).await?;
        let mut slides = HashMap::new();
        for key in used::sliding_keys(org, &limits) {
            let fields = self.counters.slides(&key).await?;
            let gateway = |field: &String| field.split(':').next().map(str::to_owned);
            slides.insert(key, fields.iter().filter_map(gateway).collect());
        }
        let least = used::least(&mut tx, org, &limits, now, &slides).await?;
        tx.commit().await?;
        Ok(Some(least))
    }

    /// Marks orgs that gateways are about to hear of for the first time: nothing of them was ever
    /// counted. Others are left alone.
    ///
    /// # Errors
    /// Postgres or Redis cannot be reached.
    pub async fn welcome(&self, tx: &mut SystemTx, orgs: &[OrgId]) -> Result<(), RecountError> {
        for org in orgs {
            if self.counters.is_published(*org).await? {
                continue;
            }
            let used = sqlx::query_scalar!(
                r#"select exists (select from usage_events
                     where org_id = $1 and details is not null) as "used!""#,
                org.0
            )
            .fetch_one(tx.conn())
            .await?;
            if !used {
                self.counters.welcome(*org).await?;
            }
        }
        Ok(())
    }
}

/// Completes counters until `stop`. Neither a lost Postgres nor a lost Redis ends it.
pub async fn run(mut recount: Recount, stop: CancellationToken) {
    let mut failing = false;
    while !stop.is_cancelled() {
        match recount.step().await {
            Ok(_) => failing = false,
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "counters stay incomplete until this is over");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}
