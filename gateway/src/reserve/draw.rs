//! The background half of reservations: everything that waits for a draw goes to Redis together,
//! one script call an org, one call in flight. Callers never wait on a lock.

use super::allowance::{Allowance, Bounds, Draw, Grant, Hold};
use super::book::Book;
use super::refusal::Standing;
use crate::clock::Clock;
use crate::link::Link;
use crate::telemetry::{Count, Telemetry, Timing};
use contract::Timestamp;
use contract::channel;
use contract::id::{GatewayId, OrgId};
use contract::snapshot::Metric;
use redis::{ErrorKind, RedisError, RedisResult};
use redis_link::{Call, Script};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Requests that go to Redis together at most.
const BATCH_MAX: usize = 1_024;
/// Counters in one script call at most: a script must not hold Redis up.
const COUNTERS_MAX: usize = 256;
/// How often idle allowance is looked for.
const SWEEP: Duration = Duration::from_millis(200);

/// What a caller lacks of one limit.
#[derive(Debug)]
pub(super) struct Need {
    pub metric: Metric,
    pub hold: Hold,
    /// Held and missing together.
    pub amount: i64,
    pub missing: i64,
}

impl Need {
    /// Needs all of it in `window`: what is held of a window before does not help there.
    pub fn move_to(&mut self, window: Bounds) {
        if !self.hold.move_to(window) {
            self.missing = self.amount;
        }
    }
}

/// All that one caller lacks; granted together or not at all.
#[derive(Debug)]
pub(super) struct Ask {
    pub needs: Vec<Need>,
    pub now: Timestamp,
    pub reply: oneshot::Sender<Answer>,
}

#[derive(Debug)]
pub(super) enum Request {
    Ask(Ask),
    /// Draw ahead, or give up what is too much; nobody waits.
    Balance(Arc<Allowance>),
    /// Look at every allowance; with `drain`, give up all that is not used.
    Sweep {
        drain: bool,
        done: Option<oneshot::Sender<()>>,
    },
    /// Say when everything before this is done.
    Barrier(oneshot::Sender<()>),
}

/// What came of an ask. Dropping it gives everything back.
#[derive(Debug)]
pub(super) enum Answer {
    Granted(Vec<(Metric, Hold)>),
    Refused(Standing),
    /// Redis did not answer.
    Unreachable(Vec<Need>),
}

/// Draws for a [`super::Reserve`]; run it in the background for as long as calls are served.
#[derive(Debug)]
pub struct Drawer {
    gateway: String,
    book: Arc<Book>,
    requests: mpsc::Receiver<Request>,
    telemetry: Arc<Telemetry>,
}

/// What goes to the counters of one org in one call.
#[derive(Default)]
struct Batch {
    allowances: Vec<Arc<Allowance>>,
    /// Where an allowance stands in the list, by its address.
    place: HashMap<usize, usize>,
    asks: Vec<Ask>,
}

fn address(allowance: &Arc<Allowance>) -> usize {
    Arc::as_ptr(allowance).addr()
}

impl Batch {
    fn place(&mut self, allowance: &Arc<Allowance>) -> usize {
        *self.place.entry(address(allowance)).or_insert_with(|| {
            self.allowances.push(Arc::clone(allowance));
            self.allowances.len() - 1
        })
    }

    /// A window may have ended between the ask and now.
    fn move_needs(&mut self, draws: &[Draw]) {
        for need in self.asks.iter_mut().flat_map(|ask| &mut ask.needs) {
            let place = self.place.get(&address(need.hold.allowance()));
            if let Some(draw) = place.and_then(|place| draws.get(*place)) {
                need.move_to(draw.window);
            }
        }
    }

    /// Adds, behind what is drawn now, what windows that are over should still hear of.
    fn add_late(&mut self, draws: &mut Vec<Draw>, now: Timestamp) {
        for at in 0..self.allowances.len() {
            let Some(allowance) = self.allowances.get(at).cloned() else { continue };
            for draw in allowance.plan_late(now) {
                draws.push(draw);
                self.allowances.push(Arc::clone(&allowance));
            }
        }
    }
}

impl Drawer {
    pub(super) fn new(
        gateway_id: GatewayId,
        book: Arc<Book>,
        requests: mpsc::Receiver<Request>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self { gateway: gateway_id.to_string(), book, requests, telemetry }
    }

    /// Serves draws until every [`super::Reserve`] is gone.
    pub async fn run(mut self, mut link: Link, clock: Clock) {
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let script = Script::new(include_str!("draw.lua"));
        loop {
            let mut requests = Vec::new();
            tokio::select! {
                count = self.requests.recv_many(&mut requests, BATCH_MAX) => {
                    if count == 0 {
                        return;
                    }
                }
                _ = sweep.tick() => requests.push(Request::Sweep { drain: false, done: None }),
            }
            self.serve(&mut link, &script, requests, clock.now()).await;
        }
    }

    async fn serve(
        &self,
        link: &mut Link,
        script: &Script,
        requests: Vec<Request>,
        now: Timestamp,
    ) {
        let mut batches = Batches::default();
        let mut drain = false;
        let mut waiting = Vec::new();
        for request in requests {
            match request {
                Request::Ask(ask) => {
                    let Some(org) = ask.needs.first().map(|n| n.hold.allowance().org_id) else {
                        continue;
                    };
                    let batch = batches.room(org, ask.needs.len());
                    for need in &ask.needs {
                        batch.place(need.hold.allowance());
                    }
                    batch.asks.push(ask);
                }
                Request::Balance(allowance) => {
                    batches.room(allowance.org_id, 1).place(&allowance);
                }
                Request::Sweep { drain: all, done } => {
                    for allowance in self.book.sweep(now, all) {
                        batches.room(allowance.org_id, 1).place(&allowance);
                    }
                    drain |= all;
                    waiting.extend(done);
                }
                Request::Barrier(done) => waiting.push(done),
            }
        }
        for batch in batches.full.into_iter().chain(batches.filling.into_values()) {
            self.draw(link, script, batch, now, drain).await;
        }
        for done in waiting {
            // Nobody may be waiting any more.
            done.send(()).unwrap_or_default();
        }
    }

    async fn draw(
        &self,
        link: &mut Link,
        script: &Script,
        mut batch: Batch,
        now: Timestamp,
        drain: bool,
    ) {
        let now = batch.asks.iter().map(|ask| ask.now).fold(now, Timestamp::max);
        let mut draws: Vec<Draw> =
            batch.allowances.iter().map(|a| a.plan_draw(now, drain)).collect();
        batch.move_needs(&draws);
        batch.add_late(&mut draws, now);
        for draw in draws.iter().filter(|draw| draw.overdrawn > 0) {
            self.overdrawn(draw);
        }
        let call = self.call(script, &batch, &draws);
        let counters = draws.len();
        let asks = batch.asks.len();
        let started = Instant::now();
        let answer = link
            .run(|mut connection| async move {
                let words: Vec<String> = call.invoke_kept(&mut connection).await?;
                read(&words, counters, asks)
            })
            .await;
        self.telemetry.time(Timing::Draw, started.elapsed());
        match answer {
            Ok(answer) => self.settle(batch, &draws, answer, now),
            Err(error) => {
                tracing::warn!(%error, "allowances could not be drawn");
                self.telemetry.count(Count::DrawFailed, 1);
                for (allowance, draw) in batch.allowances.iter().zip(&draws) {
                    allowance.failed(draw);
                }
                for ask in batch.asks {
                    // A caller that has gone drops its needs, which gives them back.
                    drop(ask.reply.send(Answer::Unreachable(ask.needs)));
                }
            }
        }
    }

    fn call<'a>(&self, script: &'a Script, batch: &Batch, draws: &[Draw]) -> Call<'a> {
        let mut call = script.prepare_invoke();
        call.arg(&self.gateway);
        for (allowance, draw) in batch.allowances.iter().zip(draws) {
            call.key(channel::limit_drawn(
                allowance.org_id,
                &draw.limit.id.to_string(),
                &allowance.subject,
                draw.window.0,
            ));
            let or_empty = |number: Option<i64>| number.map_or(String::new(), |n| n.to_string());
            call.arg(draw.limit.max).arg(or_empty(draw.claim));
            call.arg(draw.extra).arg(or_empty(draw.keep_s));
        }
        for ask in &batch.asks {
            call.arg(ask.needs.len());
            for need in &ask.needs {
                let place = batch.place.get(&address(need.hold.allowance()));
                call.arg(place.map_or(0, |place| place + 1)).arg(need.missing);
            }
        }
        call
    }

    fn settle(&self, batch: Batch, draws: &[Draw], mut answer: Words, now: Timestamp) {
        for (ask, verdict) in batch.asks.iter().zip(&answer.verdicts) {
            if *verdict == 0 {
                for need in &ask.needs {
                    let place = batch.place.get(&address(need.hold.allowance()));
                    if let Some(grant) = place.and_then(|place| answer.grants.get_mut(*place)) {
                        grant.asked = grant.asked.saturating_add(need.missing);
                    }
                }
            }
        }
        let drawn = batch.allowances.iter().zip(draws).zip(&answer.grants);
        for ((allowance, draw), grant) in drawn {
            allowance.granted(draw, grant);
        }
        for (ask, verdict) in batch.asks.into_iter().zip(answer.verdicts) {
            let draw_of = |need: &Need| {
                let place = batch.place.get(&address(need.hold.allowance()));
                place.and_then(|place| draws.get(*place))
            };
            // Verdicts count from one; zero is a grant.
            let binding = verdict.checked_sub(1).and_then(|at| ask.needs.get(at));
            let reply = match binding.and_then(|need| Some((need, draw_of(need)?))) {
                Some((need, draw)) => {
                    self.telemetry.count(Count::DrawRefused, 1);
                    Answer::Refused(need.hold.allowance().full(draw, now))
                }
                None => {
                    self.telemetry.count(Count::DrawGranted, 1);
                    Answer::Granted(taken(ask.needs))
                }
            };
            drop(ask.reply.send(reply));
        }
    }

    fn overdrawn(&self, draw: &Draw) {
        let count = match draw.limit.metric {
            Metric::Requests => Count::OverdrawnRequests,
            Metric::Tokens | Metric::InputTokens | Metric::OutputTokens => Count::OverdrawnTokens,
            Metric::Concurrency => Count::OverdrawnConcurrency,
            Metric::ComputeMs => Count::OverdrawnComputeMs,
            Metric::Rows => Count::OverdrawnRows,
            Metric::Money => Count::OverdrawnNanos,
        };
        self.telemetry.count(count, u64::try_from(draw.overdrawn).unwrap_or(0));
        tracing::info!(
            limit_id = %draw.limit.id,
            metric = draw.limit.metric.as_str(),
            amount = draw.overdrawn,
            "calls used more than was reserved for them"
        );
    }
}

/// The needs of a granted ask, now held in full.
fn taken(needs: Vec<Need>) -> Vec<(Metric, Hold)> {
    needs
        .into_iter()
        .map(|Need { metric, mut hold, missing, .. }| {
            hold.grow(missing);
            (metric, hold)
        })
        .collect()
}

/// The batches of one round: one being filled for each org, and those that are full.
#[derive(Default)]
struct Batches {
    filling: HashMap<OrgId, Batch>,
    full: Vec<Batch>,
}

impl Batches {
    /// The batch of an org, with room for `more` counters.
    fn room(&mut self, org: OrgId, more: usize) -> &mut Batch {
        let batch = self.filling.entry(org).or_default();
        if batch.allowances.len() + more > COUNTERS_MAX {
            self.full.push(std::mem::take(batch));
        }
        batch
    }
}

/// The script's answer.
struct Words {
    grants: Vec<Grant>,
    verdicts: Vec<usize>,
}

fn read(words: &[String], counters: usize, asks: usize) -> RedisResult<Words> {
    let number = |word: Option<&String>| {
        word.and_then(|word| word.parse::<i64>().ok()).ok_or_else(|| {
            RedisError::from((ErrorKind::UnexpectedReturnType, "the draw script answered oddly"))
        })
    };
    let mut words = words.iter();
    let mut grants = Vec::with_capacity(counters);
    for _ in 0..counters {
        let granted = number(words.next())?;
        let free = number(words.next())?;
        let held = number(words.next())?;
        let share = number(words.next())?;
        grants.push(Grant { granted, free, held, share, asked: 0 });
    }
    let mut verdicts = Vec::with_capacity(asks);
    for _ in 0..asks {
        verdicts.push(usize::try_from(number(words.next())?).unwrap_or(0));
    }
    Ok(Words { grants, verdicts })
}
