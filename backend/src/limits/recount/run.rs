//! The loop that watches for orgs whose counters are incomplete, and one step of it.

use super::counters::{Counters, Least, Look};
use super::roll::Roll;
use super::{LOST_MS, RECOUNT_MS, used};
use crate::app::App;
use crate::db::{SystemTx, Tx as _};
use contract::Timestamp;
use contract::id::{GatewayId, OrgId};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use redis::RedisError;
use redis_link::Lasting;
use std::collections::HashMap;
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
    /// Orgs that are known to be incomplete; of those looked at, what was known then, and which word
    /// was called since.
    open: HashMap<OrgId, Option<Loss>>,
    looked_at: Option<Instant>,
    roll: Roll,
    run: Option<String>,
}

/// One loss of an org's counters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Loss {
    known: String,
    /// The word that gateways answer when they have said again what they have.
    word: u64,
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
        let open = HashMap::new();
        Self { app, counters, open, looked_at: None, roll: Roll::new(), run: None }
    }

    pub(super) const fn app(&self) -> &App {
        &self.app
    }

    /// Nobody waits any more for a gateway that is gone.
    pub(super) fn left(&mut self, gateway: GatewayId) {
        self.roll.left(gateway);
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
        self.step_at(Instant::now()).await
    }

    /// The same, at an instant that a test sets; they must not go back.
    ///
    /// # Errors
    /// Postgres or Redis cannot be reached.
    pub async fn step_at(&mut self, now: Instant) -> Result<usize, RecountError> {
        let run = self.counters.run().await?;
        self.look_at_roll(&run, now).await?;
        self.bury().await?;
        let told = self.counters.told().await?;
        self.note(told.iter().filter_map(|text| text.parse::<OrgId>().ok()));
        let another = self.run.as_ref() != Some(&run);
        let old = self.looked_at.is_none_or(|at| now.duration_since(at) >= ALL);
        if another || old {
            let all = self.all_orgs().await?;
            self.note(all);
            (self.looked_at, self.run) = (Some(now), Some(run));
        }
        for org in self.complete_all(now).await? {
            self.open.remove(&org);
            if told.contains(&org.to_string()) {
                self.counters.heard(&org.to_string()).await?;
            }
        }
        let wanted = self.open.values().flatten().map(|loss| loss.word).max();
        if let Some(word) = wanted.and_then(|wanted| self.roll.call(wanted, now)) {
            self.counters.call(&word).await?;
        }
        Ok(self.open.len())
    }

    fn note(&mut self, orgs: impl IntoIterator<Item = OrgId>) {
        for org in orgs {
            self.open.entry(org).or_default();
        }
    }

    async fn look_at_roll(&mut self, run: &str, now: Instant) -> Result<(), RecountError> {
        if let Some(all) = self.roll.look(&self.counters.roll().await?, run, now) {
            self.counters.mark_roll(&all, run).await?;
        }
        let gone = self.roll.forget(now);
        if !gone.is_empty() {
            self.counters.strike(&gone).await?;
        }
        Ok(())
    }

    /// Orgs that are complete, or were completed now. Notes the losses of others.
    async fn complete_all(&mut self, now: Instant) -> Result<Vec<OrgId>, RecountError> {
        let orgs: Vec<OrgId> = self.open.keys().copied().collect();
        let this = &*self;
        let looks: Vec<(OrgId, Look)> = stream::iter(orgs)
            .map(|org| async move { Ok::<_, RecountError>((org, this.counters.look(org).await?)) })
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await?;
        let word = self.roll.next();
        let mut done = Vec::new();
        let mut due = Vec::new();
        for (org, look) in looks {
            let Look::Incomplete { for_ms, now_ms, known } = look else {
                done.push(org);
                continue;
            };
            let loss = self.open.entry(org).or_default();
            if loss.as_ref().is_none_or(|loss| loss.known != known) {
                *loss = Some(Loss { known, word });
            } else if let Some(loss) = loss.clone().filter(|_| for_ms >= RECOUNT_MS) {
                due.push((org, loss, for_ms, now_ms));
            }
        }
        let this = &*self;
        let completed: Vec<Option<OrgId>> = stream::iter(due)
            .map(|(org, loss, for_ms, now_ms)| async move {
                let at = Timestamp::from_timestamp_millis(now_ms).unwrap_or_default();
                let complete = this.complete(org, &loss, (for_ms, at), now).await?;
                Ok::<_, RecountError>(complete.then_some(org))
            })
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await?;
        done.extend(completed.into_iter().flatten());
        Ok(done)
    }

    pub(super) async fn all_orgs(&self) -> sqlx::Result<Vec<OrgId>> {
        let mut tx = self.app.system_tx("recount", "look for counters that are incomplete").await?;
        let orgs = sqlx::query_scalar!(r#"select id as "id: OrgId" from orgs"#)
            .fetch_all(tx.conn())
            .await?;
        tx.commit().await?;
        Ok(orgs)
    }

    /// Whether an org was completed now.
    async fn complete(
        &self,
        org: OrgId,
        loss: &Loss,
        (for_ms, at): (i64, Timestamp),
        now: Instant,
    ) -> Result<bool, RecountError> {
        if for_ms < LOST_MS && !self.roll.is_answered(loss.word, now) {
            return Ok(false);
        }
        let Some(least) = self.least(org, loss, for_ms, at).await? else { return Ok(false) };
        let done = self.counters.complete(org, &loss.known, &least).await?;
        if done {
            tracing::info!(%org, counters = least.len(), "the counters of limits are complete again");
        }
        Ok(done)
    }

    /// What the counters must hold; `None` while a gateway is waited for.
    async fn least(
        &self,
        org: OrgId,
        loss: &Loss,
        for_ms: i64,
        now: Timestamp,
    ) -> Result<Option<Vec<Least>>, RecountError> {
        let mut tx = self.app.system_tx("recount", "sum up what calls used of limits").await?;
        let mut served = used::served_lately(&mut tx, org, self.app.clock.now()).await?;
        served.retain(|gateway| !self.roll.speaks(*gateway, loss.word));
        if !served.is_empty() && for_ms < LOST_MS {
            tx.commit().await?;
            return Ok(None);
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
