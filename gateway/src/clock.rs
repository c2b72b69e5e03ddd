//! The one place where the gateway asks what time it is. Everything else takes a [`Clock`].

use contract::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// A source of instants: the system's in production, one that a test sets in tests.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    #[default]
    System,
    /// Milliseconds since the epoch, shared by all clones.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::set`] moves it.
    #[must_use]
    pub fn fixed(at: Timestamp) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.timestamp_millis())))
    }

    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => chrono::Utc::now(),
            Self::Fixed(millis) => {
                Timestamp::from_timestamp_millis(millis.load(Ordering::Relaxed)).unwrap_or_default()
            }
        }
    }

    /// Milliseconds that only go forward, from an instant that means nothing. A fixed clock's are
    /// those it stands at.
    #[must_use]
    pub fn steady_ms(&self) -> i64 {
        static START: OnceLock<Instant> = OnceLock::new();
        match self {
            Self::System => {
                let passed = START.get_or_init(Instant::now).elapsed();
                i64::try_from(passed.as_millis()).unwrap_or(i64::MAX)
            }
            Self::Fixed(millis) => millis.load(Ordering::Relaxed),
        }
    }

    /// The same for those who count in whole numbers.
    #[must_use]
    pub fn uptime_ms(&self) -> u64 {
        u64::try_from(self.steady_ms()).unwrap_or(0)
    }

    /// Whether a test sets it.
    #[must_use]
    pub const fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// Moves a fixed clock and all its clones; the system's clock does not listen.
    pub fn set(&self, at: Timestamp) {
        if let Self::Fixed(millis) = self {
            millis.store(at.timestamp_millis(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_fixed_clock_move_together() {
        let at = |n| Timestamp::from_timestamp_millis(n).unwrap();
        let clock = Clock::fixed(at(5));
        let clone = clock.clone();
        clock.set(at(9));
        assert_eq!(clone.now(), at(9));
    }
}
