//! What all allowances of one org share: until when they may be used without a word from Redis,
//! what time it is there, and whether the counters there are complete.

use crate::clock::Clock;
use contract::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// What is in hand is worth nothing when Redis was not heard of for this long, in milliseconds:
/// from then on somebody else may have been given it.
pub(super) const LEASE_MS: i64 = 5_000;
/// Redis is asked again when a lease that is needed has less than this left.
const RENEW_MS: i64 = 3_000;
/// What reading two clocks in whole milliseconds may hide.
const ROUNDING_MS: i64 = 2;
/// A finer reading of the time of Redis gives way to a coarser one that is this much newer.
const READING_MS: i64 = 1_000;
const UNKNOWN: i64 = i64::MIN;
/// A gateway that is new on the roll may not have been seen there by whoever completes counts: so soon,
/// in milliseconds, it has nothing in hand again. They look more often than that, and wait longer.
const NEW_MS: i64 = 1_000;
/// One that was not on the roll for so long, in milliseconds, is new there.
const ABSENT_MS: i64 = 2_500;

/// Until when this gateway is on the roll, and so may use what it has in hand.
#[derive(Debug)]
pub(super) struct Roll {
    until_ms: AtomicI64,
    since_ms: AtomicI64,
    written_ms: AtomicI64,
}

impl Default for Roll {
    /// Nobody calls the roll.
    fn default() -> Self {
        let [since_ms, written_ms] = [UNKNOWN; 2].map(AtomicI64::new);
        Self { until_ms: AtomicI64::new(i64::MAX), since_ms, written_ms }
    }
}

impl Roll {
    /// It was written down; asked for at `sent_ms`.
    pub fn written(&self, sent_ms: i64) {
        let absent_ms = sent_ms.saturating_sub(self.written_ms.load(Ordering::Relaxed));
        if absent_ms > ABSENT_MS {
            self.since_ms.store(sent_ms, Ordering::Relaxed);
        }
        self.written_ms.store(sent_ms, Ordering::Relaxed);
        let there_ms = sent_ms.saturating_sub(self.since_ms.load(Ordering::Relaxed));
        let lasts_ms = if there_ms < NEW_MS { NEW_MS } else { LEASE_MS };
        self.until_ms.store(sent_ms.saturating_add(lasts_ms), Ordering::Relaxed);
    }

    /// It could not be written down, and what was before counts for as long as it would have.
    pub fn missed(&self, now_ms: i64) {
        if self.written_ms.load(Ordering::Relaxed) == UNKNOWN {
            self.until_ms.store(now_ms, Ordering::Relaxed);
        }
    }

    /// Whether it should be written down again before anything is drawn.
    pub fn is_ending(&self, now_ms: i64) -> bool {
        now_ms.saturating_add(NEW_MS / 2) >= self.until_ms.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(super) struct Lease {
    clock: Clock,
    roll: Arc<Roll>,
    until_ms: AtomicI64,
    /// The time of Redis less the steady clock: at least, and at most. Each holds on its own.
    low: AtomicI64,
    high: AtomicI64,
    read_at_ms: AtomicI64,
    gateways: AtomicI64,
    /// Goes up when counters were lost: every allowance says again what it has.
    losses: AtomicU64,
    incomplete: AtomicBool,
    #[cfg(test)]
    endless: AtomicBool,
    #[cfg(test)]
    trusts_the_wall: AtomicBool,
}

/// An instant: on this gateway's steady clock, and between which two on that of Redis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub steady_ms: i64,
    pub low_ms: i64,
    pub high_ms: i64,
    /// Whether what is in hand may be used.
    pub live: bool,
}

impl Lease {
    pub fn new(clock: Clock, roll: Arc<Roll>) -> Self {
        Self {
            clock,
            roll,
            until_ms: AtomicI64::new(UNKNOWN),
            low: AtomicI64::new(UNKNOWN),
            high: AtomicI64::new(UNKNOWN),
            read_at_ms: AtomicI64::new(UNKNOWN),
            gateways: AtomicI64::new(1),
            losses: AtomicU64::new(0),
            incomplete: AtomicBool::new(false),
            #[cfg(test)]
            endless: AtomicBool::new(false),
            #[cfg(test)]
            trusts_the_wall: AtomicBool::new(false),
        }
    }

    /// Leaves out the lease, to see that somebody notices.
    #[cfg(test)]
    pub fn never_ends(&self) {
        self.until_ms.store(i64::MAX, Ordering::Relaxed);
        self.endless.store(true, Ordering::Relaxed);
    }

    /// Leaves out the time of Redis, to see that somebody notices.
    #[cfg(test)]
    pub fn trusts_the_wall(&self) {
        self.trusts_the_wall.store(true, Ordering::Relaxed);
    }

    /// `wall` serves until Redis has said what time it is.
    pub fn moment(&self, wall: Timestamp) -> Moment {
        let steady_ms = self.clock.steady_ms();
        let low = self.low.load(Ordering::Relaxed);
        let until_ms = self.until_ms.load(Ordering::Relaxed);
        let on_roll = steady_ms < self.roll.until_ms.load(Ordering::Relaxed);
        #[cfg(test)]
        let on_roll = on_roll || self.endless.load(Ordering::Relaxed);
        let live = steady_ms < until_ms && on_roll;
        #[cfg(test)]
        if self.trusts_the_wall.load(Ordering::Relaxed) {
            let wall_ms = wall.timestamp_millis();
            return Moment { steady_ms, low_ms: wall_ms, high_ms: wall_ms, live };
        }
        if low == UNKNOWN {
            let wall_ms = wall.timestamp_millis();
            return Moment { steady_ms, low_ms: wall_ms, high_ms: wall_ms, live: false };
        }
        Moment {
            steady_ms,
            low_ms: steady_ms.saturating_add(low),
            high_ms: steady_ms.saturating_add(self.high.load(Ordering::Relaxed)),
            live,
        }
    }

    /// Whether an answer to what was sent then is worth nothing any more, as what is in hand would
    /// be: this process stood still meanwhile.
    pub fn is_too_late(&self, sent_ms: i64) -> bool {
        self.clock.steady_ms().saturating_sub(sent_ms) >= LEASE_MS
    }

    /// Takes up what an answer says that was asked for at `sent_ms` and is here now.
    pub fn heard(&self, sent_ms: i64, redis_ms: i64, gateways: i64, counted: bool) {
        let now_ms = self.clock.steady_ms();
        let low = redis_ms.saturating_sub(now_ms);
        let high = redis_ms.saturating_sub(sent_ms).saturating_add(ROUNDING_MS);
        let (old_low, old_high) =
            (self.low.load(Ordering::Relaxed), self.high.load(Ordering::Relaxed));
        let finer = high.saturating_sub(low) <= old_high.saturating_sub(old_low);
        let apart = low > old_high || high < old_low;
        let old = now_ms.saturating_sub(self.read_at_ms.load(Ordering::Relaxed)) >= READING_MS;
        if finer || apart || old || old_low == UNKNOWN {
            self.high.store(high, Ordering::Relaxed);
            self.low.store(low, Ordering::Relaxed);
            self.read_at_ms.store(now_ms, Ordering::Relaxed);
        }
        self.until_ms.fetch_max(sent_ms.saturating_add(LEASE_MS), Ordering::Relaxed);
        self.gateways.store(gateways.max(1), Ordering::Relaxed);
        if !self.incomplete.swap(!counted, Ordering::Relaxed) && !counted {
            self.lost();
        }
    }

    /// Counters may have been lost: everything is to be said again.
    pub fn lost(&self) {
        self.losses.fetch_add(1, Ordering::Relaxed);
    }

    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::Relaxed)
    }

    /// Whether Redis said last that its counts may be incomplete.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete.load(Ordering::Relaxed)
    }

    /// Whether Redis should be asked, if only to be allowed to go on.
    pub fn is_ending(&self, now: Moment) -> bool {
        now.steady_ms.saturating_add(RENEW_MS) >= self.until_ms.load(Ordering::Relaxed)
    }

    /// The gateways that drew for this org lately, this one included.
    pub fn gateways(&self) -> i64 {
        self.gateways.load(Ordering::Relaxed)
    }
}
