//! How many attempts beyond the first are made while much fails: at most a fifth of the calls, so
//! that an outage is not made worse by those who ask again.

/// Thousandths of an attempt that each call adds.
const PER_CALL: u64 = 180;
/// Thousandths of an attempt that each second adds, so that few calls are not without any. With
/// five calls a second or more it stays a fifth.
const PER_SECOND: u64 = 100;
/// The most that is kept, in thousandths: what a quiet time may save up.
const KEPT_MAX: u64 = 10_000;
/// Thousandths of one attempt.
const ONE: u64 = 1_000;

/// The attempts that a pool's calls have left.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    /// Thousandths.
    left: u64,
    /// Until when time was counted.
    at_ms: u64,
}

impl RetryBudget {
    /// Full.
    #[must_use]
    pub const fn new(now_ms: u64) -> Self {
        Self { left: KEPT_MAX, at_ms: now_ms }
    }

    /// So many calls made their first attempts since it was last told.
    pub fn calls(&mut self, now_ms: u64, calls: u64) {
        self.pass(now_ms);
        self.left = self.left.saturating_add(calls.saturating_mul(PER_CALL)).min(KEPT_MAX);
    }

    /// Takes one more attempt; false when none is left.
    pub fn take(&mut self, now_ms: u64) -> bool {
        self.pass(now_ms);
        let enough = self.left >= ONE;
        if enough {
            self.left -= ONE;
        }
        enough
    }

    fn pass(&mut self, now_ms: u64) {
        let passed = now_ms.saturating_sub(self.at_ms);
        let more = passed.saturating_mul(PER_SECOND) / 1_000;
        self.left = self.left.saturating_add(more).min(KEPT_MAX);
        // What is not a whole thousandth yet stays to come.
        self.at_ms += more * 1_000 / PER_SECOND;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_all_fail_the_attempts_are_a_fifth_more_than_the_calls() {
        let mut budget = RetryBudget::new(0);
        let (mut calls, mut more) = (0_u64, 0_u64);
        // A thousand calls a second for a minute, each of which asks for two more.
        for nth in 0..60_000_u64 {
            budget.calls(nth, 1);
            calls += 1;
            more += u64::from(budget.take(nth)) + u64::from(budget.take(nth));
        }
        // For the calls, for the minute, and what was kept at the start; the last is not whole yet.
        let all = calls * 18 / 100 + 6 + 10;
        assert!((all - 1..=all).contains(&more) && more * 5 <= calls, "{more}");
    }

    #[test]
    fn calls_that_are_few_may_each_be_tried_again() {
        let mut budget = RetryBudget::new(0);
        for nth in 0..100 {
            budget.calls(nth * 10_000, 1);
            assert!(budget.take(nth * 10_000));
        }
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut budget = RetryBudget::new(5_000);
        while budget.take(5_000) {}
        assert!(!budget.take(0));
        assert!(!budget.take(5_000));
        assert!(!budget.take(14_999));
        assert!(budget.take(15_000));
    }
}
