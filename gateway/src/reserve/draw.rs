//! The background half of reservations: everything that waits for a draw goes to Redis together,
//! one script call an org, one call in flight. Callers never wait on a lock.

use super::allowance::{Allowance, Draw, Hold};
use super::batch::{Batch, Batches};
use super::book::Book;
use super::call::Answer;
use super::refusal::Standing;
use super::window::Bounds;
use crate::clock::Clock;
use crate::link::Link;
use crate::telemetry::{Count, Telemetry, Timing};
use contract::Timestamp;
use contract::channel::{self, RollEntry};
use contract::id::{GatewayId, OrgId};
use contract::snapshot::{LimitRecord, Metric};
use redis_link::Script;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// Requests that go to Redis together at most.
const BATCH_MAX: usize = 1_024;
/// How often idle allowance is looked for.
const SWEEP: Duration = Duration::from_millis(200);
/// How often it is looked whether Redis was emptied, and the roll is written.
const PROBE: Duration = Duration::from_secs(1);
/// The same while counters are incomplete, or somebody waits for an answer.
const PROBE_SOON: Duration = Duration::from_millis(200);
/// How long Redis remembers that this gateway was here.
const HERE_KEPT_S: u64 = 60;
/// Between two asks of those that Redis has sent to another window.
const TURN: Duration = Duration::from_millis(1);
/// Orgs whose counters wait to be completed, said at most so often.
const REPORT: Duration = Duration::from_millis(250);

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
    /// How often it was asked already.
    pub tries: u8,
    pub reply: oneshot::Sender<Reply>,
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
pub(super) enum Reply {
    Granted(Vec<(Metric, Hold)>),
    Refused(Standing),
    /// Redis answered that it cannot know.
    Unknown(Arc<LimitRecord>),
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
    clock: Clock,
    /// Of the last call.
    number: u64,
    /// Runs of Redis servers that have answered.
    runs: HashSet<String>,
    /// Orgs whose counts are incomplete.
    incomplete: HashSet<OrgId>,
    /// The last word on the roll, and what was called since.
    roll: RollEntry,
    called: String,
    probed_at: Option<Instant>,
    /// Whether the roll could not be written the last time.
    missed: bool,
}

impl Drawer {
    pub(super) fn new(
        gateway_id: GatewayId,
        book: Arc<Book>,
        clock: Clock,
        requests: mpsc::Receiver<Request>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self {
            gateway: gateway_id.to_string(),
            book,
            requests,
            telemetry,
            clock,
            number: 0,
            runs: HashSet::new(),
            incomplete: HashSet::new(),
            roll: RollEntry::default(),
            called: String::new(),
            probed_at: None,
            missed: false,
        }
    }

    /// Serves draws until every [`super::Reserve`] is gone.
    pub async fn run(mut self, mut link: Link) {
        let [mut sweep, mut probe, mut report] = [SWEEP, PROBE_SOON, REPORT].map(|every| {
            let mut ticks = interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        let script = Script::new(include_str!("draw.lua"));
        self.probe(&mut link).await;
        loop {
            let mut requests = Vec::new();
            tokio::select! {
                count = self.requests.recv_many(&mut requests, BATCH_MAX) => {
                    if count == 0 {
                        return;
                    }
                }
                _ = sweep.tick() => requests.push(Request::Sweep { drain: false, done: None }),
                _ = probe.tick(), if self.probes_now() => self.probe(&mut link).await,
                _ = report.tick(), if !self.incomplete.is_empty() => self.report(&mut link).await,
            }
            self.serve(&mut link, &script, requests).await;
        }
    }

    fn probes_now(&self) -> bool {
        let waited_for = !self.incomplete.is_empty() || self.called != self.roll.answered;
        let soon = waited_for && !self.missed;
        self.probed_at.is_none_or(|at| at.elapsed() >= if soon { PROBE_SOON } else { PROBE })
    }

    async fn probe(&mut self, link: &mut Link) {
        let called = self.write_roll(link).await;
        self.missed = called.is_none();
        // Before the first draw there is nothing to lose.
        let emptied = !self.missed && self.is_emptied(link).await && self.number > 0;
        // From now on: to wait for an answer that does not come takes its time.
        self.probed_at = Some(Instant::now());
        let another = called.filter(|word| *word != self.called);
        if emptied || another.is_some() {
            self.book.lost();
        }
        if let Some(word) = another {
            self.called = word;
        }
    }

    /// Says that this gateway lives, and what is called: whoever completes counts calls the roll, and
    /// the word is repeated when all was said again.
    async fn write_roll(&mut self, link: &mut Link) -> Option<String> {
        if self.book.is_told() {
            self.roll.answered.clone_from(&self.called);
        }
        self.roll.count = self.roll.count.wrapping_add(1);
        let mut pipe = redis::pipe();
        let entry = self.roll.to_string();
        pipe.cmd("HSET").arg(channel::ROLL).arg(&self.gateway).arg(entry).ignore();
        pipe.cmd("GET").arg(channel::ROLL_CALL);
        let sent_ms = self.clock.steady_ms();
        let called = link
            .run(|mut connection| async move {
                pipe.query_async::<(Option<String>,)>(&mut connection).await
            })
            .await;
        let Ok((called,)) = called else {
            self.book.roll.missed(self.clock.steady_ms());
            return None;
        };
        self.book.roll.written(sent_ms);
        Some(called.unwrap_or_default())
    }

    /// Redis forgets that this gateway was here when it is emptied; so does one that is new.
    async fn is_emptied(&self, link: &mut Link) -> bool {
        let mut pipe = redis::pipe();
        for place in 0..channel::GATEWAY_HERE {
            let key = channel::gateway_here(&self.gateway, place);
            pipe.cmd("SET").arg(key).arg(1).arg("EX").arg(HERE_KEPT_S).arg("GET");
        }
        let here = link
            .run(|mut connection| async move {
                pipe.query_async::<Vec<Option<String>>>(&mut connection).await
            })
            .await;
        here.is_ok_and(|places| places.iter().any(Option::is_none))
    }

    /// Asks whoever knows all use to complete the counts of orgs.
    async fn report(&mut self, link: &mut Link) {
        let orgs: Vec<String> = self.incomplete.iter().map(ToString::to_string).collect();
        let said = link
            .run(|mut connection| async move {
                let mut command = redis::cmd("SADD");
                command.arg(channel::UNCOUNTED).arg(orgs);
                command.query_async::<()>(&mut connection).await
            })
            .await;
        if said.is_ok() {
            self.incomplete.clear();
        }
    }

    async fn serve(&mut self, link: &mut Link, script: &Script, requests: Vec<Request>) {
        let ending = self.book.roll.is_ending(self.clock.steady_ms());
        if ending && (!self.missed || self.probes_now()) {
            self.probe(link).await;
        }
        let mut batches = Batches::default();
        let mut drain = false;
        let mut waiting = Vec::new();
        for request in requests {
            match request {
                Request::Ask(ask) => batches.ask(ask),
                Request::Balance(allowance) => {
                    batches.room(allowance.org_id, 1).place(&allowance);
                }
                Request::Sweep { drain: all, done } => {
                    for allowance in self.book.sweep(self.clock.now(), all) {
                        batches.room(allowance.org_id, 1).place(&allowance);
                    }
                    drain |= all;
                    waiting.extend(done);
                }
                Request::Barrier(done) => waiting.push(done),
            }
        }
        let mut round: Vec<Batch> = batches.into_all().collect();
        while !round.is_empty() {
            let mut again = Batches::default();
            for batch in round {
                for ask in self.draw(link, script, batch, drain).await {
                    again.ask(ask);
                }
            }
            round = again.into_all().collect();
            if !round.is_empty() {
                // It is about to turn here, too: as the time there is known here, within milliseconds.
                sleep(TURN).await;
            }
        }
        for done in waiting {
            // Nobody may be waiting any more.
            done.send(()).unwrap_or_default();
        }
    }

    /// One call; says who must ask again.
    async fn draw(
        &mut self,
        link: &mut Link,
        script: &Script,
        mut batch: Batch,
        drain: bool,
    ) -> Vec<Ask> {
        self.number += 1;
        let now = self.clock.now();
        let Some(mut call) = batch.plan(&self.gateway, self.number, now, drain) else {
            return Vec::new();
        };
        call.now_ms = self.clock.is_fixed().then(|| now.timestamp_millis());
        for draw in batch.overdrawn() {
            self.overdrawn(draw);
        }
        let (counters, asks) = (call.counters.len(), call.asks.len());
        let mut invocation = script.prepare_invoke();
        for key in call.keys() {
            invocation.key(key);
        }
        for word in call.args() {
            invocation.arg(word);
        }
        let started = Instant::now();
        let answer = link
            .run(|mut connection| async move {
                let words: Vec<String> = invocation.invoke_kept(&mut connection).await?;
                Answer::read(&words, counters, asks)
            })
            .await;
        self.telemetry.time(Timing::Draw, started.elapsed());
        match answer {
            Ok(answer) => {
                if !answer.counted {
                    self.incomplete.insert(call.org_id);
                }
                if !self.runs.contains(&answer.run) {
                    // Another server, or the same one started again: it may not have all.
                    let first = self.runs.is_empty();
                    self.runs.insert(answer.run.clone());
                    if !first {
                        self.book.lost();
                    }
                }
                batch.settle(answer, &self.telemetry)
            }
            Err(error) => {
                tracing::warn!(%error, "allowances could not be drawn");
                self.telemetry.count(Count::DrawFailed, 1);
                batch.fail();
                Vec::new()
            }
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
