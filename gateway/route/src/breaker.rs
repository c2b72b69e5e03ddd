//! Whether a deployment is fit to be called, learned from how its last calls ended. Closed: it gets
//! its share. Open: nothing, for a while. Then one call at a time probes it, and once one succeeds
//! its share grows back slowly, so that a server that just came up is not run over.
//!
//! Times are milliseconds of a clock that only grows; who keeps it does not matter here.

/// When a breaker opens and how it closes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerRule {
    /// Failures in a row that open it.
    pub consecutive_max: u32,
    /// Percent of failures in the window that open it, once there are `calls_min`.
    pub failed_percent_max: u32,
    pub calls_min: u32,
    /// How long it stays open before it is probed, and from one probe to the next, whether that one
    /// has ended or not: so long after it is well again, one finds it well.
    pub probe_every_ms: u64,
    /// How long the share takes to grow back.
    pub recovery_ms: u64,
}

impl Default for BreakerRule {
    fn default() -> Self {
        Self {
            consecutive_max: 5,
            failed_percent_max: 50,
            calls_min: 10,
            probe_every_ms: 5_000,
            recovery_ms: 20_000,
        }
    }
}

/// Seconds of the rolling window.
const WINDOW_S: u64 = 10;
/// The share that recovery begins with, in percent.
const RECOVERY_FROM: u64 = 10;

/// What a deployment may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitness {
    /// Its share, in percent of its weight: 100 unless it recovers.
    Share(u8),
    /// One call, to see whether it is well again.
    Probe,
    /// Nothing for now.
    Unfit,
}

/// Where a breaker stands, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Closed,
    Open { since_ms: u64 },
    Probing { since_ms: u64 },
    Recovering { since_ms: u64 },
}

impl Phase {
    /// What may be sent at this instant.
    #[must_use]
    pub fn fitness(self, rule: &BreakerRule, now_ms: u64) -> Fitness {
        match self {
            Self::Closed => Fitness::Share(100),
            Self::Open { since_ms } | Self::Probing { since_ms }
                if passed(since_ms, now_ms) < rule.probe_every_ms =>
            {
                Fitness::Unfit
            }
            Self::Open { .. } | Self::Probing { .. } => Fitness::Probe,
            Self::Recovering { since_ms } => {
                let grown = passed(since_ms, now_ms).saturating_mul(100 - RECOVERY_FROM)
                    / rule.recovery_ms.max(1);
                Fitness::Share(u8::try_from(RECOVERY_FROM + grown).unwrap_or(100).min(100))
            }
        }
    }

    /// In one word, for threads that only look. The time is kept up to 62 bits.
    #[must_use]
    pub const fn pack(self) -> u64 {
        match self {
            Self::Closed => 0,
            Self::Open { since_ms } => since_ms << 2 | 1,
            Self::Probing { since_ms } => since_ms << 2 | 2,
            Self::Recovering { since_ms } => since_ms << 2 | 3,
        }
    }

    #[must_use]
    pub const fn unpack(word: u64) -> Self {
        let since_ms = word >> 2;
        match word & 3 {
            0 => Self::Closed,
            1 => Self::Open { since_ms },
            2 => Self::Probing { since_ms },
            _ => Self::Recovering { since_ms },
        }
    }
}

/// The calls that ended in one second.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
    second: u64,
    calls: u32,
    failed: u32,
}

/// One deployment's.
#[derive(Debug, Clone)]
pub struct Breaker {
    rule: BreakerRule,
    phase: Phase,
    consecutive: u32,
    window: [Second; WINDOW_S as usize],
}

impl Breaker {
    #[must_use]
    pub fn new(rule: BreakerRule) -> Self {
        Self { rule, phase: Phase::Closed, consecutive: 0, window: Default::default() }
    }

    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// What may be sent at this instant.
    #[must_use]
    pub fn fitness(&self, now_ms: u64) -> Fitness {
        self.phase.fitness(&self.rule, now_ms)
    }

    /// A call is sent as a probe: none other is until the next is due. False when another was
    /// quicker.
    pub fn probe(&mut self, now_ms: u64) -> bool {
        let may = self.fitness(now_ms) == Fitness::Probe;
        if may {
            self.phase = Phase::Probing { since_ms: now_ms };
        }
        may
    }

    /// The probe that was sent at `began_ms` came to nothing that tells of the deployment, its caller
    /// left, say: another may try at once.
    pub fn probe_was_idle(&mut self, began_ms: u64) {
        if self.phase == (Phase::Probing { since_ms: began_ms }) {
            self.phase = Phase::Open { since_ms: 0 };
        }
    }

    /// The probe that was sent at `began_ms` ended. One that succeeds counts however long it took;
    /// after one that fails, the next is due as long after its beginning as ever.
    pub fn probe_ended(&mut self, began_ms: u64, now_ms: u64, ok: bool) {
        self.tally(now_ms, ok);
        self.phase = match self.phase {
            Phase::Probing { .. } | Phase::Open { .. } if ok => {
                self.consecutive = 0;
                self.window = Default::default();
                Phase::Recovering { since_ms: now_ms }
            }
            Phase::Probing { since_ms } if since_ms == began_ms => Phase::Open { since_ms },
            phase => phase,
        };
    }

    /// A call that was no probe ended; whether the deployment did its part. Those that were under way
    /// when it opened change nothing.
    pub fn record(&mut self, now_ms: u64, ok: bool) {
        self.tally(now_ms, ok);
        self.phase = match self.phase {
            Phase::Closed | Phase::Recovering { .. } if !ok && self.is_failing(now_ms) => {
                Phase::Open { since_ms: now_ms }
            }
            Phase::Recovering { since_ms } if passed(since_ms, now_ms) >= self.rule.recovery_ms => {
                Phase::Closed
            }
            phase => phase,
        };
    }

    fn tally(&mut self, now_ms: u64, ok: bool) {
        self.count(now_ms, 1, u32::from(!ok));
        self.consecutive = if ok { 0 } else { self.consecutive.saturating_add(1) };
    }

    /// Calls that ended well within the second of `at_ms`, told later than they ended. They end a
    /// run of failures, and count in the window.
    pub fn ended_well(&mut self, at_ms: u64, calls: u32) {
        if calls > 0 {
            self.consecutive = 0;
            self.count(at_ms, calls, 0);
        }
    }

    fn count(&mut self, now_ms: u64, calls: u32, failed: u32) {
        let second = now_ms / 1_000;
        let place = usize::try_from(second % WINDOW_S).unwrap_or(0);
        if let Some(slot) = self.window.get_mut(place) {
            if slot.second > second {
                // Told so late that the window has gone on.
                return;
            }
            if slot.second != second {
                *slot = Second { second, ..Second::default() };
            }
            slot.calls = slot.calls.saturating_add(calls);
            slot.failed = slot.failed.saturating_add(failed);
        }
    }

    fn is_failing(&self, now_ms: u64) -> bool {
        if self.consecutive >= self.rule.consecutive_max {
            return true;
        }
        let oldest = (now_ms / 1_000).saturating_sub(WINDOW_S - 1);
        let recent = self.window.iter().filter(|slot| slot.second >= oldest);
        let (calls, failed) = recent.fold((0_u64, 0_u64), |(calls, failed), slot| {
            (calls + u64::from(slot.calls), failed + u64::from(slot.failed))
        });
        calls >= u64::from(self.rule.calls_min)
            && failed * 100 >= calls * u64::from(self.rule.failed_percent_max)
    }
}

const fn passed(since_ms: u64, now_ms: u64) -> u64 {
    now_ms.saturating_sub(since_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: BreakerRule = BreakerRule {
        consecutive_max: 5,
        failed_percent_max: 50,
        calls_min: 10,
        probe_every_ms: 5_000,
        recovery_ms: 20_000,
    };

    /// A breaker that has just opened, at this instant.
    fn opened(at: u64) -> Breaker {
        let mut breaker = Breaker::new(RULE);
        (0..5).for_each(|_| breaker.record(at, false));
        assert_eq!(breaker.fitness(at), Fitness::Unfit);
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_four_do_not() {
        let mut breaker = Breaker::new(RULE);
        for nth in 0..3 {
            let at = nth * 10_000;
            (0..4).for_each(|_| breaker.record(at, false));
            assert_eq!(breaker.fitness(at), Fitness::Share(100));
            (0..5).for_each(|_| breaker.record(at, true));
        }
        (0..5).for_each(|_| breaker.record(50_000, false));
        assert_eq!(breaker.fitness(50_000), Fitness::Unfit);
    }

    #[test]
    fn half_of_ten_failures_within_ten_seconds_open_it_and_older_ones_do_not_count() {
        let mut breaker = Breaker::new(RULE);
        let one_after_the_other = |breaker: &mut Breaker, at: u64, n: usize| {
            (0..n).for_each(|nth| breaker.record(at, nth % 2 == 0));
        };
        one_after_the_other(&mut breaker, 1_000, 9);
        assert_eq!(breaker.fitness(1_000), Fitness::Share(100));
        // Those are older than the window by now.
        one_after_the_other(&mut breaker, 12_000, 9);
        assert_eq!(breaker.fitness(12_000), Fitness::Share(100));
        breaker.record(20_999, false);
        assert_eq!(breaker.fitness(20_999), Fitness::Unfit);
    }

    #[test]
    fn calls_that_ended_well_count_although_they_are_told_later() {
        let mut breaker = Breaker::new(RULE);
        (0..4).for_each(|_| breaker.record(3_000, false));
        breaker.ended_well(3_900, 7);
        // Neither a fifth in a row, nor half of all.
        breaker.record(4_000, false);
        assert_eq!(breaker.fitness(4_000), Fitness::Share(100));
        // Those of a second that the window has left behind are none.
        breaker.record(13_000, true);
        breaker.ended_well(3_000, 1_000);
        (0..5).for_each(|_| breaker.record(13_000, false));
        assert_eq!(breaker.fitness(13_000), Fitness::Unfit);
    }

    #[test]
    fn a_phase_in_one_word_is_the_same_phase() {
        let since_ms = 1 << 40 | 5;
        for phase in [
            Phase::Closed,
            Phase::Open { since_ms },
            Phase::Probing { since_ms },
            Phase::Recovering { since_ms },
        ] {
            assert_eq!(Phase::unpack(phase.pack()), phase);
        }
    }

    #[test]
    fn an_open_one_is_probed_by_one_call_in_each_interval() {
        let mut breaker = opened(1_000);
        assert!(!breaker.probe(5_999));
        assert_eq!(breaker.fitness(6_000), Fitness::Probe);
        assert!(breaker.probe(6_000));
        assert!(!breaker.probe(6_000));
        assert_eq!(breaker.fitness(10_999), Fitness::Unfit);
        // It tells nothing: another tries, and the first counts no more if it fails at last.
        assert!(breaker.probe(11_000));
        breaker.probe_ended(6_000, 11_500, false);
        assert_eq!(breaker.phase(), Phase::Probing { since_ms: 11_000 });
        // But if it succeeds it does, for the deployment answers.
        breaker.probe_ended(6_000, 11_600, true);
        assert_eq!(breaker.phase(), Phase::Recovering { since_ms: 11_600 });
    }

    #[test]
    fn the_next_probe_is_due_by_when_the_failed_one_began_and_at_once_after_one_that_told_nothing()
    {
        let mut breaker = opened(1_000);
        assert!(breaker.probe(6_000));
        breaker.probe_ended(6_000, 6_500, false);
        assert_eq!(breaker.fitness(10_999), Fitness::Unfit);
        assert!(breaker.probe(11_000));
        breaker.probe_was_idle(6_000);
        assert_eq!(breaker.fitness(11_000), Fitness::Unfit, "it was another one");
        breaker.probe_was_idle(11_000);
        assert!(breaker.probe(11_001));
    }

    #[test]
    fn a_probe_that_succeeds_lets_the_share_grow_back_slowly() {
        let mut breaker = opened(1_000);
        assert!(breaker.probe(6_000));
        breaker.probe_ended(6_000, 6_100, true);
        assert_eq!(breaker.fitness(6_100), Fitness::Share(10));
        assert_eq!(breaker.fitness(16_100), Fitness::Share(55));
        assert_eq!(breaker.fitness(26_100), Fitness::Share(100));
        breaker.record(26_100, true);
        // Closed: it is a fresh five failures that open it.
        (0..4).for_each(|_| breaker.record(26_200, false));
        assert_eq!(breaker.fitness(26_200), Fitness::Share(100));
        breaker.record(26_200, false);
        assert_eq!(breaker.fitness(26_200), Fitness::Unfit);
    }

    #[test]
    fn calls_that_end_after_it_opened_neither_close_it_nor_keep_it_open() {
        let mut breaker = opened(1_000);
        breaker.record(5_000, true);
        breaker.record(5_500, false);
        assert_eq!(breaker.fitness(5_999), Fitness::Unfit);
        assert_eq!(breaker.fitness(6_000), Fitness::Probe);
        assert!(breaker.probe(6_000));
        breaker.record(6_001, false);
        breaker.record(6_002, true);
        assert_eq!(breaker.phase(), Phase::Probing { since_ms: 6_000 });
    }

    proptest! {
        /// Whatever happened before: a deployment that fails every call is out after ten, and from
        /// when it is well again it takes one interval until a probe finds it well, also where
        /// probes hang that were sent before; then it has its whole share after the recovery.
        #[test]
        fn it_opens_within_ten_failures_and_is_back_one_interval_after_it_is_well(
            past in prop::collection::vec((0_u64..20_000, any::<bool>(), any::<bool>()), 0..200),
            hanging in 0_u64..30_000,
            fails_late in 0_u64..30_000,
        ) {
            let mut breaker = Breaker::new(RULE);
            let mut now = 0;
            for (wait, ok, probes) in past {
                now += wait;
                match breaker.fitness(now) {
                    Fitness::Probe if probes => { prop_assert!(breaker.probe(now)); }
                    _ => breaker.record(now, ok),
                }
            }
            let mut failures = 0;
            while let Fitness::Share(_) = breaker.fitness(now) {
                breaker.record(now, false);
                failures += 1;
                prop_assert!(failures <= 10);
            }
            // It goes on failing for a while, and every probe hangs.
            let mut last = None;
            for _ in 0..hanging / 100 {
                now += 100;
                if breaker.probe(now) {
                    last = Some(now);
                }
            }
            let well = now;
            while breaker.fitness(now) != Fitness::Probe {
                now += 100;
                prop_assert!(now <= well + RULE.probe_every_ms);
                if let Some(began) = last.filter(|_| now > well + fails_late) {
                    breaker.probe_ended(began, now, false);
                }
            }
            prop_assert!(breaker.probe(now));
            breaker.probe_ended(now, now, true);
            now += RULE.recovery_ms;
            breaker.record(now, true);
            prop_assert_eq!(breaker.fitness(now), Fitness::Share(100));
        }
    }
}
