//! One step of publishing: give versions, build records, bring them to Redis, forget the rows.

use super::load;
use super::target::{Target, TargetError};
use crate::app::App;
use crate::db::{SystemTx, Tx as _};
use crate::limits::recount::{Recount, RecountError};
use contract::channel::Change;
use contract::id::OrgId;
use contract::snapshot::{Kind, Record};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Changes sent in one go.
const BATCH: i64 = 500;

/// Why a step was not finished. The next one takes up where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Recount(#[from] RecountError),
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Redis is up to date, at this version.
    Idle(u64),
    /// Changes up to this version were sent; there may be more.
    Applied(u64),
    /// Everything was sent under this version.
    Rebuilt(u64),
    /// Another publisher is at work.
    Busy,
}

/// The publisher. Several may run; only one works at a time.
#[derive(Debug, Clone)]
pub struct Publisher {
    app: App,
    target: Target,
    recount: Recount,
}

/// What Postgres knows of publishing.
struct Position {
    /// The newest version given.
    given: u64,
    /// The oldest version given and not yet forgotten.
    oldest_open: Option<u64>,
}

impl Publisher {
    #[must_use]
    pub fn new(app: App, target: Target) -> Self {
        let recount = Recount::new(app.clone(), target.link());
        Self { app, target, recount }
    }

    /// Does the next thing there is to do.
    ///
    /// # Errors
    /// Postgres or Redis cannot be reached. Nothing is lost; call again.
    pub async fn step(&mut self) -> Result<Step, PublishError> {
        self.give_versions().await?;
        // What Postgres and Redis say is compared while no other publisher can move either.
        let Some(mut tx) = self.lead("send changes to gateways").await? else {
            return Ok(Step::Busy);
        };
        let position = position(&mut tx).await?;
        let sent = self.target.version().await?;
        // Everything below the oldest open version was brought to Redis once, so it must be there.
        let expected =
            position.oldest_open.map_or(position.given, |oldest| oldest.saturating_sub(1));
        match sent {
            Some(sent) if sent >= expected && sent <= position.given => {
                if position.oldest_open.is_none() {
                    tx.commit().await?;
                    return Ok(Step::Idle(sent));
                }
                self.send(tx, sent).await
            }
            other => {
                if expected == 0 {
                    // Nothing was ever published, so nothing was ever counted.
                    let all = load::records(&mut tx, Kind::Org, None).await?;
                    self.recount.welcome(&mut tx, &orgs(&all)).await?;
                }
                tx.commit().await?;
                tracing::warn!(
                    redis = other,
                    postgres = position.given,
                    "redis does not hold what was published; publishing everything again"
                );
                self.rebuild(other).await
            }
        }
    }

    /// Publishes everything again, whatever Redis holds.
    ///
    /// # Errors
    /// As [`Publisher::step`].
    pub async fn rebuild_now(&mut self) -> Result<Step, PublishError> {
        let sent = self.target.version().await?;
        self.rebuild(sent).await
    }

    /// A transaction that holds the publisher's place; `None` when another publisher does. End it
    /// with a commit also when nothing was written: a dropped one is rolled back some time later,
    /// and holds the place until then.
    async fn lead(&self, reason: &'static str) -> Result<Option<SystemTx>, PublishError> {
        let mut tx = self.app.system_tx("publisher", reason).await?;
        let leads = sqlx::query_scalar!(
            r#"select pg_try_advisory_xact_lock(hashtextextended('publisher', 0)) as "leads!""#
        )
        .fetch_one(tx.conn())
        .await?;
        Ok(leads.then_some(tx))
    }

    /// Gives versions to new rows and commits that, before anything is sent under them.
    async fn give_versions(&self) -> Result<(), PublishError> {
        let Some(mut tx) = self.lead("give changes their versions").await? else { return Ok(()) };
        sqlx::query!(
            "with base as (select version from config_versions for update),
               fresh as (select seq, row_number() over (order by seq) as nth
                 from (select seq from outbox where version is null order by seq limit $1) oldest),
               given as (update outbox set version = base.version + fresh.nth
                 from fresh, base where outbox.seq = fresh.seq returning outbox.version)
             update config_versions
             set version = (select max(version) from given)
             where exists (select from given)",
            BATCH,
        )
        .execute(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sends the changes after `sent`, and forgets those up to it.
    async fn send(&mut self, mut tx: SystemTx, sent: u64) -> Result<Step, PublishError> {
        let changes = changes(&mut tx, sent).await?;
        let last = changes.last().map_or(sent, |change| change.version);
        if !changes.is_empty() {
            let records: Vec<_> = changes.iter().filter_map(|one| one.record.clone()).collect();
            self.recount.welcome(&mut tx, &orgs(&records)).await?;
            self.target.apply(sent, &changes).await?;
        }
        sqlx::query!("delete from outbox where version <= $1", signed(last))
            .execute(tx.conn())
            .await?;
        tx.commit().await?;
        Ok(Step::Applied(last))
    }

    async fn rebuild(&mut self, sent: Option<u64>) -> Result<Step, PublishError> {
        let Some(version) = self.jump(sent).await? else { return Ok(Step::Busy) };
        let Some(mut tx) = self.lead("send everything to gateways").await? else {
            return Ok(Step::Busy);
        };
        self.target.stage_clear().await?;
        for kind in Kind::ALL {
            let records = load::records(&mut tx, *kind, None).await?;
            self.target.stage(version, &records).await?;
        }
        // The removal of an org that never was: harmless even to a reader that would apply it.
        let marker = Change {
            version,
            kind: Kind::Org,
            id: tx.new_id(OrgId::new).to_string(),
            record: None,
            at: tx.now(),
        };
        self.target.replace(sent, &marker).await?;
        // Rows up to this version were committed before it was given, so the records hold them.
        sqlx::query!("delete from outbox where version <= $1", signed(version))
            .execute(tx.conn())
            .await?;
        tx.commit().await?;
        tracing::info!(version, "published everything");
        Ok(Step::Rebuilt(version))
    }

    /// Takes a version above all others, leaving one out: no reader finds it next to its own, so
    /// each reader reloads.
    async fn jump(&self, sent: Option<u64>) -> Result<Option<u64>, PublishError> {
        let Some(mut tx) = self.lead("take a version for everything").await? else {
            return Ok(None);
        };
        let version = sqlx::query_scalar!(
            "update config_versions set version = greatest(version, $1) + 2 returning version",
            signed(sent.unwrap_or(0)),
        )
        .fetch_one(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(Some(version.unsigned_abs()))
    }
}

fn orgs(records: &[Record]) -> Vec<OrgId> {
    let id = |record: &Record| match record {
        Record::Org(org) => Some(org.id),
        _ => None,
    };
    records.iter().filter_map(id).collect()
}

async fn position(tx: &mut SystemTx) -> sqlx::Result<Position> {
    let row = sqlx::query!(
        "select version as given, (select min(version) from outbox) as oldest_open
         from config_versions"
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Position {
        given: row.given.unsigned_abs(),
        oldest_open: row.oldest_open.map(i64::unsigned_abs),
    })
}

/// The next changes after `sent`, built from rows as they are now.
async fn changes(tx: &mut SystemTx, sent: u64) -> sqlx::Result<Vec<Change>> {
    let rows = sqlx::query!(
        r#"select version as "version!", kind, object_id from outbox
           where version > $1 order by version limit $2"#,
        signed(sent),
        BATCH,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut wanted: HashMap<Kind, HashSet<Uuid>> = HashMap::new();
    let mut named = Vec::new();
    for row in rows {
        let kind = Kind::parse(&row.kind)
            .ok_or_else(|| sqlx::Error::Decode(format!("outbox kind `{}`", row.kind).into()))?;
        match load::object_uuid(kind, &row.object_id) {
            Ok(uuid) => {
                wanted.entry(kind).or_default().insert(uuid);
            }
            // Its version must still be sent, or the chain would end here.
            Err(error) => tracing::error!(%error, kind = row.kind, "outbox row names no object"),
        }
        named.push((row.version.unsigned_abs(), kind, row.object_id));
    }
    let mut built: HashMap<String, Record> = HashMap::new();
    for (kind, ids) in wanted {
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let records = load::records(tx, kind, Some(&ids)).await?;
        built.extend(records.into_iter().map(|record| (record.id(), record)));
    }
    let at = tx.now();
    Ok(named
        .into_iter()
        .map(|(version, kind, id)| Change {
            version,
            kind,
            record: built.get(&id).cloned(),
            id,
            at,
        })
        .collect())
}

fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
