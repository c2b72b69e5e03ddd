//! What the publisher does for counts that may be incomplete.

use super::gateway::Gateway;
use super::invariants::place;
use super::{Broken, LOOK_MS, LOST_MS, Loss, RECOUNT_MS, World};
use contract::snapshot::Metric;
use rand::Rng as _;
use std::collections::BTreeMap;

impl World {
    /// What the backend does: it completes counts, and sets what dead gateways have to what they
    /// used, once their successors have shipped it.
    pub fn recount(&mut self) {
        let shipped: Vec<String> = self
            .dead
            .iter()
            .filter(|(_, at)| *at <= self.now_ms)
            .map(|(name, _)| name.clone())
            .collect();
        self.dead.retain(|(_, at)| *at > self.now_ms);
        for name in shipped {
            self.set_to_use(&name, false);
            self.server.roll.remove(&name);
            self.clerk.seen.remove(&name);
            if let Some((_, number)) = self.server.seen.get_mut(&name) {
                *number = u64::MAX;
                self.buried.push(name);
            }
        }
        if self.rng.random_ratio(1, 2) && self.now_ms - self.clerk.looked_ms < LOOK_MS / 2 {
            return;
        }
        self.clerk.look(&self.server.roll, self.now_ms);
        if self.server.counted.as_ref() == Some(&self.server.run) {
            self.clerk.loss = None;
            return;
        }
        let of = (self.emptied, self.server.run.clone());
        let Some(loss) = self.clerk.loss.as_ref().filter(|loss| loss.of == of) else {
            self.clerk.called += 1;
            let (since_ms, word) = (self.now_ms, self.clerk.called);
            self.clerk.loss = Some(Loss { of, since_ms, word });
            self.server.called = word;
            return;
        };
        let waited_ms = self.now_ms - loss.since_ms;
        let served = |gateway: &&Gateway| {
            self.books.by_gateway.keys().any(|(_, _, name)| *name == gateway.name)
        };
        let speaks = |gateway: &Gateway| self.clerk.speaks(&gateway.name, loss.word);
        let silent =
            !self.clerk.is_answered(loss.word) || !self.gateways.iter().filter(served).all(speaks);
        let silent = silent && waited_ms < LOST_MS && self.broken != Broken::NoRollCall;
        if waited_ms < RECOUNT_MS || !self.dead.is_empty() || silent {
            return;
        }
        let mut names: Vec<String> =
            self.books.by_gateway.keys().map(|(_, _, name)| name.clone()).collect();
        names.sort();
        names.dedup();
        for name in names {
            self.set_to_use(&name, true);
        }
        self.server.counted = Some(self.server.run.clone());
        self.clerk.loss = None;
    }

    /// Sets the fields of a gateway to what the books say; `least`: never below what they hold.
    pub fn set_to_use(&mut self, name: &str, least: bool) {
        let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
        for ((limit, window, owner), amount) in &self.books.by_gateway {
            let record = &self.limits[*limit];
            if owner == name && (!record.sliding || window.1 + 60_000 > self.now_ms) {
                sums.insert(place(record, name, *window), *amount);
            }
        }
        // What it drew and never used goes too.
        for (key, fields) in &self.server.counters {
            for field in fields.keys().filter(|field| field.split(':').next() == Some(name)) {
                sums.entry((key.clone(), field.clone())).or_default();
            }
        }
        let level = self.limits.iter().find(|limit| limit.metric == Metric::Concurrency);
        let level = level.map(|limit| place(limit, name, (0, i64::MAX)).0);
        for ((key, field), used) in sums {
            if Some(&key) == level.as_ref() {
                // Levels end by themselves.
                continue;
            }
            let fields = self.server.counters.entry(key).or_default();
            let held = fields.get(&field).copied().unwrap_or(0);
            let right = if least { used.max(held) } else { used };
            if !field.contains(':') {
                *fields.entry("t".into()).or_default() += right - held;
            }
            fields.insert(field, right);
        }
    }
}
