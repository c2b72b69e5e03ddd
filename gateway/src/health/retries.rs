//! The further attempts that a model's calls may make while they fail, of all threads together.

use route::budget::RetryBudget;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

#[derive(Debug)]
pub struct Retries {
    /// First attempts that the budget has not been told of.
    calls: AtomicU64,
    budget: Mutex<RetryBudget>,
}

impl Default for Retries {
    fn default() -> Self {
        Self { calls: AtomicU64::new(0), budget: Mutex::new(RetryBudget::new(0)) }
    }
}

impl Retries {
    /// A call makes its first attempt.
    pub fn call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a call may make one more.
    #[must_use]
    pub fn take(&self, now_ms: u64) -> bool {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        budget.calls(now_ms, self.calls.swap(0, Ordering::Relaxed));
        budget.take(now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_all_threads_earn_a_fifth_of_an_attempt_each_and_no_more() {
        let retries = Retries::default();
        let made = || (0..).take_while(|_| retries.take(1)).count();
        assert_eq!(made(), 10);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| retries.call()));
            }
        });
        assert_eq!(made(), 7);
    }
}
