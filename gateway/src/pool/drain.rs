//! How quickly a pool works: calls that ended in the last seconds, from which a caller is told when
//! trying again makes sense.

use std::time::Duration;

const WINDOW_S: u64 = 20;
/// Nobody is told to come back later than this.
const WAIT_MAX: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
pub struct Drain {
    /// Second and calls that ended in it.
    seconds: [(u64, u32); WINDOW_S as usize],
    /// When the first ended.
    since_ms: Option<u64>,
}

impl Drain {
    pub fn ended(&mut self, now_ms: u64) {
        let second = now_ms / 1_000;
        self.since_ms.get_or_insert(now_ms);
        let at = usize::try_from(second % WINDOW_S).unwrap_or(0);
        if let Some(slot) = self.seconds.get_mut(at) {
            let calls = if slot.0 == second { slot.1 } else { 0 };
            *slot = (second, calls.saturating_add(1));
        }
    }

    /// How long until so many calls will have ended, at the pace of the last seconds; `None`: none
    /// has ended, so that nobody knows.
    #[must_use]
    pub fn wait(&self, now_ms: u64, calls: usize) -> Option<Duration> {
        let second = now_ms / 1_000;
        let lately = self.seconds.iter().filter(|(at, _)| at + WINDOW_S > second);
        let ended: u64 = lately.map(|(_, calls)| u64::from(*calls)).sum();
        let known_ms = now_ms.saturating_sub(self.since_ms?).clamp(1_000, WINDOW_S * 1_000);
        let wait_ms = (calls as u64).saturating_mul(known_ms).checked_div(ended)?;
        Some(Duration::from_millis(wait_ms).clamp(Duration::from_secs(1), WAIT_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_that_of_the_pace_of_the_last_seconds() {
        let mut drain = Drain::default();
        assert_eq!(drain.wait(0, 5), None);
        // Four a second.
        (0..400).for_each(|n| drain.ended(n * 250));
        let told = drain.wait(100_000, 40).unwrap();
        assert!(told > Duration::from_secs(9) && told < Duration::from_secs(11), "{told:?}");
        assert_eq!(drain.wait(100_000, 0), Some(Duration::from_secs(1)));
        assert_eq!(drain.wait(100_000, usize::MAX), Some(WAIT_MAX));
        // It stands still.
        assert_eq!(drain.wait(200_000, 1), None);
    }
}
