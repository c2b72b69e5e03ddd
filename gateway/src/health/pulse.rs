//! What is known of one deployment: its breaker, the calls it works on, how long it takes.

use super::PeakAverage;
use route::breaker::{Breaker, BreakerRule, Fitness, Phase};
use route::plan::Seen;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The least time that a probe is given, however quick its deployment used to be.
const PATIENCE_MIN: Duration = Duration::from_secs(5);
/// A probe is given so many times what its deployment used to take.
const PATIENCE: u32 = 4;

#[derive(Debug)]
pub struct Pulse {
    rule: BreakerRule,
    breaker: Mutex<Breaker>,
    /// The breaker's phase, written by who holds it.
    phase: AtomicU64,
    /// Calls that ended well in one second, which the breaker has not been told of: a failure tells
    /// it, and the next second. The second above 32 bits of a number.
    well: AtomicU64,
    last_failed: AtomicBool,
    in_flight: AtomicU32,
    /// Those that the breaker was told of.
    answered: AtomicU64,
    failed: AtomicU64,
    opened: AtomicU64,
    /// From an attempt's beginning to its stream's first content.
    pub first_content: PeakAverage,
    /// From an attempt's beginning to the end of its answer.
    pub answer: PeakAverage,
}

impl Pulse {
    #[must_use]
    pub fn new(rule: BreakerRule) -> Self {
        Self {
            rule,
            breaker: Mutex::new(Breaker::new(rule)),
            phase: AtomicU64::new(Phase::Closed.pack()),
            well: AtomicU64::new(0),
            last_failed: AtomicBool::new(false),
            in_flight: AtomicU32::new(0),
            answered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            first_content: PeakAverage::default(),
            answer: PeakAverage::default(),
        }
    }

    /// What may be sent at this instant.
    #[must_use]
    pub fn fitness(&self, now_ms: u64) -> Fitness {
        self.phase().fitness(&self.rule, now_ms)
    }

    /// What a plan needs to know. Of streams it is the first content that is waited for, of others
    /// the whole answer.
    #[must_use]
    pub fn seen(&self, now_ms: u64, stream: bool) -> Seen {
        let took = if stream { &self.first_content } else { &self.answer };
        Seen {
            fitness: self.fitness(now_ms),
            in_flight: self.in_flight(),
            latency_us: u64::try_from(took.expected(now_ms).as_micros()).unwrap_or(u64::MAX),
        }
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        Phase::unpack(self.phase.load(Ordering::Relaxed))
    }

    /// Whether it answers as far as anybody knows: it did the last time, and has its whole share.
    #[must_use]
    pub fn is_well(&self) -> bool {
        !self.last_failed.load(Ordering::Relaxed) && self.phase() == Phase::Closed
    }

    /// Calls that it works on.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Calls that it answered as it should.
    #[must_use]
    pub fn answered(&self) -> u64 {
        let (_, calls) = unpack(self.well.load(Ordering::Relaxed));
        self.answered.load(Ordering::Relaxed).saturating_add(calls.into())
    }

    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// How often its breaker opened.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Leave to send one call, if it may be sent any; the call that probes an open one has it to
    /// itself.
    #[must_use]
    pub fn enter(self: &Arc<Self>, now_ms: u64) -> Option<Ticket> {
        match self.fitness(now_ms) {
            Fitness::Share(_) => Some(self.enter_anyway()),
            Fitness::Unfit => None,
            Fitness::Probe => self
                .with(now_ms, |breaker| breaker.probe(now_ms))
                .then(|| self.ticket(Some(now_ms))),
        }
    }

    /// Leave to send a call, however it is: where there is no better place.
    #[must_use]
    pub fn enter_anyway(self: &Arc<Self>) -> Ticket {
        self.ticket(None)
    }

    fn ticket(self: &Arc<Self>, probes: Option<u64>) -> Ticket {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Ticket { pulse: Arc::clone(self), probes }
    }

    fn probe_ended(&self, began_ms: u64, now_ms: u64, ok: bool) {
        self.last_failed.store(!ok, Ordering::Relaxed);
        let counted = if ok { &self.answered } else { &self.failed };
        counted.fetch_add(1, Ordering::Relaxed);
        self.with(now_ms, |breaker| breaker.probe_ended(began_ms, now_ms, ok));
    }

    fn ended_well(&self, now_ms: u64) {
        if self.last_failed.load(Ordering::Relaxed) {
            self.last_failed.store(false, Ordering::Relaxed);
        }
        if self.phase() != Phase::Closed {
            self.with(now_ms, |breaker| breaker.record(now_ms, true));
            self.answered.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let second = u32::try_from(now_ms / 1_000).unwrap_or(u32::MAX);
        let mut found = self.well.load(Ordering::Relaxed);
        loop {
            let (at, calls) = unpack(found);
            let next = if at == second { (at, calls.saturating_add(1)) } else { (second, 1) };
            let set = (Ordering::Relaxed, Ordering::Relaxed);
            match self.well.compare_exchange_weak(found, pack(next), set.0, set.1) {
                Ok(_) if at == second || calls == 0 => return,
                Ok(_) => return self.tell(&mut self.lock(), (at, calls)),
                Err(other) => found = other,
            }
        }
    }

    fn ended_badly(&self, now_ms: u64) {
        self.last_failed.store(true, Ordering::Relaxed);
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.with(now_ms, |breaker| breaker.record(now_ms, false));
    }

    /// Changes the breaker, once it knows of all that ended before.
    fn with<T>(&self, now_ms: u64, change: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = self.lock();
        self.tell(&mut breaker, unpack(self.well.swap(0, Ordering::Relaxed)));
        let was_fit = matches!(breaker.fitness(now_ms), Fitness::Share(_));
        let changed = change(&mut breaker);
        if was_fit && matches!(breaker.phase(), Phase::Open { .. }) {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
        self.phase.store(breaker.phase().pack(), Ordering::Relaxed);
        changed
    }

    fn tell(&self, breaker: &mut Breaker, (second, calls): (u32, u32)) {
        breaker.ended_well(u64::from(second) * 1_000, calls);
        self.answered.fetch_add(calls.into(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn pack((second, calls): (u32, u32)) -> u64 {
    (second as u64) << 32 | calls as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves")]
const fn unpack(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

/// One call at a deployment, until it is told how it ended. Dropped untold, it says nothing of the
/// deployment: its caller left, or the request was at fault.
#[derive(Debug)]
pub struct Ticket {
    pulse: Arc<Pulse>,
    /// Since when it probes an open one.
    probes: Option<u64>,
}

impl Ticket {
    /// The deployment did its part.
    pub fn ended_well(mut self, now_ms: u64, took: Duration) {
        self.pulse.answer.add(now_ms, took);
        match self.probes.take() {
            Some(began_ms) => self.pulse.probe_ended(began_ms, now_ms, true),
            None => self.pulse.ended_well(now_ms),
        }
    }

    /// It did not.
    pub fn ended_badly(mut self, now_ms: u64) {
        match self.probes.take() {
            Some(began_ms) => self.pulse.probe_ended(began_ms, now_ms, false),
            None => self.pulse.ended_badly(now_ms),
        }
    }

    /// A stream's content begins.
    pub fn content_begins(&self, now_ms: u64, took: Duration) {
        self.pulse.first_content.add(now_ms, took);
    }

    /// Another place answered sooner. It says nothing of whether the deployment is well, but that it
    /// takes at least so long.
    pub fn overtaken(self, now_ms: u64, took: Duration, stream: bool) {
        let pulse = &self.pulse;
        let awaited = if stream { &pulse.first_content } else { &pulse.answer };
        awaited.add(now_ms, took);
    }

    /// How long a probe is waited for while other places could answer: nobody should wait minutes
    /// to learn that a place is still gone. `None`: as long as for any call.
    #[must_use]
    pub fn patience(&self, stream: bool) -> Option<Duration> {
        let pulse = &self.pulse;
        let used = if stream { pulse.first_content.last() } else { pulse.answer.last() };
        let known = self.probes.is_some() && !used.is_zero();
        known.then(|| used.saturating_mul(PATIENCE).max(PATIENCE_MIN))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.pulse.in_flight.fetch_sub(1, Ordering::Relaxed);
        if let Some(began_ms) = self.probes {
            let mut breaker = self.pulse.lock();
            breaker.probe_was_idle(began_ms);
            self.pulse.phase.store(breaker.phase().pack(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(3);

    fn pulse() -> Arc<Pulse> {
        Arc::new(Pulse::new(BreakerRule::default()))
    }

    fn fail(pulse: &Arc<Pulse>, now_ms: u64, times: usize) {
        (0..times).for_each(|_| pulse.enter_anyway().ended_badly(now_ms));
    }

    fn succeed(pulse: &Arc<Pulse>, now_ms: u64, times: usize) {
        (0..times).for_each(|_| pulse.enter_anyway().ended_well(now_ms, SHORT));
    }

    #[test]
    fn a_success_between_failures_counts_although_the_breaker_hears_of_it_later() {
        let pulse = pulse();
        for _ in 0..5 {
            fail(&pulse, 1_000, 1);
            succeed(&pulse, 1_000, 2);
        }
        assert!(pulse.is_well() && pulse.fitness(1_000) == Fitness::Share(100));
        assert_eq!((pulse.answered(), pulse.failed(), pulse.opened()), (10, 5, 0));
        // Many seconds that went well are told one by one, and the window is not full of them.
        (2..30).for_each(|second| succeed(&pulse, second * 1_000, 1_000));
        assert_eq!(pulse.answered(), 28_010);
        fail(&pulse, 30_000, 5);
        assert_eq!((pulse.fitness(30_000), pulse.opened()), (Fitness::Unfit, 1));
        assert!(!pulse.is_well());
    }

    #[test]
    fn an_open_one_is_entered_by_one_probe_which_closes_it_or_leaves_it_as_it_was() {
        let pulse = pulse();
        fail(&pulse, 1_000, 5);
        assert!(pulse.enter(5_999).is_none());
        let probe = pulse.enter(6_000).unwrap();
        assert!(pulse.enter(6_000).is_none() && pulse.in_flight() == 1);
        drop(probe);
        let probe = pulse.enter(6_001).unwrap();
        probe.ended_badly(7_002);
        assert!(pulse.enter(11_000).is_none());
        pulse.enter(11_001).unwrap().ended_well(11_003, SHORT);
        assert_eq!(pulse.phase(), Phase::Recovering { since_ms: 11_003 });
        assert!(pulse.enter(11_004).is_some());
        assert_eq!((pulse.in_flight(), pulse.opened()), (0, 1));
        assert_eq!((pulse.answered(), pulse.failed()), (1, 6));
    }

    #[test]
    fn a_probe_is_waited_for_as_its_deployment_used_to_take() {
        let pulse = pulse();
        succeed(&pulse, 0, 1);
        let answer = Duration::from_secs(3);
        pulse.enter_anyway().ended_well(0, answer);
        fail(&pulse, 1_000, 5);
        let probe = pulse.enter(6_000).unwrap();
        assert_eq!(probe.patience(false), Some(answer * 4));
        assert_eq!(probe.patience(true), None, "nobody knows how long its streams take");
        assert_eq!(pulse.enter_anyway().patience(false), None);
    }

    #[test]
    fn what_is_waited_for_is_what_makes_a_place_slow() {
        let pulse = pulse();
        let ticket = pulse.enter(0).unwrap();
        ticket.content_begins(0, Duration::from_millis(20));
        ticket.ended_well(0, Duration::from_millis(900));
        let _working = pulse.enter(0).unwrap();
        let fitness = Fitness::Share(100);
        for (stream, latency_us) in [(true, 20_000), (false, 900_000)] {
            assert_eq!(pulse.seen(0, stream), Seen { fitness, in_flight: 1, latency_us });
        }
    }

    #[test]
    fn one_that_was_overtaken_is_slow_and_neither_well_nor_unwell() {
        let pulse = pulse();
        pulse.enter(0).unwrap().overtaken(0, Duration::from_millis(700), true);
        assert_eq!(pulse.seen(0, true).latency_us, 700_000);
        assert_eq!((pulse.answered(), pulse.failed(), pulse.in_flight()), (0, 0, 0));
    }

    #[test]
    fn threads_lose_no_call() {
        let pulse = pulse();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5_000).for_each(|n| succeed(&pulse, n, 1)));
            }
            scope.spawn(|| (0..50).for_each(|n| fail(&pulse, n * 100, 1)));
        });
        assert_eq!((pulse.answered(), pulse.failed(), pulse.in_flight()), (20_000, 50, 0));
    }
}
