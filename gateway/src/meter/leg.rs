//! The attempts of a call that are under way: one, or a second beside it at another place. Both run
//! in one thread, in turns; what a turn learns belongs to the attempt whose turn it is.

use super::work::Work;
use super::{Heard, Meter};
use crate::attempt::Failure;
use crate::health::Ticket;
use crate::pool::{Replica, Seat, Wish};
use crate::snapshot::DeploymentView;
use crate::telemetry::Count;
use contract::usage::{AttemptUse, Outcome};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Instant;

/// One attempt at one place.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) place: DeploymentView,
    /// Until it is known how it ended.
    ticket: RefCell<Option<Ticket>>,
    /// When it began.
    asked: Cell<Instant>,
    /// What its provider has told so far, before its answer goes on.
    heard: Cell<Heard>,
    /// Its place at a replica, where the provider is a pool.
    seat: RefCell<Option<Seat>>,
    /// What the replica told of its work.
    pub(super) work: RefCell<Work>,
}

impl Leg {
    fn at(place: &DeploymentView, ticket: Option<Ticket>) -> Self {
        Self {
            place: place.clone(),
            ticket: RefCell::new(ticket),
            asked: Cell::new(Instant::now()),
            heard: Cell::default(),
            seat: RefCell::default(),
            work: RefCell::default(),
        }
    }

    /// Says how a replica did; what that says of the deployment. A pool is unwell only once none of
    /// its replicas is left.
    fn judge_replica(&self, seat: Seat, did_its_part: Option<bool>, now_ms: u64) -> Option<bool> {
        match did_its_part {
            None => None,
            Some(true) => {
                seat.ended_well(now_ms, self.asked.get().elapsed());
                Some(true)
            }
            Some(false) => {
                let failed = Arc::clone(&seat.replica);
                seat.ended_badly(now_ms);
                let pool = self.place.provider.pool.as_ref();
                let left = pool.and_then(|pool| pool.another(&[failed], now_ms));
                left.is_none().then_some(false)
            }
        }
    }

    /// What became of it is the platform's to bear.
    fn spent(&self, status: u16, outcome: Outcome, overtaken: bool) -> AttemptUse {
        let heard = self.heard.get().reported;
        AttemptUse {
            deployment_id: self.place.record.id,
            provider_id: self.place.provider.id(),
            status,
            outcome,
            tokens: heard.tokens.unwrap_or_default(),
            units: heard.units,
            reported: heard.tokens.is_some(),
            overtaken,
            compared: false,
        }
    }
}

impl Meter {
    /// The attempt whose turn it is.
    pub(super) fn leg(&self) -> Option<&Leg> {
        if self.on_hedge.get() { self.hedge.as_ref() } else { self.leg.as_ref() }
    }

    /// How many attempts were made.
    pub fn attempts(&self) -> u16 {
        self.attempts.get()
    }

    /// Where the attempt whose turn it is is made.
    pub fn tried(&self) -> Option<&DeploymentView> {
        self.leg().map(|leg| &leg.place)
    }

    pub(super) fn heard(&self) -> Heard {
        self.leg().map(|leg| leg.heard.get()).unwrap_or_default()
    }

    /// Notes an attempt that is about to be made.
    pub fn attempting(&mut self, deployment: &DeploymentView, ticket: Ticket) {
        self.attempts.set(self.attempts.get().saturating_add(1));
        // What another deployment has answered in part is thrown away, and was charged for.
        let lost = self.batches.get_mut().begin(deployment.record.id);
        if let Some(last) = self.failed.last_mut().filter(|_| lost.total() > 0) {
            (last.tokens, last.reported) = (lost, true);
        }
        self.leg = Some(Leg::at(deployment, Some(ticket)));
    }

    /// Another place may be asked beside the attempt under way.
    pub fn may_hedge(&mut self, at: &DeploymentView) {
        self.hedge = Some(Leg::at(at, None));
    }

    /// It is asked now, if it takes calls, its caller is there, and the model's calls have attempts
    /// left.
    pub fn hedge_begins(&self) -> bool {
        let Some(hedge) = &self.hedge else { return false };
        let tools = &self.worker.gateway.tools;
        let now_ms = tools.clock.uptime_ms();
        let ticket = (!self.is_alone()).then(|| hedge.place.pulse.enter(now_ms)).flatten();
        let ticket = ticket.filter(|_| self.permit.model.retries.take(now_ms));
        // Where no replica has room now, a second attempt would only wait.
        let ticket = ticket.filter(|_| {
            hedge.place.provider.pool.as_ref().is_none_or(|pool| {
                let wish = Wish::of(&self.permit, &hedge.place, &[], self.worker.chance.next());
                let seat = pool.try_seat(&wish, now_ms);
                let is_seated = seat.is_some();
                hedge.seat.replace(seat);
                is_seated
            })
        });
        let begins = ticket.is_some();
        tools.telemetry.count(if begins { Count::HedgeMade } else { Count::HedgeDenied }, 1);
        if begins {
            self.attempts.set(self.attempts.get().saturating_add(1));
            hedge.asked.set(Instant::now());
            hedge.ticket.replace(ticket);
        }
        begins
    }

    /// Does something for the attempt beside.
    pub fn on_hedge<T>(&self, turn: impl FnOnce() -> T) -> T {
        self.on_hedge.set(true);
        let done = turn();
        self.on_hedge.set(false);
        done
    }

    /// The attempt beside goes on in the place of the one that was there.
    pub fn swap_hedge(&mut self) {
        std::mem::swap(&mut self.leg, &mut self.hedge);
    }

    /// The attempt beside is over: it failed, or was overtaken if it began at all.
    pub fn end_hedge(&mut self, began: bool, failure: Option<&Failure>) {
        let Some(hedge) = self.hedge.take() else { return };
        if let Some(failure) = failure {
            self.failed.extend(spent(&hedge, failure));
        } else if began {
            self.failed.push(hedge.spent(0, Outcome::ClientGone, true));
            let now_ms = self.worker.gateway.tools.clock.uptime_ms();
            if let Some(ticket) = hedge.ticket.take() {
                ticket.overtaken(now_ms, hedge.asked.get().elapsed(), self.permit.call.ask.stream);
            }
        }
    }

    /// Says how the attempt whose turn it is ended: whether its deployment did its part, `None`
    /// where that is not known. Only the first word counts.
    pub fn judge(&self, did_its_part: Option<bool>) {
        let Some(leg) = self.leg() else { return };
        let seat = leg.seat.take();
        let Some(ticket) = leg.ticket.take() else { return };
        let now_ms = self.worker.gateway.tools.clock.uptime_ms();
        let did_its_part = match seat {
            None => did_its_part,
            Some(seat) => leg.judge_replica(seat, did_its_part, now_ms),
        };
        match did_its_part {
            Some(true) => ticket.ended_well(now_ms, leg.asked.get().elapsed()),
            Some(false) => ticket.ended_badly(now_ms),
            None => drop(ticket),
        }
    }

    /// The attempt under way has a place at a replica, and begins now: what it waited is not the
    /// replica's.
    pub fn sits(&mut self, seat: Seat) {
        self.replicas.push(Arc::clone(&seat.replica));
        if let Some(leg) = &self.leg {
            leg.asked.set(Instant::now());
            leg.seat.replace(Some(seat));
        }
    }

    /// Where in a pool the attempt is made whose turn it is.
    #[must_use]
    pub fn replica(&self) -> Option<Arc<Replica>> {
        let seat = self.leg()?.seat.borrow();
        seat.as_ref().map(|seat| Arc::clone(&seat.replica))
    }

    /// Whether the pool that was tried last has a replica left for another attempt, and whether that
    /// one is well. `None`: it has none, or is no pool.
    #[must_use]
    pub fn another_replica(&self) -> Option<bool> {
        let pool = self.leg.as_ref()?.place.provider.pool.as_ref()?;
        pool.another(&self.replicas, self.worker.gateway.tools.clock.uptime_ms())
    }

    /// Notes that the last attempt failed, and that another follows. What its provider reported for
    /// it is ours to bear.
    pub fn failed(&mut self, failure: &Failure) {
        let spent = self.leg.as_ref().and_then(|leg| spent(leg, failure));
        self.failed.extend(spent);
    }

    /// Notes what it took to compare the call with others. That is ours to bear, too.
    pub fn compared(&mut self, used: Option<AttemptUse>) {
        self.failed.extend(used);
    }

    /// Notes what the provider has told so far, should its answer come to nothing.
    pub fn hear(&self, heard: Heard) {
        if let Some(leg) = self.leg() {
            leg.heard.set(heard);
        }
    }

    /// Notes that a stream's content begins.
    pub fn content_begins(&mut self) {
        self.first_content = Some(self.started().elapsed());
        let Some(leg) = &self.leg else { return };
        if let Some(ticket) = &*leg.ticket.borrow() {
            let now_ms = self.worker.gateway.tools.clock.uptime_ms();
            ticket.content_begins(now_ms, leg.asked.get().elapsed());
        }
    }

    /// What the provider that was last asked calls the model.
    #[must_use]
    pub fn model(&self) -> &str {
        self.tried().map_or("", |deployment| deployment.record.upstream_model.as_str())
    }

    /// Milliseconds since the last attempt began, rounded up: what is begun counts.
    #[must_use]
    pub fn working_ms(&self) -> u64 {
        let began = self.leg().map_or_else(|| self.started(), |leg| leg.asked.get());
        u64::try_from(began.elapsed().as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
    }
}

/// An attempt that never reached its provider used nothing.
fn spent(leg: &Leg, failure: &Failure) -> Option<AttemptUse> {
    let reached = !matches!(failure.count, Count::AttemptUnreachable | Count::PoolRefused);
    let cut = failure.count == Count::AttemptCut;
    let outcome = if cut { Outcome::UpstreamCut } else { Outcome::UpstreamError };
    reached.then(|| leg.spent(failure.answered, outcome, false))
}
