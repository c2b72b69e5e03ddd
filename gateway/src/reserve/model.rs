//! Many gateways, one counter server and a clock, all in one thread and all from one seed: every
//! message may be lost, repeated or late, clocks are wrong, gateways are killed and cut off,
//! the server is emptied, started again and replaced by one that has not heard the last of it.
//! The gateways are the real ones, down to the calls of the script; the server is its twin.
//!
//! What must hold at every step: of no limit more is admitted than its maximum, in any window by
//! the server's clock; and of a busy limit at least 95 % is admitted before the first refusal. At
//! the end, when every call has ended, the counters hold what was used and nothing else.

use super::Caller;
use super::allowance::Hold;
use super::batch::{Batch, Batches};
use super::book::Book;
use super::call::{Answer, Call};
use super::counter::{Flaw, LEVEL_MS, Server};
use super::draw::{Ask, Reply, Request};
use super::lease::{LEASE_MS, Lease};
use super::reservation::Taking;
use super::window::{Bounds, window_at};
use crate::clock::Clock;
use crate::telemetry::Telemetry;
use contract::Timestamp;
use contract::id::{AppId, KeyId, LimitId, ModelId, OrgId, PlanId, SubscriptionId, TeamId};
use contract::snapshot::{LimitRecord, LimitScope, Metric, Window};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
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

/// A call that runs.
struct Running {
    holds: Vec<(Metric, Hold)>,
    ends_at_ms: i64,
    /// Its gateway was cut off for so long that its place was given to others.
    forfeited: bool,
}

struct Waiting {
    reply: oneshot::Receiver<Reply>,
    holds: Vec<(Metric, Hold)>,
    amounts: Vec<i64>,
    since_ms: i64,
    /// As of a call that runs: what it holds already was given to others.
    forfeited: bool,
}

/// What was admitted of each limit in each window: in all, and by each gateway.
#[derive(Default)]
struct Books {
    all: BTreeMap<(usize, Bounds), i64>,
    by_gateway: BTreeMap<(usize, Bounds, String), i64>,
}

impl Books {
    fn add(&mut self, limit: usize, window: Bounds, gateway: &str, amount: i64) {
        *self.all.entry((limit, window)).or_default() += amount;
        *self.by_gateway.entry((limit, window, gateway.to_owned())).or_default() += amount;
    }

    fn of(&self, limit: usize, window: Bounds) -> i64 {
        self.all.get(&(limit, window)).copied().unwrap_or(0)
    }

    /// Forgets windows that ended before.
    fn forget(&mut self, before_ms: i64) {
        self.all.retain(|(_, window), _| window.1 > before_ms);
        self.by_gateway.retain(|(_, window, _), _| window.1 > before_ms);
    }
}

struct Flight {
    batch: Batch,
    number: u64,
    sent_ms: i64,
}

struct Gateway {
    name: String,
    clock: Clock,
    skew_ms: i64,
    lease: Arc<Lease>,
    book: Arc<Book>,
    requests: mpsc::Receiver<Request>,
    sender: mpsc::Sender<Request>,
    number: u64,
    runs: Vec<String>,
    flight: Option<Flight>,
    queue: Vec<Batch>,
    waiting: Vec<Waiting>,
    running: Vec<Running>,
    swept_ms: i64,
    probed_ms: i64,
    cut_until_ms: i64,
    /// When the server last heard of it.
    heard_ms: i64,
    /// What it wrote on the roll, and what was called when it last looked there.
    roll: (u64, u64),
    called: u64,
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

/// A message under way.
enum Message {
    Ask(Call),
    Answer { to: String, number: u64, answer: Answer },
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

impl Gateway {
    fn start(n: u128, now_ms: i64, skew_ms: i64, broken: Broken) -> Self {
        let clock = Clock::fixed(at(now_ms + skew_ms));
        let (sender, requests) = mpsc::channel(1_024);
        let book = Arc::new(Book::new(clock.clone(), sender.downgrade()));
        let lease = book.lease(caller().org_id);
        match broken {
            Broken::NoLease => lease.never_ends(),
            Broken::OwnClock => lease.trusts_the_wall(),
            _ => {}
        }
        Self {
            name: format!("gw-{n}"),
            clock,
            skew_ms,
            lease,
            book,
            requests,
            sender,
            number: 0,
            runs: Vec::new(),
            flight: None,
            queue: Vec::new(),
            waiting: Vec::new(),
            running: Vec::new(),
            swept_ms: 0,
            probed_ms: 0,
            cut_until_ms: 0,
            heard_ms: now_ms,
            roll: (0, 0),
            called: 0,
        }
    }

    fn wall(&self) -> Timestamp {
        self.clock.now()
    }

    /// Gathers what the background half would, and says what goes out now.
    fn pump(&mut self, now_ms: i64) -> Option<Call> {
        if let Some(flight) = &self.flight {
            if now_ms - flight.sent_ms < PATIENCE_MS {
                return None;
            }
            self.flight.take().unwrap().batch.fail();
        }
        // One round is finished before the next begins.
        if self.queue.is_empty() {
            let mut batches = Batches::default();
            while let Ok(request) = self.requests.try_recv() {
                match request {
                    Request::Ask(ask) => batches.ask(ask),
                    Request::Balance(allowance) => {
                        batches.room(allowance.org_id, 1).place(&allowance);
                    }
                    Request::Sweep { .. } | Request::Barrier(_) => {}
                }
            }
            if now_ms - self.swept_ms >= SWEEP_MS {
                self.swept_ms = now_ms;
                for allowance in self.book.sweep(self.wall(), false) {
                    batches.room(allowance.org_id, 1).place(&allowance);
                }
            }
            self.queue.extend(batches.into_all().filter(|batch| batch.len() > 0));
        }
        if self.queue.is_empty() {
            return None;
        }
        let mut batch = self.queue.remove(0);
        self.number += 1;
        let call = batch.plan(&self.name, self.number, self.wall(), false)?;
        self.flight = Some(Flight { batch, number: self.number, sent_ms: now_ms });
        Some(call)
    }
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

    /// A call arrives at some gateway.
    fn call_in(&mut self) {
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
    fn admit(&mut self, n: usize, holds: Vec<(Metric, Hold)>, from_ms: i64, forfeited: bool) {
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

    fn limit_of(&self, metric: Metric) -> usize {
        self.limits.iter().position(|limit| limit.metric == metric).unwrap()
    }

    fn hear_replies(&mut self, n: usize) {
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
    fn refused(&mut self, limit: usize, amount: i64) {
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

    /// Of a limit of which something was admitted now.
    fn check(&self, limit: usize, window: Bounds) {
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

    fn end_calls(&mut self) {
        let n = self.rng.random_range(0..self.gateways.len());
        self.end_calls_of(n);
    }

    fn end_calls_of(&mut self, n: usize) {
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
    fn forfeit(&mut self) {
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

    fn send(&mut self, n: usize, call: Call) {
        let cut = self.gateways[n].cut_until_ms > self.now_ms;
        let storm = self.weather == Weather::Storm;
        let travel = self.rng.random_range(0..3);
        let lost = cut || (storm && self.rng.random_ratio(1, 100));
        if !lost {
            self.messages.push((self.now_ms + travel, Message::Ask(call.clone())));
        }
        if storm && self.rng.random_ratio(1, 60) {
            // Left in some buffer: it arrives long after, perhaps a second time.
            let late = self.rng.random_range(3..4_000);
            self.messages.push((self.now_ms + late, Message::Ask(call)));
        }
    }

    fn deliver(&mut self) {
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.messages)
            .into_iter()
            .partition(|(at_ms, _)| *at_ms <= self.now_ms);
        self.messages = later;
        for (_, message) in due {
            match message {
                Message::Ask(call) => {
                    let Some(answer) = self.server.draw(&call, self.now_ms) else { continue };
                    let now_ms = self.now_ms;
                    if let Some(one) = self.gateways.iter_mut().find(|g| g.name == call.gateway) {
                        one.heard_ms = now_ms;
                    }
                    let lost = self.weather == Weather::Storm && self.rng.random_ratio(1, 100);
                    let travel = self.rng.random_range(0..3);
                    let (to, number) = (call.gateway, call.number);
                    let message = Message::Answer { to, number, answer };
                    if !lost {
                        self.messages.push((self.now_ms + travel, message));
                    }
                }
                Message::Answer { to, number, answer } => self.take_up(&to, number, answer),
            }
        }
    }

    fn take_up(&mut self, to: &str, number: u64, answer: Answer) {
        let Some(n) = self.gateways.iter().position(|gateway| gateway.name == to) else { return };
        let gateway = &mut self.gateways[n];
        let waits = gateway.flight.as_ref().is_some_and(|flight| flight.number == number);
        if !waits || gateway.cut_until_ms > self.now_ms {
            return;
        }
        if !gateway.runs.contains(&answer.run) {
            let first = gateway.runs.is_empty();
            gateway.runs.push(answer.run.clone());
            if !first {
                gateway.book.lost();
            }
        }
        let flight = gateway.flight.take().unwrap();
        let mut again = Batches::default();
        for ask in flight.batch.settle(answer, &self.telemetry) {
            again.ask(ask);
        }
        gateway.queue.extend(again.into_all().filter(|batch| batch.len() > 0));
    }

    /// Each second, and more often when that is waited for, a gateway writes on the roll, and looks
    /// whether the server knows it.
    fn probe(&mut self, n: usize) {
        let gateway = &mut self.gateways[n];
        let waited_for = gateway.called != gateway.roll.1 || gateway.lease.is_incomplete();
        let every_ms = if waited_for { 200 } else { 1_000 };
        let steady_ms = gateway.clock.steady_ms();
        let ending = gateway.book.roll.is_ending(steady_ms);
        if self.now_ms - gateway.probed_ms < every_ms && !ending {
            return;
        }
        gateway.probed_ms = self.now_ms;
        if gateway.cut_until_ms > self.now_ms {
            return gateway.book.roll.missed(steady_ms);
        }
        // It says one thing after another.
        if gateway.flight.is_none() && gateway.queue.is_empty() && gateway.book.is_told() {
            gateway.roll.1 = gateway.called;
        }
        gateway.roll.0 += 1;
        self.server.roll.insert(gateway.name.clone(), gateway.roll);
        gateway.book.roll.written(steady_ms);
        let emptied = !self.here.contains(&gateway.name);
        if emptied {
            self.here.push(gateway.name.clone());
        }
        if (emptied && gateway.number > 0) || gateway.called != self.server.called {
            gateway.book.lost();
        }
        gateway.called = self.server.called;
    }

    fn fault(&mut self) {
        self.faults += 1;
        let fault = self.rng.random_range(0..20);
        if fault >= 13 {
            self.buried.clear();
        }
        match fault {
            0..8 => {
                // Cut off from the server, calls go on.
                let n = self.rng.random_range(0..self.gateways.len());
                let cut_ms = match self.rng.random_range(0..4) {
                    0 => self.rng.random_range(0..40_000),
                    _ => self.rng.random_range(0..4_000),
                };
                let gateway = &mut self.gateways[n];
                gateway.cut_until_ms = gateway.cut_until_ms.max(self.now_ms + cut_ms);
            }
            8..13 => {
                let n = self.rng.random_range(0..self.gateways.len());
                self.kill(n);
            }
            13..16 => {
                self.server = Server::new(&self.server.run, self.server.flaw);
                self.replica = self.server.clone();
                self.here.clear();
                self.emptied += 1;
            }
            16..18 => {
                // Another master, which has not heard the last.
                self.runs += 1;
                self.server = self.replica.clone();
                self.server.run = format!("run-{}", self.runs);
            }
            _ => self.start_again(),
        }
    }

    /// The server starts again with all it had.
    fn start_again(&mut self) {
        self.runs += 1;
        self.server.run = format!("run-{}", self.runs);
    }

    /// `kill -9`: calls end, holds are never settled, what was in hand is gone.
    fn kill(&mut self, n: usize) {
        let mut gateway = self.gateways.remove(n);
        for call in gateway.running.drain(..) {
            for (metric, hold) in call.holds {
                // Nobody knows what they used: they count as all they held. But they run no more.
                if metric == Metric::Concurrency && !call.forfeited {
                    let limit = self.limit_of(metric);
                    self.books.add(limit, hold.window(), &gateway.name, -hold.amount());
                }
                std::mem::forget(hold);
            }
        }
        // Another process finds the same folder after a while.
        let back_at = self.now_ms + self.rng.random_range(100..6_000);
        self.dead.push((gateway.name, back_at));
        self.start_gateway();
    }

    /// What the backend does: it completes counts, and sets what dead gateways have to what they
    /// used, once their successors have shipped it.
    fn recount(&mut self) {
        let shipped: Vec<String> = self
            .dead
            .iter()
            .filter(|(_, at)| *at <= self.now_ms)
            .map(|(name, _)| name.clone())
            .collect();
        self.dead.retain(|(_, at)| *at > self.now_ms);
        for name in shipped {
            self.set_to_use(&name, false);
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
    fn set_to_use(&mut self, name: &str, least: bool) {
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

    /// Lets every call end, in calm weather, until nobody has anything more to say.
    fn end(&mut self) {
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
    fn check_nothing_leaks(&self) {
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

    /// Raises a lifetime's limit that is used up, or nothing would happen any more.
    fn raise(&mut self) {
        for at in 0..self.limits.len() {
            let limit = &self.limits[at];
            let full = self.books.of(at, (0, i64::MAX)) * 100 >= limit.max * 97;
            if limit.metric == Metric::Money && full {
                self.limits[at] = Arc::new(LimitRecord { max: limit.max * 2, ..(**limit).clone() });
            }
        }
    }
}

/// Key and field of what a gateway has of a limit.
fn place(record: &LimitRecord, name: &str, window: Bounds) -> (String, String) {
    let (org, id) = (caller().org_id, record.id.to_string());
    let subject = caller().app_id.to_string();
    if record.sliding {
        let key = contract::channel::limit_sliding(org, &id, &subject);
        return (key, format!("{name}:{}", window.0));
    }
    let start_s = window.0.div_euclid(1_000);
    (contract::channel::limit_drawn(org, &id, &subject, start_s), name.to_owned())
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
