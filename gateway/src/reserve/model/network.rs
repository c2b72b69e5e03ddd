//! What carries messages, and everything that fails: gateways, the server, and the way between them.

use super::{Weather, World};
use crate::reserve::batch::Batches;
use crate::reserve::call::{Answer, Call};
use crate::reserve::counter::Server;
use contract::snapshot::Metric;
use rand::Rng as _;

/// A message under way.
pub(super) enum Message {
    Ask(Call),
    Answer { to: String, number: u64, answer: Answer },
}

impl World {
    pub fn send(&mut self, n: usize, call: Call) {
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

    pub fn deliver(&mut self) {
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

    pub fn take_up(&mut self, to: &str, number: u64, answer: Answer) {
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
    pub fn probe(&mut self, n: usize) {
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

    pub fn fault(&mut self) {
        self.faults += 1;
        let fault = self.rng.random_range(0..22);
        if (13..20).contains(&fault) {
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
            18..20 => self.start_again(),
            _ => {
                let n = self.rng.random_range(0..self.gateways.len());
                self.stop(n);
            }
        }
    }

    /// The server starts again with all it had.
    pub fn start_again(&mut self) {
        self.runs += 1;
        self.server.run = format!("run-{}", self.runs);
    }

    /// It is told to stop: its calls end, what they used is in the books, and it says that it is gone.
    pub fn stop(&mut self, n: usize) {
        for call in &mut self.gateways[n].running {
            call.ends_at_ms = self.now_ms;
        }
        self.end_calls_of(n);
        let gateway = self.gateways.remove(n);
        self.dead.push((gateway.name, self.now_ms));
        self.start_gateway();
    }

    /// `kill -9`: calls end, holds are never settled, what was in hand is gone.
    pub fn kill(&mut self, n: usize) {
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
}
