//! What a run prints.

use serde::Serialize;
use std::time::Duration;

/// The figures of one run.
#[derive(Debug, Default, Serialize)]
pub struct Figures {
    /// Answers with status 2xx that came whole.
    pub answered: u64,
    /// Any other status.
    pub refused: u64,
    /// Connections that failed, answers and streams that did not come whole.
    pub failed: u64,
    /// Events of streams that came whole.
    pub events: u64,
    /// The first thing that went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_problem: Option<String>,
    pub seconds: f64,
    pub p50_us: u64,
    pub p90_us: u64,
    pub p99_us: u64,
    pub max_us: u64,
    #[serde(skip)]
    latencies: Vec<u64>,
}

impl Figures {
    pub fn answered_in(&mut self, time: Duration) {
        self.answered += 1;
        self.latencies.push(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn problem(&mut self, what: String) {
        self.first_problem.get_or_insert(what);
    }

    pub fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.refused += other.refused;
        self.failed += other.failed;
        self.events += other.events;
        self.latencies.extend(other.latencies);
        self.first_problem = self.first_problem.take().or(other.first_problem);
    }

    /// Fills in the percentiles.
    #[must_use]
    pub fn over(mut self, time: Duration) -> Self {
        self.seconds = time.as_secs_f64();
        self.latencies.sort_unstable();
        self.p50_us = self.percentile(50);
        self.p90_us = self.percentile(90);
        self.p99_us = self.percentile(99);
        self.max_us = self.percentile(100);
        self
    }

    /// The smallest latency that `percent` of all do not exceed.
    fn percentile(&self, percent: usize) -> u64 {
        let rank = (self.latencies.len() * percent).div_ceil(100).max(1);
        self.latencies.get(rank - 1).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_latency_that_was_measured() {
        let mut figures = Figures::default();
        for us in (1..=200).rev() {
            figures.answered_in(Duration::from_micros(us));
        }
        let figures = figures.over(Duration::from_secs(1));
        let shown = (figures.p50_us, figures.p99_us, figures.max_us, figures.answered);
        assert_eq!(shown, (100, 198, 200, 200));
        assert_eq!(Figures::default().over(Duration::ZERO).p99_us, 0);
    }
}
