//! A gateway of the model: the real allowances and batches, and what a process has around them.

use super::{Broken, PATIENCE_MS, SWEEP_MS, at, caller};
use crate::clock::Clock;
use crate::reserve::allowance::Hold;
use crate::reserve::batch::{Batch, Batches};
use crate::reserve::book::Book;
use crate::reserve::call::Call;
use crate::reserve::draw::{Reply, Request};
use crate::reserve::lease::Lease;
use contract::Timestamp;
use contract::snapshot::Metric;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// A call that runs.
pub(super) struct Running {
    pub holds: Vec<(Metric, Hold)>,
    pub ends_at_ms: i64,
    /// Its gateway was cut off for so long that its place was given to others.
    pub forfeited: bool,
}

pub(super) struct Waiting {
    pub reply: oneshot::Receiver<Reply>,
    pub holds: Vec<(Metric, Hold)>,
    pub amounts: Vec<i64>,
    pub since_ms: i64,
    /// As of a call that runs: what it holds already was given to others.
    pub forfeited: bool,
}

pub(super) struct Flight {
    pub batch: Batch,
    pub number: u64,
    pub sent_ms: i64,
}

pub(super) struct Gateway {
    pub name: String,
    pub clock: Clock,
    pub skew_ms: i64,
    pub lease: Arc<Lease>,
    pub book: Arc<Book>,
    pub requests: mpsc::Receiver<Request>,
    pub sender: mpsc::Sender<Request>,
    pub number: u64,
    pub runs: Vec<String>,
    pub flight: Option<Flight>,
    pub queue: Vec<Batch>,
    pub waiting: Vec<Waiting>,
    pub running: Vec<Running>,
    pub swept_ms: i64,
    pub probed_ms: i64,
    pub cut_until_ms: i64,
    /// When the server last heard of it.
    pub heard_ms: i64,
    /// What it wrote on the roll, and what was called when it last looked there.
    pub roll: (u64, u64),
    pub called: u64,
}

impl Gateway {
    pub fn start(n: u128, now_ms: i64, skew_ms: i64, broken: Broken) -> Self {
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

    pub fn wall(&self) -> Timestamp {
        self.clock.now()
    }

    /// Gathers what the background half would, and says what goes out now.
    pub fn pump(&mut self, now_ms: i64) -> Option<Call> {
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
