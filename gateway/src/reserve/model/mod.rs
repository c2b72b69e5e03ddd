//! Many gateways, one counter server and a clock, all in one thread and all from one seed: every
//! message may be lost, repeated or late, clocks are wrong, gateways are killed and cut off,
//! the server is emptied, started again and replaced by one that has not heard the last of it.
//! The gateways are the real ones, down to the calls of the script; the server is its twin.
//!
//! What must hold at every step: of no limit more is admitted than its maximum, in any window by
//! the server's clock; and of a busy limit at least 95 % is admitted before the first refusal. At
//! the end, when every call has ended, the counters hold what was used and nothing else.

mod calls;
mod gateway;
mod invariants;
mod network;
mod recount;

use crate::reserve::Caller;
use crate::reserve::counter::{Flaw, LEVEL_MS, Server};
use crate::reserve::window::{Bounds, window_at};
use crate::telemetry::Telemetry;
use contract::Timestamp;
use contract::id::{AppId, KeyId, LimitId, ModelId, OrgId, PlanId, SubscriptionId, TeamId};
use contract::snapshot::{LimitRecord, LimitScope, Metric, Window};
use gateway::Gateway;
use invariants::Books;
use network::Message;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

const START_MS: i64 = 1_767_225_600_000;
const GATEWAYS: usize = 4;
/// A call of the script without an answer for this long counts as lost.
const PATIENCE_MS: i64 = 500;
const SWEEP_MS: i64 = 200;
/// From when the counts are known to be incomplete until they are completed, at least.
const RECOUNT_MS: i64 = 1_500;
/// Whoever did not write on the roll for so long has nothing in hand.
const HELD_MS: i64 = 7_000;
/// Whoever completes counts looks at the roll more often than that, or starts to wait anew.
const LOOK_MS: i64 = 700;
/// How long counts wait for a gateway that nobody hears of.
const LOST_MS: i64 = LEVEL_MS + 1_000;

/// What is left out on purpose, to see that the model notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    Nothing,
    Server(Flaw),
    /// What is in hand may be used for ever.
    NoLease,
    /// Windows begin and end by the gateway's own clock.
    OwnClock,
    /// Counts are complete before everyone on the roll has said what it has.
    NoRollCall,
}

/// How wild it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Calm,
    Storm,
}

/// Whoever completes counts, as far as it knows.
#[derive(Default)]
struct Clerk {
    /// Who stands on the roll: the entry, and when it was another.
    seen: BTreeMap<String, ((u64, u64), i64)>,
    looked_ms: i64,
    called: u64,
    loss: Option<Loss>,
}

/// One loss of the counters.
struct Loss {
    /// How often the server was emptied, and its run.
    of: (u64, String),
    since_ms: i64,
    /// What is answered by those who have said again what they have.
    word: u64,
}

impl Clerk {
    fn look(&mut self, roll: &BTreeMap<String, (u64, u64)>, now_ms: i64) {
        if now_ms - self.looked_ms > LOOK_MS {
            self.seen.values_mut().for_each(|(_, written_ms)| *written_ms = now_ms);
        }
        self.looked_ms = now_ms;
        for (name, entry) in roll {
            if self.seen.get(name).is_none_or(|(known, _)| known != entry) {
                self.seen.insert(name.clone(), (*entry, now_ms));
            }
        }
    }

    fn is_answered(&self, word: u64) -> bool {
        self.seen.values().all(|((_, answered), written_ms)| {
            *answered >= word || self.looked_ms - written_ms >= HELD_MS
        })
    }

    fn speaks(&self, name: &str, word: u64) -> bool {
        self.seen.get(name).is_some_and(|((_, answered), _)| *answered >= word)
    }
}

struct World {
    rng: StdRng,
    seed: u64,
    broken: Broken,
    weather: Weather,
    now_ms: i64,
    limits: Vec<Arc<LimitRecord>>,
    gateways: Vec<Gateway>,
    /// Killed ones, until their successor has shipped what they recorded.
    dead: Vec<(String, i64)>,
    /// What was admitted of the first limit, step by step, and in which window it last refused.
    used_lately: Vec<i64>,
    first_refusal: Option<Bounds>,
    /// Those of which that was done, and the server has lost nothing since.
    buried: Vec<String>,
    born: u128,
    server: Server,
    /// As it was a moment ago: what a replica has.
    replica: Server,
    here: Vec<String>,
    runs: u64,
    /// How often the server was emptied.
    emptied: u64,
    clerk: Clerk,
    messages: Vec<(i64, Message)>,
    books: Books,
    telemetry: Telemetry,
    admitted: u64,
    refused: u64,
    faults: u64,
    steps: u64,
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n)
}

fn caller() -> Caller<'static> {
    Caller {
        org_id: OrgId(id(1)),
        team_id: TeamId(id(2)),
        app_id: AppId(id(3)),
        key_id: KeyId(id(4)),
        plan_id: PlanId(id(5)),
        subscription_id: SubscriptionId(id(6)),
        model_id: ModelId(id(7)),
        tags: &[],
    }
}

fn limits(rng: &mut StdRng, weather: Weather) -> Vec<Arc<LimitRecord>> {
    let limit = |n: u128, metric, window, max| {
        LimitRecord::new(
            LimitId(id(100 + n)),
            Some(caller().org_id),
            LimitScope::App(caller().app_id),
            (metric, window, max),
        )
    };
    let mut all = vec![limit(0, Metric::Requests, Window::Minute, rng.random_range(300..6_000))];
    if weather == Weather::Storm {
        let money = rng.random_range(20_000..400_000);
        all.push(limit(1, Metric::Money, Window::Lifetime, money));
        let sliding = limit(2, Metric::Tokens, Window::Minute, rng.random_range(500..8_000));
        all.push(LimitRecord { sliding: true, ..sliding });
        all.push(limit(3, Metric::Concurrency, Window::Lifetime, rng.random_range(5..40)));
    }
    all.into_iter().map(Arc::new).collect()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_timestamp_millis(ms).unwrap()
}

impl World {
    fn new(seed: u64, broken: Broken, weather: Weather) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut limits = limits(&mut rng, weather);
        if broken == Broken::OwnClock {
            // Where a window ends with something in hand, it matters when it ends.
            for limit in &mut limits {
                *limit = Arc::new(LimitRecord { max: limit.max * 1_000, ..(**limit).clone() });
            }
        }
        let flaw = match broken {
            Broken::Server(flaw) => flaw,
            _ => Flaw::None,
        };
        let mut server = Server::new("run-0", flaw);
        server.counted = Some("run-0".into());
        let mut world = Self {
            seed,
            broken,
            weather,
            now_ms: START_MS + rng.random_range(0..60_000),
            rng,
            limits,
            gateways: Vec::new(),
            dead: Vec::new(),
            buried: Vec::new(),
            used_lately: Vec::new(),
            first_refusal: None,
            born: 0,
            replica: server.clone(),
            server,
            here: Vec::new(),
            runs: 0,
            emptied: 0,
            clerk: Clerk::default(),
            messages: Vec::new(),
            books: Books::default(),
            telemetry: Telemetry::default(),
            admitted: 0,
            refused: 0,
            faults: 0,
            steps: 0,
        };
        for _ in 0..GATEWAYS {
            world.start_gateway();
        }
        world
    }

    fn start_gateway(&mut self) {
        self.born += 1;
        let skew = match self.weather {
            Weather::Calm => 0,
            // Near enough to draw, far enough to be wrong about the end of a window.
            Weather::Storm if self.broken == Broken::OwnClock => {
                self.rng.random_range(-3_000..3_000)
            }
            Weather::Storm => self.rng.random_range(-300_000..300_000),
        };
        self.gateways.push(Gateway::start(self.born, self.now_ms, skew, self.broken));
        // Before it draws anything, it is on the roll.
        self.probe(self.gateways.len() - 1);
    }

    fn step(&mut self) {
        self.steps += 1;
        let busy = self.rng.random_range(0..100);
        match busy {
            0..45 => self.call_in(),
            45..70 => self.end_calls(),
            70..99 => {}
            _ if self.weather == Weather::Storm => self.fault(),
            _ => {}
        }
        let pause = match (self.rng.random_range(0..1_000), self.weather) {
            (0, Weather::Storm) => self.rng.random_range(0..20_000),
            (1..20, _) => self.rng.random_range(0..400),
            (20..400, _) => self.rng.random_range(0..3),
            _ => 0,
        };
        self.pass(pause);
        self.forfeit();
        self.deliver();
        for n in 0..self.gateways.len() {
            self.probe(n);
            self.hear_replies(n);
            if let Some(call) = self.gateways[n].pump(self.now_ms) {
                self.send(n, call);
            }
        }
        if self.rng.random_ratio(1, 40) {
            self.replica = self.server.clone();
        }
        self.recount();
        let window = window_at(&self.limits[0], self.now_ms);
        if self.used_lately.len() >= 4_096 {
            self.used_lately.drain(..4_000);
        }
        self.used_lately.push(self.books.of(0, window));
        if self.steps.is_multiple_of(64) {
            self.books.forget(self.now_ms - 121_000);
            let old_ms = self.now_ms - 240_000;
            self.server.counters.retain(|key, _| {
                let start_s = key.rsplit(':').next().and_then(|s| s.parse::<i64>().ok());
                start_s.is_none_or(|start| start == 0 || start * 1_000 > old_ms)
            });
        }
        if self.steps.is_multiple_of(4_096) {
            self.raise();
        }
    }

    fn pass(&mut self, ms: i64) {
        self.now_ms += ms;
        for gateway in &self.gateways {
            gateway.clock.set(at(self.now_ms + gateway.skew_ms));
        }
    }
}

fn run(seed: u64, broken: Broken, weather: Weather, steps: u64) -> World {
    let mut world = World::new(seed, broken, weather);
    for _ in 0..steps {
        world.step();
    }
    world.end();
    world.check_nothing_leaks();
    world
}

/// A seed of its own for each run; `TOLLGATE_MODEL_SEED` repeats one.
fn first_seed() -> u64 {
    let said = std::env::var("TOLLGATE_MODEL_SEED").ok();
    said.map_or_else(rand::random, |text| text.parse().expect("TOLLGATE_MODEL_SEED is a number"))
}

/// Steps in all; `TOLLGATE_MODEL_STEPS` says how many.
fn steps() -> u64 {
    let said = std::env::var("TOLLGATE_MODEL_STEPS").ok();
    said.map_or(1_000_000, |text| text.parse().expect("TOLLGATE_MODEL_STEPS is a number"))
}

const EACH: u64 = 20_000;

#[test]
fn whatever_fails_no_window_admits_more_than_its_maximum_and_nothing_leaks() {
    let first = first_seed();
    let (mut admitted, mut refused, mut faults) = (0, 0, 0);
    for n in 0..steps().div_ceil(EACH) {
        let seed = first.wrapping_add(n);
        println!("seed {seed}");
        let world = run(seed, Broken::Nothing, Weather::Storm, EACH);
        admitted += world.admitted;
        refused += world.refused;
        faults += world.faults;
    }
    println!("{} steps: {admitted} admitted, {refused} refused, {faults} faults", steps());
    assert!(admitted > 1_000 && refused > 100 && faults > 100, "hardly anything happened");
}

#[test]
fn in_calm_weather_nearly_all_of_a_limit_is_admitted_before_the_first_refusal() {
    let first = first_seed();
    let mut refused = 0;
    for n in 0..(steps() / 4).div_ceil(EACH) {
        let seed = first.wrapping_add(n);
        println!("seed {seed}");
        refused += run(seed, Broken::Nothing, Weather::Calm, EACH).refused;
    }
    assert!(refused > 50, "the limit is hardly reached");
}

/// Whether the model notices that something is left out, within a few seeds.
fn is_caught(broken: Broken) -> bool {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let caught = (1..40)
        .any(|seed| std::panic::catch_unwind(|| run(seed, broken, Weather::Storm, EACH)).is_err());
    std::panic::set_hook(hook);
    caught
}

#[test]
fn a_protocol_without_claims_that_replace_is_caught() {
    assert!(is_caught(Broken::Server(Flaw::KeepsWhatItHolds)));
}

#[test]
fn a_protocol_without_a_mark_of_complete_counts_is_caught() {
    assert!(is_caught(Broken::Server(Flaw::GrantsUncounted)));
}

#[test]
fn a_protocol_that_takes_overtaken_calls_is_caught() {
    assert!(is_caught(Broken::Server(Flaw::TakesLateCalls)));
}

#[test]
fn a_protocol_without_a_lease_is_caught() {
    assert!(is_caught(Broken::NoLease));
}

#[test]
fn a_protocol_without_a_roll_call_is_caught() {
    assert!(is_caught(Broken::NoRollCall));
}

#[test]
fn a_protocol_with_windows_by_each_gateways_clock_is_caught() {
    assert!(is_caught(Broken::OwnClock));
}
