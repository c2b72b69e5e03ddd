//! Calls that come, wait, are admitted or refused, and end.

use super::gateway::{Running, Waiting};
use super::invariants::place;
use super::{Weather, World, caller};
use crate::reserve::allowance::Hold;
use crate::reserve::counter::LEVEL_MS;
use crate::reserve::draw::{Ask, Reply, Request};
use crate::reserve::lease::LEASE_MS;
use crate::reserve::reservation::Taking;
use crate::reserve::window::window_at;
use contract::snapshot::{LimitRecord, Metric};
use rand::Rng as _;
use std::sync::Arc;
use tokio::sync::oneshot;

impl World {
    /// A call arrives at some gateway.
    pub fn call_in(&mut self) {
        let n = self.rng.random_range(0..self.gateways.len());
        let mut wanted: Vec<usize> =
            (0..self.limits.len()).filter(|_| self.rng.random_bool(0.7)).collect();
        if wanted.is_empty() {
            wanted.push(0);
        }
        let amounts: Vec<i64> = wanted
            .iter()
            .map(|at| match self.limits[*at].metric {
                Metric::Concurrency => 1,
                Metric::Money => self.rng.random_range(1..400),
                _ => self.rng.random_range(1..30),
            })
            .collect();
        let gateway = &mut self.gateways[n];
        let wall = gateway.wall();
        let mut taking = Taking::default();
        for (at, amount) in wanted.iter().zip(&amounts) {
            let limit = &self.limits[*at];
            let allowance = gateway.book.allowance(limit, &caller(), wall);
            taking.take(&allowance, limit, *amount, wall);
        }
        let (holds, needs, full) = taking.parts();
        if let Some(standing) = full {
            let which = self.limits.iter().position(|l| l.id == standing.limit.id).unwrap();
            let wanted = wanted.iter().position(|at| *at == which).unwrap();
            return self.refused(which, amounts[wanted]);
        }
        if needs.is_empty() {
            // Whoever completes counts has waited for as long as anybody goes on unheard.
            let unheard_ms = self.now_ms - self.gateways[n].heard_ms;
            assert!(unheard_ms <= LEASE_MS, "UNHEARD: seed {}: for {unheard_ms} ms", self.seed);
            self.admit(n, holds, self.now_ms, false);
            return;
        }
        let (reply, answer) = oneshot::channel();
        let ask = Ask { needs, now: wall, tries: 0, reply };
        gateway.sender.try_send(Request::Ask(ask)).unwrap();
        gateway.waiting.push(Waiting {
            reply: answer,
            holds,
            amounts,
            since_ms: self.now_ms,
            forfeited: false,
        });
    }

    /// A call may run: it counts from the instant it was admitted, in the window of its hold.
    pub fn admit(&mut self, n: usize, holds: Vec<(Metric, Hold)>, from_ms: i64, forfeited: bool) {
        let name = self.gateways[n].name.clone();
        for (metric, hold) in &holds {
            let limit = self.limit_of(*metric);
            let window = hold.window();
            // Nobody may pass a window off for another: some instant between the question and
            // the answer lies in it. Clocks are read in whole milliseconds.
            assert!(
                window.0 <= self.now_ms + 2 && from_ms - 2 < window.1,
                "{name} of seed {}: admitted in {window:?} between {from_ms} and {}",
                self.seed,
                self.now_ms
            );
            if forfeited && *metric == Metric::Concurrency {
                continue;
            }
            self.books.add(limit, window, &name, hold.amount());
            self.check(limit, window);
        }
        self.admitted += 1;
        let ends_at_ms = self.now_ms + self.rng.random_range(0..3_000);
        self.gateways[n].running.push(Running { holds, ends_at_ms, forfeited });
    }

    pub fn limit_of(&self, metric: Metric) -> usize {
        self.limits.iter().position(|limit| limit.metric == metric).unwrap()
    }

    pub fn hear_replies(&mut self, n: usize) {
        let waiting = std::mem::take(&mut self.gateways[n].waiting);
        for mut one in waiting {
            match one.reply.try_recv() {
                Ok(Reply::Granted(more)) => {
                    one.holds.extend(more);
                    self.admit(n, one.holds, one.since_ms, one.forfeited);
                }
                Ok(Reply::Refused(standing)) => {
                    let id = standing.limit.id;
                    let which = self.limits.iter().position(|limit| limit.id == id).unwrap();
                    let most = one.amounts.iter().copied().max().unwrap();
                    self.refused(which, most);
                }
                Ok(Reply::Unknown(_) | Reply::Unreachable(_)) => {}
                Err(oneshot::error::TryRecvError::Empty) => self.gateways[n].waiting.push(one),
                Err(oneshot::error::TryRecvError::Closed) => {}
            }
        }
    }

    /// In calm weather a limit refuses first when nearly all of it is in use, or was so many steps
    /// ago: as long as an answer takes, or the word that a call ended.
    pub fn refused(&mut self, limit: usize, amount: i64) {
        const STEPS: usize = 16;
        self.refused += 1;
        if self.weather == Weather::Storm {
            return;
        }
        let record = Arc::clone(&self.limits[limit]);
        let window = window_at(&record, self.now_ms);
        // Calls whose answer is under way have their part, too.
        let waiting = self.gateways.iter().flat_map(|gateway| &gateway.waiting);
        let promised: i64 = waiting.flat_map(|one| &one.amounts).sum();
        if self.first_refusal.replace(window) == Some(window) {
            return;
        }
        let in_use = self.used_lately.iter().rev().take(STEPS).max().copied().unwrap_or(0);
        let in_use = in_use.max(self.books.of(limit, window)) + promised;
        let (key, _) = place(&record, "", window);
        let counter = self.server.counters.get(&key);
        assert!(
            (in_use + amount) * 100 >= record.max * 95 || self.now_ms - window.0 < 600,
            "seed {}: refused {amount} at {in_use} of {}, {promised} of it promised; {counter:?}",
            self.seed,
            record.max
        );
    }

    pub fn end_calls(&mut self) {
        let n = self.rng.random_range(0..self.gateways.len());
        self.end_calls_of(n);
    }

    pub fn end_calls_of(&mut self, n: usize) {
        let now_ms = self.now_ms;
        let (ended, running) = std::mem::take(&mut self.gateways[n].running)
            .into_iter()
            .partition(|call| call.ends_at_ms <= now_ms);
        self.gateways[n].running = running;
        let name = self.gateways[n].name.clone();
        for call in ended {
            let Running { holds, forfeited, .. } = call;
            for (metric, hold) in holds {
                let level = metric == Metric::Concurrency;
                let used = if level { 0 } else { self.rng.random_range(0..=hold.amount()) };
                if !(level && forfeited) {
                    let limit = self.limit_of(metric);
                    self.books.add(limit, hold.window(), &name, used - hold.amount());
                }
                hold.settle(used);
            }
        }
    }

    /// Calls of a gateway that was not heard of for long run on, but nobody counts them: what is
    /// promised of a limit on running calls.
    pub fn forfeit(&mut self) {
        let Some(limit) = self.limits.iter().position(|l| l.metric == Metric::Concurrency) else {
            return;
        };
        for gateway in &mut self.gateways {
            if self.now_ms - gateway.heard_ms < LEVEL_MS {
                continue;
            }
            for call in &mut gateway.waiting {
                call.forfeited |= call.holds.iter().any(|(m, _)| *m == Metric::Concurrency);
            }
            for call in gateway.running.iter_mut().filter(|call| !call.forfeited) {
                call.forfeited = true;
                for (_, hold) in call.holds.iter().filter(|(m, _)| *m == Metric::Concurrency) {
                    self.books.add(limit, hold.window(), &gateway.name, -hold.amount());
                }
            }
        }
    }

    /// Raises a lifetime's limit that is used up, or nothing would happen any more.
    pub fn raise(&mut self) {
        for at in 0..self.limits.len() {
            let limit = &self.limits[at];
            let full = self.books.of(at, (0, i64::MAX)) * 100 >= limit.max * 97;
            if limit.metric == Metric::Money && full {
                self.limits[at] = Arc::new(LimitRecord { max: limit.max * 2, ..(**limit).clone() });
            }
        }
    }
}
