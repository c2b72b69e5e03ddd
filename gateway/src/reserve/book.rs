//! Every allowance of this gateway, by limit and subject, in shards whose locks are held for a
//! look-up only.

use super::Caller;
use super::allowance::Allowance;
use super::draw::Request;
use crate::fold::{Fold, Folded};
use contract::Timestamp;
use contract::id::LimitId;
use contract::snapshot::{LimitRecord, LimitScope};
use std::collections::HashMap;
use std::hash::Hasher as _;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::WeakSender;
use uuid::Uuid;

const SHARDS: usize = 64;

type Shard = HashMap<(LimitId, Uuid), Arc<Allowance>, Folded>;

#[derive(Debug)]
pub(super) struct Book {
    shards: [Mutex<Shard>; SHARDS],
    draws: WeakSender<Request>,
}

impl Book {
    pub fn new(draws: WeakSender<Request>) -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), draws }
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
        let make = || {
            let text = subject_text(limit, caller);
            let draws = self.draws.clone();
            Arc::new(Allowance::new(caller.org_id, text, limit, now, draws))
        };
        let place = usize::try_from(hasher.finish() >> 40).unwrap_or(0) % SHARDS;
        match self.shards.get(place) {
            Some(shard) => {
                let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(shard.entry((limit.id, whose)).or_insert_with(make))
            }
            None => make(),
        }
    }

    /// Forgets what is over, and lists what the counters should hear of; with `all`, everything.
    pub fn sweep(&self, now: Timestamp, all: bool) -> Vec<Arc<Allowance>> {
        let mut due = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            // One that a call holds is kept: two of the same would draw twice.
            shard.retain(|_, one| Arc::strong_count(one) > 1 || !one.is_over(now));
            due.extend(shard.values().filter(|one| all || one.wants_sync(now)).cloned());
        }
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
