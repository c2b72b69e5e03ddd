//! A moving average that follows a rise at once and a fall slowly, so that a place that has become
//! slow is left alone before many have waited for it. After Finagle's peak EWMA.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// In so much time, all but a third of what was is forgotten.
const FADES_MS: f64 = 10_000.0;

/// Of durations. Threads that add at the same time may lose one of them, which does no harm.
#[derive(Debug, Default)]
pub struct PeakAverage {
    /// Microseconds; 0: none yet.
    value: AtomicU64,
    at_ms: AtomicU64,
}

impl PeakAverage {
    pub fn add(&self, now_ms: u64, took: Duration) {
        let took = micros(took);
        let before = self.value.load(Ordering::Relaxed);
        let value =
            if took >= before { took } else { took + fade(before - took, self.age(now_ms)) };
        self.value.store(value, Ordering::Relaxed);
        self.at_ms.store(now_ms, Ordering::Relaxed);
    }

    /// What a call would take now. Without calls it fades, so that one bad answer is not held
    /// against a place for ever. Zero: nobody knows.
    #[must_use]
    pub fn expected(&self, now_ms: u64) -> Duration {
        Duration::from_micros(fade(self.value.load(Ordering::Relaxed), self.age(now_ms)))
    }

    /// What it was when it was last added to.
    #[must_use]
    pub fn last(&self) -> Duration {
        Duration::from_micros(self.value.load(Ordering::Relaxed))
    }

    fn age(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.at_ms.load(Ordering::Relaxed))
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate; neither is negative"
)]
fn fade(value: u64, age_ms: u64) -> u64 {
    if age_ms == 0 || value == 0 {
        return value;
    }
    (value as f64 * (-(age_ms as f64) / FADES_MS).exp()) as u64
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_rise_counts_at_once_and_a_fall_slowly() {
        let average = PeakAverage::default();
        assert_eq!(average.expected(0), Duration::ZERO);
        average.add(1_000, ms(100));
        average.add(1_000, ms(900));
        assert_eq!(average.expected(1_000), ms(900));
        average.add(2_000, ms(100));
        let after = average.expected(2_000);
        assert!(after > ms(800) && after < ms(850), "{after:?}");
        for second in 3..60 {
            average.add(second * 1_000, ms(100));
        }
        assert!(average.expected(59_000) < ms(110));
    }

    #[test]
    fn what_is_not_called_is_forgiven() {
        let average = PeakAverage::default();
        average.add(0, ms(5_000));
        assert!(average.expected(60_000) < ms(20));
        assert_eq!(average.last(), ms(5_000));
    }
}
