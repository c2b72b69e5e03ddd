//! Every allowance of this gateway, by limit and subject, in shards whose locks are held for a
//! look-up only.

use super::Caller;
use super::allowance::{Allowance, Remains};
use super::draw::Request;
use super::lease::{Lease, Roll};
use crate::clock::Clock;
use crate::fold::{Fold, Folded};
use contract::Timestamp;
use contract::id::{LimitId, OrgId};
use contract::snapshot::{LimitRecord, LimitScope};
use std::collections::HashMap;
use std::hash::Hasher as _;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::WeakSender;
use uuid::Uuid;

const SHARDS: usize = 64;

#[derive(Debug, Default)]
struct Shard {
    allowances: HashMap<(LimitId, Uuid), Arc<Allowance>, Folded>,
    /// What those used that were forgotten in windows that are not over.
    remains: HashMap<(LimitId, Uuid), (Arc<Lease>, Remains), Folded>,
}

#[derive(Debug)]
pub(super) struct Book {
    shards: [Mutex<Shard>; SHARDS],
    leases: Mutex<HashMap<OrgId, Arc<Lease>, Folded>>,
    pub roll: Arc<Roll>,
    clock: Clock,
    draws: WeakSender<Request>,
}

impl Book {
    pub fn new(clock: Clock, draws: WeakSender<Request>) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { shards, leases: Mutex::default(), roll: Arc::default(), clock, draws }
    }

    /// The lease on everything that is drawn for an org.
    pub fn lease(&self, org: OrgId) -> Arc<Lease> {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Lease::new(self.clock.clone(), Arc::clone(&self.roll)));
        Arc::clone(leases.entry(org).or_insert_with(make))
    }

    /// Redis may have lost counters: every allowance is to say again what it has.
    pub fn lost(&self) {
        for lease in self.leases.lock().unwrap_or_else(PoisonError::into_inner).values() {
            lease.lost();
        }
    }

    /// Whether the counters have been told of everything since they were last said to be lost.
    pub fn is_told(&self) -> bool {
        self.shards.iter().all(|shard| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.allowances.values().all(|allowance| allowance.is_told())
        })
    }

    /// The allowance of `limit` for `caller`, made when it is the first time.
    pub fn allowance(
        &self,
        limit: &Arc<LimitRecord>,
        caller: &Caller<'_>,
        now: Timestamp,
    ) -> Arc<Allowance> {
        let whose = subject(limit, caller);
        let mut hasher = Fold::default();
        hasher.write(limit.id.0.as_bytes());
        hasher.write(whose.as_bytes());
        let make = |former: Option<Remains>| {
            let text = subject_text(limit, caller);
            let lease = self.lease(caller.org_id);
            let moment = lease.moment(now);
            let ways = (lease, self.draws.clone());
            Arc::new(Allowance::new(caller.org_id, text, limit, moment, ways, former))
        };
        let place = usize::try_from(hasher.finish() >> 40).unwrap_or(0) % SHARDS;
        match self.shards.get(place) {
            Some(shard) => {
                let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                let Shard { allowances, remains } = &mut *shard;
                let key = (limit.id, whose);
                let first = || make(remains.remove(&key).map(|(_, former)| former));
                Arc::clone(allowances.entry(key).or_insert_with(first))
            }
            None => make(None),
        }
    }

    /// Forgets what is over, and lists what the counters should hear of; with `all`, everything.
    pub fn sweep(&self, now: Timestamp, all: bool) -> Vec<Arc<Allowance>> {
        let mut due = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let Shard { allowances, remains } = &mut *shard;
            remains.retain(|_, (lease, former)| !former.is_over(lease.moment(now)));
            allowances.retain(|key, one| {
                let moment = one.lease.moment(now);
                // One that a call holds is kept: two of the same would draw twice.
                let kept = Arc::strong_count(one) > 1 || !one.is_over(moment);
                if !kept && let Some(former) = one.remains().filter(|f| !f.is_over(moment)) {
                    remains.insert(*key, (Arc::clone(&one.lease), former));
                }
                kept
            });
            let wants = |one: &&Arc<Allowance>| all || one.wants_sync(one.lease.moment(now));
            due.extend(allowances.values().filter(wants).cloned());
        }
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.retain(|_, lease| Arc::strong_count(lease) > 1);
        due
    }
}

/// Whose use a limit counts.
fn subject(limit: &LimitRecord, caller: &Caller<'_>) -> Uuid {
    match limit.scope {
        // An org's own: all its subscriptions on the plan together.
        LimitScope::Plan(id) if limit.org_id.is_some() => id.0,
        LimitScope::Org(id) => id.0,
        LimitScope::Team(id) => id.0,
        LimitScope::App(id) => id.0,
        LimitScope::Key(id) => id.0,
        LimitScope::Plan(_) => caller.subscription_id.0,
    }
}

/// The same, as the counter's name says it.
fn subject_text(limit: &LimitRecord, caller: &Caller<'_>) -> Box<str> {
    match limit.scope {
        LimitScope::Plan(id) if limit.org_id.is_some() => id.to_string(),
        LimitScope::Org(id) => id.to_string(),
        LimitScope::Team(id) => id.to_string(),
        LimitScope::App(id) => id.to_string(),
        LimitScope::Key(id) => id.to_string(),
        LimitScope::Plan(_) => caller.subscription_id.to_string(),
    }
    .into()
}
