//! Which replica of a pool a call goes to: of those that take calls, are well, have room and were
//! not tried, the one with the best score. A breaker alone never takes the last one.

use super::Pool;
use super::replica::Replica;
use super::score::{best, score};
use super::wish::Wish;
use crate::health::Ticket;
use contract::snapshot::PoolPolicy;
use route::breaker::Fitness;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What came of choosing.
pub(super) enum Choice {
    Go(Arc<Replica>, Ticket),
    /// Those that the call could go to have as many as they may.
    Full,
    /// No replica takes calls.
    Nowhere,
}

impl Pool {
    pub(super) fn choose(&self, wish: &Wish, now_ms: u64) -> Choice {
        let (policy, all) = (self.policy.load(), self.replicas.load());
        let open: Vec<&Arc<Replica>> = all.iter().filter(|one| one.takes()).collect();
        if open.is_empty() {
            return Choice::Nowhere;
        }
        let untried: Vec<_> = open.iter().copied().filter(|one| !wish.has_tried(one)).collect();
        let left = if untried.is_empty() { open } else { untried };
        if wish.tried.is_empty()
            && let Some((replica, ticket)) = self.probe(&left, &policy, now_ms)
        {
            return self.go(replica, ticket, wish);
        }
        let fit: Vec<_> = left.iter().copied().filter(|one| is_fit(one, wish, now_ms)).collect();
        let some_fit: Vec<_> = match fit.is_empty() {
            false => fit,
            true => left.iter().copied().filter(|one| is_growing(one, now_ms)).collect(),
        };
        let left = if some_fit.is_empty() { left } else { some_fit };
        let fresh_ms = self.fresh_ms();
        let roomy: Vec<_> = left
            .into_iter()
            .map(|one| (one, one.busy(now_ms, fresh_ms)))
            .filter(|(_, busy)| has_room(busy.calls, &policy))
            .collect();
        let chosen = if self.turns.load(Ordering::Relaxed) {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            roomy.get(turn.checked_rem(roomy.len()).unwrap_or(0)).map(|(one, _)| *one)
        } else {
            let scored = roomy.iter().map(|(one, busy)| {
                let knows = |blocks: &[u64]| one.prefixes().matched(blocks);
                let matched = if wish.blocks.is_empty() { 0 } else { knows(&wish.blocks) };
                (score(*busy, matched), *one)
            });
            best(scored, wish.chance)
        };
        match chosen {
            Some(replica) => self.go(replica, replica.pulse.enter_anyway(), wish),
            None => Choice::Full,
        }
    }

    fn go(&self, replica: &Arc<Replica>, ticket: Ticket, wish: &Wish) -> Choice {
        if !wish.blocks.is_empty() {
            replica.prefixes().add(&wish.blocks);
        }
        Choice::Go(Arc::clone(replica), ticket)
    }

    /// One that failed and is due to be tried: the call goes on elsewhere should it fail again.
    fn probe<'r>(
        &self,
        left: &[&'r Arc<Replica>],
        policy: &PoolPolicy,
        now_ms: u64,
    ) -> Option<(&'r Arc<Replica>, Ticket)> {
        let due = |one: &&&Arc<Replica>| one.pulse.fitness(now_ms) == Fitness::Probe;
        left.iter().filter(due).find_map(|one| {
            has_room(one.pulse.in_flight(), policy).then_some(())?;
            Some((*one, one.pulse.enter(now_ms)?))
        })
    }

    /// Whether there is a replica for another attempt of a call that was at these, and whether it
    /// answers as far as anybody knows.
    #[must_use]
    pub fn another(&self, tried: &[Arc<Replica>], now_ms: u64) -> Option<bool> {
        let all = self.replicas.load();
        let left = all.iter().filter(|one| {
            one.takes()
                && one.pulse.fitness(now_ms) != Fitness::Unfit
                && !tried.iter().any(|tried| Arc::ptr_eq(tried, one))
        });
        left.map(|one| one.pulse.is_well()).reduce(|some, one| some || one)
    }

    /// Some replica, for a question that costs nothing.
    #[must_use]
    pub fn any(&self, now_ms: u64) -> Option<Arc<Replica>> {
        let all = self.replicas.load();
        let open = || all.iter().filter(|one| one.takes());
        open()
            .find(|one| one.pulse.fitness(now_ms) != Fitness::Unfit)
            .or_else(|| open().next())
            .cloned()
    }
}

const fn has_room(calls: u32, policy: &PoolPolicy) -> bool {
    match policy.concurrency_max {
        Some(max) => calls < max as u32,
        None => true,
    }
}

/// Whether it gets calls; one that was unwell lately gets a growing share of them.
fn is_fit(one: &Replica, wish: &Wish, now_ms: u64) -> bool {
    match one.pulse.fitness(now_ms) {
        Fitness::Share(100) => true,
        Fitness::Share(share) => wish.chance % 100 < u64::from(share),
        Fitness::Probe | Fitness::Unfit => false,
    }
}

fn is_growing(one: &Replica, now_ms: u64) -> bool {
    matches!(one.pulse.fitness(now_ms), Fitness::Share(_))
}
