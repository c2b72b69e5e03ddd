//! The counters as the script keeps them, in memory: what a test runs the protocol against when
//! it needs every step to be its own. A test beside it proves that both do the same.

use super::call::{Answer, Call, Counter, Grant, Readiness};
use std::collections::{BTreeMap, HashMap};

/// As in the script, in milliseconds.
const ALIVE_MS: i64 = 10_000;
pub(super) const LEVEL_MS: i64 = 15_000;
const LATE_MS: i64 = 60_000;
const MOST: i64 = 9_000_000_000_000_000;

/// What a server leaves out that it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// A claim does not replace what the counter holds.
    KeepsWhatItHolds,
    /// It grants though counts may be missing.
    GrantsUncounted,
    /// It takes calls that later ones have overtaken.
    TakesLateCalls,
}

type Fields = BTreeMap<String, i64>;

/// The counters of one org on one server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub run: String,
    pub flaw: Flaw,
    /// The run under which the counts were complete.
    pub counted: Option<String>,
    /// When each gateway called last, and the number of that call.
    pub seen: BTreeMap<String, (i64, u64)>,
    pub counters: HashMap<String, Fields>,
    /// What each gateway wrote on the roll: a count, and the last word it answered.
    pub roll: BTreeMap<String, (u64, u64)>,
    /// The word that is called.
    pub called: u64,
}

struct Open {
    field: String,
    readiness: Readiness,
    free: i64,
    granted: i64,
}

impl Server {
    pub fn new(run: &str, flaw: Flaw) -> Self {
        Self {
            run: run.to_owned(),
            flaw,
            counted: None,
            seen: BTreeMap::new(),
            counters: HashMap::new(),
            roll: BTreeMap::new(),
            called: 0,
        }
    }

    /// One call of the script; `None`: a later one has overtaken it.
    pub fn draw(&mut self, call: &Call, now_ms: i64) -> Option<Answer> {
        let counted =
            self.counted.as_ref() == Some(&self.run) || self.flaw == Flaw::GrantsUncounted;
        let last = self.seen.get(&call.gateway);
        if last.is_some_and(|(_, number)| call.number <= *number)
            && self.flaw != Flaw::TakesLateCalls
        {
            return None;
        }
        self.seen.insert(call.gateway.clone(), (now_ms, call.number));
        let alive = |(name, (at, _)): &(&String, &(i64, u64))| {
            **name == call.gateway || *at > now_ms - ALIVE_MS
        };
        let gateways = i64::try_from(self.seen.iter().filter(alive).count()).unwrap();
        let opened: Vec<Open> = call
            .counters
            .iter()
            .map(|counter| self.claim(call, counter, counted, now_ms))
            .collect();
        let mut open: Vec<Open> = Vec::new();
        for (counter, mut one) in call.counters.iter().zip(opened) {
            self.drop_levels(counter, now_ms);
            one.free = if one.readiness == Readiness::OtherWindow {
                0
            } else {
                self.free(counter, now_ms)
            };
            open.push(one);
        }
        let verdicts = call.asks.iter().map(|ask| grant(ask, &mut open)).collect();
        let grants = call.counters.iter().zip(open);
        let grants = grants.map(|(counter, one)| self.give(counter, one, gateways)).collect();
        let run = self.run.clone();
        Some(Answer { now_ms, counted, gateways, run, grants, verdicts })
    }

    fn claim(&mut self, call: &Call, counter: &Counter, counted: bool, now_ms: i64) -> Open {
        let sliding = counter.span_ms > 0;
        let field = if sliding {
            format!("{}:{}", call.gateway, counter.start_ms)
        } else {
            call.gateway.clone()
        };
        let kept = if sliding { counter.span_ms } else { LATE_MS };
        let fields = self.counters.entry(counter.key.clone()).or_default();
        let held = fields.get(&field).copied().unwrap_or(0);
        let over = counter.end_ms.is_some_and(|end| now_ms >= end + kept);
        let keeps = self.flaw == Flaw::KeepsWhatItHolds;
        let claim = counter.claim;
        if claim != held && !over && !keeps {
            if !sliding {
                *fields.entry("t".into()).or_default() += claim - held;
            }
            if claim == 0 {
                fields.remove(&field);
            } else {
                fields.insert(field.clone(), claim);
            }
        }
        let current = now_ms >= counter.start_ms && counter.end_ms.is_none_or(|end| now_ms < end);
        let readiness = match (current, counted || !counter.closed) {
            (false, _) => Readiness::OtherWindow,
            (true, false) => Readiness::Incomplete,
            (true, true) => Readiness::Ready,
        };
        Open { field, readiness, free: 0, granted: 0 }
    }

    fn drop_levels(&mut self, counter: &Counter, now_ms: i64) {
        let fields = self.counters.entry(counter.key.clone()).or_default();
        if !counter.level {
            return;
        }
        let gone = |name: &String| {
            name != "t" && self.seen.get(name).is_none_or(|(at, _)| *at <= now_ms - LEVEL_MS)
        };
        let names: Vec<String> = fields.keys().filter(|name| gone(name)).cloned().collect();
        for name in names {
            let held = fields.remove(&name).unwrap();
            *fields.entry("t".into()).or_default() -= held;
        }
    }

    fn free(&mut self, counter: &Counter, now_ms: i64) -> i64 {
        let fields = self.counters.entry(counter.key.clone()).or_default();
        let total: i128 = if counter.span_ms == 0 {
            fields.get("t").copied().unwrap_or(0).into()
        } else {
            let length = counter.end_ms.unwrap() - counter.start_ms;
            fields.retain(|name, _| {
                let start: i64 = name.rsplit(':').next().unwrap().parse().unwrap();
                start + length + counter.span_ms > now_ms
            });
            fields.values().map(|held| i128::from(*held)).sum()
        };
        let free = i128::from(counter.max) - total;
        i64::try_from(free.clamp((-MOST).into(), MOST.into())).unwrap()
    }

    fn give(&mut self, counter: &Counter, mut open: Open, gateways: i64) -> Grant {
        let most = (counter.max as f64 / 50.0 / gateways as f64).floor() as i64;
        let share = most.min(open.free.div_euclid(16)).max(0);
        let ahead = counter.extra.min(share);
        if ahead > 0 && open.readiness == Readiness::Ready {
            open.free -= ahead;
            open.granted += ahead;
        }
        if open.granted > 0 {
            let fields = self.counters.entry(counter.key.clone()).or_default();
            if counter.span_ms == 0 {
                *fields.entry("t".into()).or_default() += open.granted;
            }
            *fields.entry(open.field).or_default() += open.granted;
        }
        let Open { granted, free, readiness, .. } = open;
        Grant { granted, free, share, readiness, asked: 0 }
    }
}

fn grant(ask: &[(usize, i64)], open: &mut [Open]) -> usize {
    let stands = |(at, amount): &(usize, i64)| {
        open[*at].readiness != Readiness::Ready || *amount > open[*at].free
    };
    if let Some(at) = ask.iter().position(stands) {
        return at + 1;
    }
    for (at, amount) in ask {
        open[*at].free -= amount;
        open[*at].granted += amount;
    }
    0
}

/// The real script on a real server, call by call beside the twin.
mod tests {
    use super::*;
    use contract::channel;
    use contract::id::OrgId;
    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};
    use redis_link::servers::Servers;
    use uuid::Uuid;

    const STEPS: usize = 3_000;

    fn org() -> OrgId {
        OrgId(Uuid::from_u128(7))
    }

    /// Three counters of each kind, some of them around the edge of their window.
    fn counter(rng: &mut StdRng, which: usize, now_ms: i64) -> Counter {
        let max = match rng.random_range(0..8) {
            0 => i64::MAX,
            1 => 0,
            2 => -5,
            _ => rng.random_range(1..20_000),
        };
        let (start_ms, end_ms, span_ms) = match which {
            0 | 1 => (0, None, 0),
            2 | 3 => {
                let start = (now_ms - rng.random_range(0..70_000)).div_euclid(60_000) * 60_000;
                (start, Some(start + 60_000), 0)
            }
            _ => {
                let start = (now_ms - rng.random_range(0..3_000)).div_euclid(937) * 937;
                (start, Some(start + 937), 60_000)
            }
        };
        let name = if span_ms > 0 { 0 } else { start_ms };
        Counter {
            key: format!("tg:{{{}}}:limit:{which}:{name}", org()),
            max,
            claim: match rng.random_range(0..5) {
                0 => 0,
                1 if which == 3 => 2_000_000_000_000_000_001,
                _ => rng.random_range(0..400),
            },
            extra: [0, 0, 7, 1_000][rng.random_range(0..4)],
            start_ms,
            end_ms,
            span_ms,
            closed: rng.random_bool(0.5),
            level: which == 1,
        }
    }

    fn call(rng: &mut StdRng, number: u64, now_ms: i64) -> Call {
        let counters: Vec<Counter> = (0..6)
            .filter(|_| rng.random_bool(0.6))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|which| counter(rng, which, now_ms))
            .collect();
        let mut asks = Vec::new();
        for _ in 0..rng.random_range(0..4) {
            let places: Vec<usize> = (0..counters.len()).filter(|_| rng.random_bool(0.5)).collect();
            asks.push(places.into_iter().map(|at| (at, rng.random_range(1..300))).collect());
        }
        Call {
            org_id: org(),
            gateway: ["a", "b", "c"][rng.random_range(0..3)].into(),
            number: number.saturating_sub(rng.random_range(0..3)),
            now_ms: Some(now_ms),
            asks,
            counters,
        }
    }

    #[tokio::test]
    async fn the_script_and_its_twin_do_the_same() {
        let redis = Servers::start();
        let mut connection = redis.connection().await;
        let script = redis_link::Script::new(include_str!("draw.lua"));
        let seed = rand::random();
        println!("seed {seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let mut now_ms = 1_767_225_600_000;
        let mut twin: Option<Server> = None;
        let mut compared = 0;
        for number in 0..STEPS {
            now_ms += [0, 1, 40, 700, 9_000][rng.random_range(0..5)];
            let call = call(&mut rng, number as u64, now_ms);
            let mut invocation = script.prepare_invoke();
            for key in call.keys() {
                invocation.key(key);
            }
            for word in call.args() {
                invocation.arg(word);
            }
            let words: Result<Vec<String>, _> = invocation.invoke_async(&mut connection).await;
            let twin = match (&mut twin, &words) {
                (Some(twin), _) => twin,
                (none, words) => {
                    let run = &words.as_ref().unwrap()[3];
                    none.insert(Server::new(run, Flaw::None))
                }
            };
            let expected = twin.draw(&call, now_ms);
            let answer =
                words.map(|w| Answer::read(&w, call.counters.len(), call.asks.len()).unwrap());
            assert_eq!(answer.as_ref().ok(), expected.as_ref(), "call {number}: {call:?}");
            compared += usize::from(expected.is_some());
            if rng.random_ratio(1, 50) {
                let run = if rng.random_bool(0.7) { twin.run.clone() } else { "other".into() };
                let mut set = redis::cmd("SET");
                set.arg(channel::restored(org())).arg(&run);
                set.query_async::<()>(&mut connection).await.unwrap();
                twin.counted = Some(run);
            }
        }
        assert!(compared > STEPS / 2, "only {compared} calls were taken");
        let twin = twin.unwrap();
        for (key, fields) in &twin.counters {
            let mut all = redis::cmd("HGETALL");
            let there: BTreeMap<String, i64> =
                all.arg(key).query_async(&mut connection).await.unwrap();
            let nonzero = |fields: &Fields| {
                fields.iter().filter(|(_, v)| **v != 0).map(|(k, v)| (k.clone(), *v)).collect()
            };
            let (there, here): (Fields, Fields) = (nonzero(&there), nonzero(fields));
            assert_eq!(there, here, "{key}");
        }
    }
}
