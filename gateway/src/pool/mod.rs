//! Pools: providers that are replicas of one model server, among which the gateway chooses itself.
//! What is known of a pool is shared by all threads, outlives changes of the configuration, and is
//! forgotten with its provider. A call has a [`Seat`] at a replica for as long as that works on it;
//! where every replica is full it waits in the pool's line.
//!
//! Read `seat` first (how a call gets one), then `choose`, `line`, `watch` (what goes on beside).

mod choose;
mod drain;
mod fetch;
mod find;
mod kubernetes;
mod line;
mod prefix;
mod replica;
mod score;
mod seat;
mod show;
mod tell;
mod watch;
mod wish;

pub use kubernetes::Cluster;
pub use replica::{Busy, Replica};
pub use seat::{Full, Seat};
pub use show::show;
pub use tell::tell;
pub use watch::watch;
pub use wish::Wish;

use crate::health::Kept;
use arc_swap::ArcSwap;
use contract::id::ProviderId;
use contract::snapshot::{Discovery, PoolPolicy, ProviderRecord, REPLICAS_MAX};
use route::breaker::BreakerRule;
use seat::Room;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Metrics are believed for so many of their intervals, and for a second at least.
const FRESH_INTERVALS: u64 = 3;
const FRESH_MS_MIN: u64 = 1_000;

/// All pools, by provider. Cheap to clone; clones know the same.
#[derive(Debug, Clone, Default)]
pub struct Pools {
    rule: BreakerRule,
    known: Arc<Kept<ProviderId, Pool>>,
}

impl Pools {
    /// Breakers of replicas follow `rule`.
    #[must_use]
    pub fn new(rule: BreakerRule) -> Self {
        Self { rule, known: Arc::default() }
    }

    /// The pool of a provider, the same one as long as anybody holds it, which from now on is as
    /// its record says. `None`: it is none.
    #[must_use]
    pub fn of(&self, provider: &ProviderRecord) -> Option<Arc<Pool>> {
        let policy = provider.pool.as_ref()?;
        let pool = self
            .known
            .of(provider.id, || Pool::new(provider.id, PoolPolicy::clone(policy), self.rule));
        pool.set_policy(policy);
        Some(pool)
    }
}

/// One pool.
#[derive(Debug)]
pub struct Pool {
    pub id: ProviderId,
    rule: BreakerRule,
    policy: ArcSwap<PoolPolicy>,
    /// Those that were found, and those that are found no more but still work on calls.
    replicas: ArcSwap<Vec<Arc<Replica>>>,
    /// The addresses that were found last.
    found: Mutex<Found>,
    room: Mutex<Room>,
    /// The latest instant that anybody told, in milliseconds.
    now_ms: AtomicU64,
    /// Replicas take turns, whatever is known of them.
    turns: AtomicBool,
    turn: AtomicUsize,
}

#[derive(Debug, Default)]
struct Found {
    addresses: Vec<String>,
    fault: Option<String>,
}

impl Pool {
    fn new(id: ProviderId, policy: PoolPolicy, rule: BreakerRule) -> Self {
        Self {
            id,
            rule,
            policy: ArcSwap::from_pointee(policy),
            replicas: ArcSwap::default(),
            found: Mutex::default(),
            room: Mutex::default(),
            now_ms: AtomicU64::new(0),
            turns: AtomicBool::new(false),
            turn: AtomicUsize::new(0),
        }
    }

    #[must_use]
    pub fn policy(&self) -> Arc<PoolPolicy> {
        self.policy.load_full()
    }

    /// Follows the record. A list holds at once; what has to be asked for is asked in the background.
    fn set_policy(&self, policy: &PoolPolicy) {
        let before = self.policy.swap(Arc::new(policy.clone()));
        match &policy.found {
            Discovery::List { addresses } => self.set_found(addresses.clone()),
            // What was found elsewhere says nothing of what is to be found now.
            found if before.found != *found => self.set_found(Vec::new()),
            _ => self.arrange(&lock(&self.found).addresses),
        }
    }

    /// These are the replicas now. Others get no new calls, and are forgotten once they have ended
    /// those they have.
    fn set_found(&self, addresses: Vec<String>) {
        let mut found = lock(&self.found);
        found.fault = None;
        found.addresses = addresses;
        found.addresses.sort_unstable();
        found.addresses.dedup();
        let many = found.addresses.len();
        if many > REPLICAS_MAX {
            found.fault = Some(format!("{many} replicas were found; {REPLICAS_MAX} are used"));
            found.addresses.truncate(REPLICAS_MAX);
        }
        let odd = found.addresses.iter().find(|one| Replica::at(one, self.rule).is_none());
        if let Some(odd) = odd {
            found.fault = Some(format!("{odd:?} is not an address of a replica as host:port"));
        }
        self.arrange(&found.addresses);
    }

    /// Replicas could not be looked for: those that are known stay.
    pub fn not_found(&self, why: String) {
        lock(&self.found).fault = Some(why);
    }

    fn arrange(&self, addresses: &[String]) {
        let policy = self.policy.load();
        let before = self.replicas.load();
        let mut next = Vec::with_capacity(addresses.len());
        for address in addresses {
            let known = before.iter().find(|one| one.address == *address).cloned();
            let made = || Replica::at(address, self.rule).map(Arc::new);
            let Some(replica) = known.or_else(made) else { continue };
            replica.set_takes(!policy.draining.contains(address));
            next.push(replica);
        }
        for one in before.iter().filter(|one| !addresses.contains(&one.address)) {
            one.set_takes(false);
            if one.pulse.in_flight() > 0 {
                next.push(Arc::clone(one));
            }
        }
        self.replicas.store(Arc::new(next));
    }

    /// Forgets replicas that have ended their last calls.
    fn tidy(&self) {
        let found = lock(&self.found);
        let gone = |one: &Arc<Replica>| {
            !one.takes() && one.pulse.in_flight() == 0 && !found.addresses.contains(&one.address)
        };
        if self.replicas.load().iter().any(gone) {
            self.arrange(&found.addresses);
        }
    }

    #[must_use]
    pub fn replicas(&self) -> Arc<Vec<Arc<Replica>>> {
        self.replicas.load_full()
    }

    /// Why replicas could not be found at the last try.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        lock(&self.found).fault.clone()
    }

    /// How long metrics are believed.
    #[must_use]
    pub fn fresh_ms(&self) -> u64 {
        (u64::from(self.policy.load().scrape_ms) * FRESH_INTERVALS).max(FRESH_MS_MIN)
    }

    /// From now on replicas take turns, or are chosen by score again. For benches: what the score is
    /// compared with.
    pub fn take_turns(&self, turns: bool) {
        self.turns.store(turns, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    /// It is so late now.
    fn at(&self, now_ms: u64) {
        self.now_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        lock(&self.room)
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
