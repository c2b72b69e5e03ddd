//! The way of one call through the places of its plan: which is next, how long it is waited for, and
//! how long before it is tried again.

use super::failure::Failure;
use crate::health::Ticket;
use crate::meter::Meter;
use crate::plan::Plan;
use crate::snapshot::DeploymentView;
use route::breaker::Fitness;
use std::time::Duration;
use tokio::time::Instant;

/// The first wait before trying the same place again; doubled each time.
const BACKOFF: Duration = Duration::from_millis(100);

/// A place, and in which attempt of a call that went through all of them it is tried.
pub type Coming<'p> = (usize, &'p DeploymentView);

#[derive(Debug)]
pub struct Tour<'p> {
    plan: &'p Plan,
    attempts_max: u16,
    made: u16,
    /// Where the next attempt is made, unless that place is unfit by then.
    at: usize,
}

impl<'p> Tour<'p> {
    pub const fn new(plan: &'p Plan, attempts_max: u16) -> Self {
        Self { plan, attempts_max, made: 0, at: 0 }
    }

    /// Whether no other may be made.
    pub const fn is_over(&self) -> bool {
        self.made >= self.attempts_max
    }

    /// The place of the next attempt, as things are now: the first that takes calls of those that
    /// come, and where none does the one whose turn it is.
    pub fn next(&self, now_ms: u64) -> Coming<'p> {
        let fit = |coming: &Coming<'_>| coming.1.pulse.fitness(now_ms) != Fitness::Unfit;
        self.coming().find(fit).unwrap_or_else(|| self.due())
    }

    /// Begins the next attempt.
    pub fn enter(&mut self, now_ms: u64) -> (&'p DeploymentView, Ticket) {
        let mut coming = self.coming();
        let entered = coming.find_map(|(at, one)| Some((at, one, one.pulse.enter(now_ms)?)));
        let (at, one, ticket) = entered.unwrap_or_else(|| {
            let (at, one) = self.due();
            (at, one, one.pulse.enter_anyway())
        });
        self.made = self.made.saturating_add(1);
        self.at = at + 1;
        (one, ticket)
    }

    /// Another place that could be asked beside the one that was entered, while attempts are left.
    pub fn beside(&self, now_ms: u64) -> Option<Coming<'p>> {
        let mut others = self.coming().take(self.plan.places() - 1);
        let other = others.find(|(_, one)| one.pulse.fitness(now_ms) != Fitness::Unfit);
        other.filter(|_| !self.is_over())
    }

    /// It was asked, too.
    pub fn entered(&mut self, (at, _): Coming<'_>) {
        self.made = self.made.saturating_add(1);
        self.at = at + 1;
    }

    /// The next attempt is made at another replica of the same pool; whether it is. The last attempt
    /// is kept for a place that is yet to be tried.
    pub fn stay(&mut self, meter: &Meter) -> bool {
        let Some(at) = self.at.checked_sub(1) else { return false };
        let failed = meter.tried().map(|tried| tried.record.id);
        let is_same = failed == Some(self.plan.attempt(at).record.id);
        let is_kept = self.made + 1 >= self.attempts_max && self.at < self.plan.places();
        if is_same && !is_kept {
            self.at = at;
        }
        is_same && !is_kept
    }

    fn due(&self) -> Coming<'p> {
        (self.at, self.plan.attempt(self.at))
    }

    /// The rest of this round, and then those that had their turn.
    fn coming(&self) -> impl Iterator<Item = Coming<'p>> + use<'p> {
        let (plan, from) = (self.plan, self.at);
        (from..from + plan.places()).map(move |at| (at, plan.attempt(at)))
    }

    /// Until when the attempt that has begun is waited for. The last one has all the time that is
    /// left; one that others may follow has less.
    pub fn until(&self, patience: Option<Duration>, meter: &Meter, deadline: Instant) -> Instant {
        let is_last = self.at >= self.plan.places() && meter.another_replica().is_none();
        if self.is_over() || is_last {
            return deadline;
        }
        let most = meter.worker().gateway.bounds.answer_timeout;
        deadline.min(Instant::now() + patience.map_or(most, |patience| patience.min(most)))
    }

    /// How long to wait before an attempt there: not at all for a place that is yet to be tried.
    pub fn wait(&self, (at, _): Coming<'_>, failure: &Failure, meter: &Meter) -> Duration {
        match at.checked_sub(self.plan.places()) {
            None => Duration::ZERO,
            Some(round) => {
                let wait = wait(round, meter.worker().chance.next());
                wait.max(failure.fault.retry_after.unwrap_or_default())
            }
        }
    }
}

/// Doubles from [`BACKOFF`], of which chance takes up to a half away.
fn wait(round: usize, chance: u64) -> Duration {
    let doubled = BACKOFF.saturating_mul(1 << round.min(10));
    let half = u32::try_from(doubled.as_micros() / 2).unwrap_or(u32::MAX);
    let off = (u64::from(half) * (chance >> 32)) >> 32;
    doubled.saturating_sub(Duration::from_micros(off))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_chance_takes_at_most_half_of_them_away() {
        for (round, full) in [(0, 100), (1, 200), (3, 800)] {
            assert_eq!(wait(round, 0), Duration::from_millis(full));
            let least = wait(round, u64::MAX);
            assert!(
                least >= Duration::from_millis(full / 2) && least < Duration::from_millis(full)
            );
        }
    }
}
