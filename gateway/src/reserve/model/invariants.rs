//! What must hold, checked against books that the model keeps on its own.

use super::{Weather, World, caller};
use crate::reserve::window::{Bounds, window_at};
use contract::snapshot::{LimitRecord, Metric};
use std::collections::BTreeMap;

/// What was admitted of each limit in each window: in all, and by each gateway.
#[derive(Default)]
pub(super) struct Books {
    pub all: BTreeMap<(usize, Bounds), i64>,
    pub by_gateway: BTreeMap<(usize, Bounds, String), i64>,
}

impl Books {
    pub fn add(&mut self, limit: usize, window: Bounds, gateway: &str, amount: i64) {
        *self.all.entry((limit, window)).or_default() += amount;
        *self.by_gateway.entry((limit, window, gateway.to_owned())).or_default() += amount;
    }

    pub fn of(&self, limit: usize, window: Bounds) -> i64 {
        self.all.get(&(limit, window)).copied().unwrap_or(0)
    }

    /// Forgets windows that ended before.
    pub fn forget(&mut self, before_ms: i64) {
        self.all.retain(|(_, window), _| window.1 > before_ms);
        self.by_gateway.retain(|(_, window, _), _| window.1 > before_ms);
    }
}

/// Key and field of what a gateway has of a limit.
pub(super) fn place(record: &LimitRecord, name: &str, window: Bounds) -> (String, String) {
    let (org, id) = (caller().org_id, record.id.to_string());
    let subject = caller().app_id.to_string();
    if record.sliding {
        let key = contract::channel::limit_sliding(org, &id, &subject);
        return (key, format!("{name}:{}", window.0));
    }
    let start_s = window.0.div_euclid(1_000);
    (contract::channel::limit_drawn(org, &id, &subject, start_s), name.to_owned())
}

impl World {
    /// Of a limit of which something was admitted now.
    pub fn check(&self, limit: usize, window: Bounds) {
        let record = &self.limits[limit];
        let in_use = if record.sliding {
            // Every stretch of its length lies in the buckets that touch it.
            let all = self
                .books
                .all
                .iter()
                .filter(|((at, bucket), _)| *at == limit && bucket.1 > self.now_ms - 60_000);
            all.map(|(_, amount)| amount).sum()
        } else {
            self.books.of(limit, window)
        };
        assert!(
            in_use <= record.max,
            "OVER: seed {} step {}: {in_use} of {} of limit {limit}",
            self.seed,
            self.steps,
            record.max
        );
    }

    /// Lets every call end, in calm weather, until nobody has anything more to say.
    pub fn end(&mut self) {
        self.weather = Weather::Calm;
        for gateway in &mut self.gateways {
            gateway.cut_until_ms = gateway.cut_until_ms.min(self.now_ms);
        }
        for _ in 0..600 {
            self.pass(20);
            self.forfeit();
            self.deliver();
            for n in 0..self.gateways.len() {
                self.probe(n);
                self.hear_replies(n);
                for call in &mut self.gateways[n].running {
                    call.ends_at_ms = self.now_ms;
                }
                self.end_calls_of(n);
                if let Some(call) = self.gateways[n].pump(self.now_ms) {
                    self.send(n, call);
                }
            }
            self.recount();
        }
    }

    /// The counters hold what was used, and nothing else.
    pub fn check_nothing_leaks(&self) {
        let live = |name: &str| self.gateways.iter().any(|gateway| gateway.name == name);
        for (at, limit) in self.limits.iter().enumerate() {
            let windows: Vec<Bounds> = if limit.sliding {
                let length = window_at(limit, self.now_ms).1 - window_at(limit, self.now_ms).0;
                (0..64).map(|n| window_at(limit, self.now_ms - n * length)).collect()
            } else {
                vec![window_at(limit, self.now_ms)]
            };
            for window in windows {
                let key = place(limit, "", window).0;
                let Some(fields) = self.server.counters.get(&key) else { continue };
                let of = |name: &str| fields.get(&place(limit, name, window).1).copied();
                let names: Vec<&String> = self
                    .server
                    .seen
                    .keys()
                    .chain(self.buried.iter())
                    .filter(|name| of(name).is_some())
                    .collect();
                for name in names {
                    let (held, used) = (of(name).unwrap(), (at, window, name.clone()));
                    let used = self.books.by_gateway.get(&used).copied().unwrap_or(0);
                    // Levels of a dead one end by themselves, when somebody draws.
                    let level = limit.metric == Metric::Concurrency;
                    let exact = live(name) || (self.buried.contains(name) && !level);
                    assert!(
                        held == used || (held > used && !exact),
                        "LEAK: seed {}: {name} has {held} of limit {at} in {window:?}, and used {used}",
                        self.seed
                    );
                }
                if !limit.sliding {
                    let all: i64 =
                        fields.iter().filter(|(name, _)| *name != "t").map(|(_, held)| held).sum();
                    assert_eq!(fields.get("t").copied().unwrap_or(0), all, "seed {}", self.seed);
                }
            }
        }
    }
}
