//! Reservations that are alive: how many, since when, how much money they hold. One that never
//! ends would be a leak, and is seen here.

use contract::Timestamp;
use contract::money::Nanos;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const SHARDS: usize = 16;

/// All that are alive in this gateway. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Live(Arc<Shards>);

#[derive(Debug, Default)]
struct Shards {
    next: AtomicU64,
    /// By the order in which they began.
    shards: [Mutex<BTreeMap<u64, (Timestamp, Nanos)>>; SHARDS],
}

/// What is reserved at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reserved {
    pub reservations: u64,
    /// When the oldest began.
    pub since: Option<Timestamp>,
    pub held: Nanos,
}

impl Reserved {
    /// How long the oldest has held what it holds.
    #[must_use]
    pub fn oldest_ms(&self, now: Timestamp) -> u64 {
        let age = self.since.map(|since| now.signed_duration_since(since).num_milliseconds());
        u64::try_from(age.unwrap_or(0)).unwrap_or(0)
    }
}

impl Live {
    /// One more is alive until what this gives is dropped.
    pub fn enter(&self, now: Timestamp, money: Nanos) -> Alive {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let alive = Alive { number, live: self.clone() };
        alive.with(|shard| shard.insert(number, (now, money)));
        alive
    }

    pub fn reserved(&self) -> Reserved {
        let mut sum = Reserved::default();
        for shard in &self.0.shards {
            for (since, held) in shard.lock().unwrap_or_else(PoisonError::into_inner).values() {
                sum.reservations += 1;
                sum.since = Some(sum.since.map_or(*since, |oldest| oldest.min(*since)));
                sum.held = Nanos(sum.held.0.saturating_add(held.0));
            }
        }
        sum
    }
}

/// That a reservation is alive.
#[derive(Debug)]
pub(super) struct Alive {
    number: u64,
    live: Live,
}

impl Alive {
    /// It holds so much money now.
    pub fn holds(&self, money: Nanos) {
        self.with(|shard| {
            if let Some((_, held)) = shard.get_mut(&self.number) {
                *held = money;
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<u64, (Timestamp, Nanos)>) -> T) {
        let place = usize::try_from(self.number).unwrap_or(0) % SHARDS;
        if let Some(shard) = self.live.0.shards.get(place) {
            work(&mut shard.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.with(|shard| shard.remove(&self.number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alive_is_told_until_it_ends_and_its_age_is_that_of_the_oldest() {
        let live = Live::default();
        let at = |ms| Timestamp::from_timestamp_millis(ms).unwrap();
        let one = live.enter(at(1_000), Nanos(5));
        let others: Vec<Alive> = (2..20).map(|n| live.enter(at(n * 1_000), Nanos(1))).collect();
        one.holds(Nanos(7));
        let now = live.reserved();
        assert_eq!(
            (now.reservations, now.held, now.oldest_ms(at(30_000))),
            (19, Nanos(25), 29_000)
        );
        drop(one);
        assert_eq!(live.reserved().oldest_ms(at(30_000)), 28_000);
        drop(others);
        assert_eq!(live.reserved(), Reserved::default());
        assert_eq!(live.reserved().oldest_ms(at(30_000)), 0);
    }
}
