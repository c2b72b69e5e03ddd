//! What one call uses, from its reservation to its event. It is written down as begun before there
//! is a meter, so nothing is asked of a provider before that; and it settles exactly once, on every
//! way out: the event is in the spool before the caller has the last byte.

mod heard;
mod hold;
mod leg;
mod measure;
mod patience;
mod sharing;
mod work;

pub use heard::Heard;
pub use hold::{FIRST_PART, Room};
pub use measure::Measure;
pub use patience::Patience;
pub use sharing::Sharing;

use crate::admit::Kind;
use crate::attempt::Batches;
use crate::detach::Gone;
use crate::fault::Fault;
use crate::permit::{Permit, Terms};
use crate::plan::{Way, residency};
use crate::pool::Replica;
use crate::reserve::{Amounts, Refused, Reservation};
use crate::settle::Intent;
use crate::telemetry::{Ended, Finished};
use crate::worker::Worker;
use contract::error::ErrorCode;
use contract::id::GatewayId;
use contract::money::Nanos;
use contract::usage::{AttemptUse, Operation, Outcome, Tokens, UsageEvent, UsageIntent, Used};
use dialect::count;
use hold::Hold;
use http::HeaderValue;
use leg::Leg;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The status of a call whose caller left before the answer.
const STATUS_CALLER_GONE: u16 = 499;

/// The longest answer to a copy of a call.
const COPY_BYTES_MAX: usize = 4 << 20;

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub struct End {
    pub outcome: Outcome,
    pub status: u16,
    pub code: Option<ErrorCode>,
    pub measure: Measure,
}

/// A call that is being made.
#[derive(Debug)]
pub struct Meter {
    pub permit: Permit,
    /// How long, and how often, it is tried.
    pub patience: Patience,
    worker: Rc<Worker>,
    hold: Hold,
    /// Gone once settled, as is the reservation.
    intent: Option<Intent>,
    attempts: Cell<u16>,
    /// Those that failed and were followed by another, those that were overtaken, and what compared
    /// the call with others.
    failed: Vec<AttemptUse>,
    /// The attempt under way, or the last one.
    leg: Option<Leg>,
    /// One beside it, at another place.
    hedge: Option<Leg>,
    /// Replicas of pools that it was at.
    pub replicas: Vec<Arc<Replica>>,
    /// What is done at this moment is done for the hedge.
    on_hedge: Cell<bool>,
    first_content: Option<Duration>,
    caller_gone: Gone,
    /// Of a call that its provider takes in several requests.
    pub batches: RefCell<Batches>,
    /// By which route it was planned.
    pub way: Option<Way>,
    /// What of its answer is another call's, or for others.
    pub sharing: Sharing,
}

impl Meter {
    /// Writes down that the call is about to be made.
    ///
    /// # Errors
    /// `service.spool_full`: it could not be written, so the call must not be made.
    pub fn new(
        worker: Rc<Worker>,
        permit: Permit,
        reservation: Reservation,
    ) -> Result<Self, Fault> {
        let tools = &worker.gateway.tools;
        let gateway_id = tools.gateway_id;
        let intent = tools.settle.intend(&intent(&permit, &reservation, gateway_id));
        let intent = intent.map_err(|full| {
            Fault::us(ErrorCode::SpoolFull, ErrorCode::SpoolFull.title())
                .because(full)
                .after(Duration::from_secs(5))
        })?;
        Ok(Self {
            patience: Patience::of(&worker.gateway.bounds, &permit),
            hold: Hold::new(reservation, &permit),
            permit,
            worker,
            intent: Some(intent),
            attempts: Cell::new(0),
            failed: Vec::new(),
            leg: None,
            hedge: None,
            replicas: Vec::new(),
            on_hedge: Cell::new(false),
            first_content: None,
            caller_gone: Gone::default(),
            batches: RefCell::default(),
            way: None,
            sharing: Sharing::default(),
        })
    }

    #[must_use]
    pub fn worker(&self) -> &Rc<Worker> {
        &self.worker
    }

    /// The flag to set when the caller leaves.
    #[must_use]
    pub fn caller_gone(&self) -> Gone {
        Gone::clone(&self.caller_gone)
    }

    #[must_use]
    pub fn reservation(&self) -> Option<&Reservation> {
        self.hold.reservation()
    }

    /// When the call was admitted.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.permit.call.principal.stamp.started
    }

    /// When it is given up.
    #[must_use]
    pub fn deadline(&self) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.started()) + self.patience.call
    }

    /// The longest answer that is read whole: nobody waits for that of a copy, and many may run.
    #[must_use]
    pub fn answer_bytes_max(&self) -> usize {
        let max = self.worker.gateway.bounds.answer_bytes_max;
        if self.permit.shadow.is_some() { max.min(COPY_BYTES_MAX) } else { max }
    }

    /// Whether who answers is a server on one's own machines, which costs while it works.
    #[must_use]
    pub fn is_own_server(&self) -> bool {
        let vendor = self.tried().and_then(|tried| tried.provider.vendor());
        // Theirs are the rows with a host of one's own; everybody else is on the internet.
        vendor.is_some_and(|vendor| vendor.base_url.starts_with("http://HOST"))
    }

    /// How it came to where it was last asked, for its caller.
    #[must_use]
    pub fn told_way(&self) -> Option<HeaderValue> {
        let (way, tried) = (self.way.as_ref()?, self.tried()?);
        Some(way.header(tried.record.id, self.attempts.get()))
    }

    /// The call goes on on another model, under its price and its limits. What was held for the one
    /// before goes back, and what is written down of the call follows.
    pub fn fall_back(&mut self, terms: Terms, reservation: Reservation) {
        // Whoever follows asked for the other one, at that one's price.
        self.sharing.leave();
        self.permit.fall_back(terms);
        let tools = &self.worker.gateway.tools;
        if let Some(written) = &self.intent {
            let intent = intent(&self.permit, &reservation, tools.gateway_id);
            tools.settle.intend_more(written, &intent);
        }
        self.hold = Hold::new(reservation, &self.permit);
    }

    /// What a call used: as the provider reports it, and where it tells no tokens as they are
    /// estimated here.
    pub fn measure(&self, heard: Heard, output_tokens: impl Fn() -> u64) -> Measure {
        let call = &self.permit.call;
        if let Some(media) = &call.media {
            let rates = &self.permit.price.rates;
            let (used, estimated) = media.sizes.used(rates, &heard.reported, output_tokens());
            return Measure { used, estimated, odd: heard.odd }.plausible(&self.permit.bound);
        }
        let told = heard.reported;
        let units = Heard::of(call.units).and(told).reported.units;
        // Tensors are no tokens, so there is nothing to estimate.
        if matches!(call.kind, Kind::Tensors { .. }) {
            let tokens = told.tokens.unwrap_or_default();
            return Measure::told(tokens, units).odd_if(heard.odd).plausible(&self.permit.bound);
        }
        let measure = match told.tokens {
            None => {
                Measure { estimated: true, ..Measure::told(self.estimate(output_tokens()), units) }
            }
            // Whatever has no text has other units, and a count of tokens costs nothing.
            Some(tokens) if !matches!(call.operation, Operation::Chat | Operation::Embeddings) => {
                Measure::told(tokens, units)
            }
            Some(tokens) => Measure::told(tokens, units)
                .with_both_sides(|| self.estimate(0).input, output_tokens),
        };
        measure.odd_if(heard.odd).plausible(&self.permit.bound)
    }

    /// Tokens to assume where a provider reports none: the input by its text, and so much text of
    /// output.
    #[must_use]
    pub fn estimate(&self, output_tokens: u64) -> Tokens {
        let call = &self.permit.call;
        let input = match call.kind {
            Kind::Tensors { .. } => 0,
            _ => count::of_json(&call.body, self.model()),
        };
        Tokens { input, output: output_tokens, ..Tokens::default() }
    }

    /// Whether there is room for `seen` tokens of output. Holds more where little is left; pending
    /// while Redis is asked and nothing is left. Without its caller, a call holds no more.
    pub fn poll_room(&mut self, cx: &mut Context<'_>, seen: u64) -> Poll<Room> {
        if self.caller_gone.get() && !self.sharing.is_followed() {
            let used_up = self.hold.is_used_up(seen);
            return Poll::Ready(if used_up { Room::None } else { Room::Enough });
        }
        let tools = &self.worker.gateway.tools;
        let room = self.hold.poll_room(cx, seen, &tools.clock);
        if room == Poll::Ready(Room::Grown)
            && let (Some(reservation), Some(written)) = (self.hold.reservation(), &self.intent)
        {
            let intent = intent(&self.permit, reservation, tools.gateway_id);
            tools.settle.intend_more(written, &intent);
        }
        room
    }

    /// What a caller is told whose stream no limit admits more of. Whatever the limit counts, the
    /// code is the same: nothing that the caller does goes on with this answer.
    #[must_use]
    pub fn out_of_room(&self) -> Fault {
        let now = self.worker.gateway.tools.clock.now();
        let Some(refused) = self.hold.refused() else {
            let code = ErrorCode::BudgetExhausted;
            return Fault::us(code, code.title());
        };
        let fault = Fault::of_limit(refused.clone(), Vec::new(), now);
        match refused {
            Refused::Limit(_) => Fault { code: ErrorCode::BudgetExhausted, ..fault },
            Refused::Unknown(_) => fault,
        }
    }

    /// Whether the caller left.
    pub fn is_alone(&self) -> bool {
        self.caller_gone.get()
    }

    /// Ends a call that no attempt answered, and hands its fault on.
    pub fn fail(&mut self, mut fault: Fault) -> Fault {
        if let Some(reservation) = self.reservation() {
            fault.more_mut().standings = reservation.standings().collect();
        }
        self.sharing.failed(&fault);
        let end = End {
            outcome: Outcome::UpstreamError,
            status: fault.status().as_u16(),
            code: Some(fault.code),
            // Told, though it costs the caller nothing: what the provider reported all the same,
            // as of a stream without content, or of a part of a call's requests.
            measure: self.spent(),
        };
        self.end(end);
        fault
    }

    /// What the provider last asked reported, whatever became of it.
    fn spent(&self) -> Measure {
        let heard = self.heard().reported;
        let tokens = heard.tokens.unwrap_or_else(|| self.batches.borrow().spent());
        Measure::told(tokens, heard.units).plausible(&self.permit.bound)
    }

    /// Writes the event and settles the reservation; the cost.
    pub fn end(&mut self, mut end: End) -> Nanos {
        let Some(intent) = self.intent.take() else { return Nanos::ZERO };
        self.judge(match end.outcome {
            Outcome::Ok => Some(true),
            Outcome::UpstreamCut => Some(false),
            // Told already, or the caller's doing.
            Outcome::UpstreamError | Outcome::ClientGone | Outcome::BudgetExhausted => None,
        });
        if self.sharing.is_leading() {
            let now_ms = self.worker.gateway.tools.clock.now().timestamp_millis();
            let place = self.tried().cloned();
            self.sharing.ended(&end, place.as_ref(), now_ms);
        }
        // Who was asked for nothing is owed nothing.
        if self.caller_gone.get() && self.attempts.get() > 0 {
            end = End { outcome: Outcome::ClientGone, status: STATUS_CALLER_GONE, ..end };
        }
        // Measured here where the model server does not say.
        let of_server = self.permit.call.kind.is_of_server();
        let processor_ms = self.processor_ms().filter(|_| end.outcome.is_charged());
        let units = &mut end.measure.used.units;
        if let Some(ms) = processor_ms {
            units.compute_ms = ms;
        } else if of_server && end.outcome.is_charged() && units.compute_ms == 0 {
            units.compute_ms = self.working_ms();
        }
        if self.permit.shadow.is_none() {
            self.count(&end);
        }
        let Some(reservation) = self.hold.take() else { return Nanos::ZERO };
        let mut event = self.event(&end, reservation.money());
        let used = if end.outcome.is_charged() { end.measure.used } else { Used::default() };
        let (input, output) = (used.tokens.input_total(), used.tokens.output_total());
        let used = Amounts::of_call(input, output, &used.units, event.cost_nanos);
        event.limits = reservation.touched(&used);
        self.worker.gateway.tools.settle.record(intent, &event);
        reservation.settle(&used);
        event.cost_nanos
    }

    fn event(&mut self, end: &End, reserved_nanos: Nanos) -> UsageEvent {
        let attempts_made = std::mem::take(&mut self.failed);
        let permit = &self.permit;
        let principal = &permit.call.principal;
        let stamp = &principal.stamp;
        let mut event = UsageEvent {
            request_id: stamp.request_id,
            at: stamp.at,
            org_id: principal.key.org_id,
            team_id: principal.app.team_id,
            app_id: principal.app.id,
            key_id: principal.key.id,
            subscription_id: permit.subscription.id,
            product_id: permit.subscription.product_id,
            plan_id: permit.plan.id,
            model_id: permit.model.record.id,
            deployment_id: self.tried().map(|deployment| deployment.record.id),
            provider_id: self.tried().map(|deployment| deployment.provider.id()),
            operation: permit.call.operation,
            stream: permit.call.ask.stream,
            outcome: end.outcome,
            status: end.status,
            error_code: end.code.map(|code| code.as_str().to_owned()),
            tokens: end.measure.used.tokens,
            units: end.measure.used.units,
            estimated: end.measure.estimated,
            price_id: permit.price.id,
            cost_nanos: Nanos::ZERO,
            cached: self.sharing.cached(),
            price_percent: match permit.shadow {
                Some(shadow) if shadow.on_platform => 0,
                _ => self.sharing.price_percent(),
            },
            reserved_nanos,
            attempts: self.attempts.get(),
            attempts_made,
            topped_up: self.hold.topped_up,
            tags: principal.tags.to_vec(),
            odd_usage: end.measure.odd,
            limits: Vec::new(),
            duration_ms: millis(stamp.started.elapsed()),
            first_token_ms: self.first_content.map(millis),
            gateway_id: self.worker.gateway.tools.gateway_id,
            config_version: stamp.snapshot.version(),
            way: self.way.as_ref().map(Way::routed),
            shadow: permit.shadow,
            residency: residency(permit, self.tried().map(|one| one.record.region.as_str())),
        };
        event.cost_nanos = event.cost_under(&permit.price.rates);
        event
    }

    fn count(&self, end: &End) {
        self.worker.gateway.tools.telemetry.finished(&Finished {
            operation: Some(self.permit.call.operation),
            stream: self.permit.call.ask.stream,
            ended: match end.outcome {
                Outcome::Ok => Ended::Ok,
                Outcome::UpstreamError => Ended::UpstreamError,
                Outcome::UpstreamCut => Ended::UpstreamCut,
                Outcome::ClientGone => Ended::ClientGone,
                Outcome::BudgetExhausted => Ended::BudgetExhausted,
            },
            code: end.code,
            duration: self.started().elapsed(),
            first_token: self.first_content,
        });
    }
}

impl Drop for Meter {
    /// A call dropped before its end: its caller left, or the drain is over. What a provider was
    /// already asked for is owed; what it has not told is assumed, and no output was seen.
    fn drop(&mut self) {
        if self.attempts.get() == 0 {
            if let Some(intent) = self.intent.take() {
                let request_id = self.permit.call.principal.stamp.request_id;
                self.worker.gateway.tools.settle.withdraw(intent, request_id);
            }
            return;
        }
        if self.intent.is_none() {
            return;
        }
        let measure = self.measure(self.heard(), || 0);
        self.end(End {
            outcome: Outcome::ClientGone,
            status: STATUS_CALLER_GONE,
            code: None,
            measure,
        });
    }
}

/// What is written down before a provider is asked.
fn intent(permit: &Permit, reservation: &Reservation, gateway_id: GatewayId) -> UsageIntent {
    let principal = &permit.call.principal;
    let stamp = &principal.stamp;
    UsageIntent {
        request_id: stamp.request_id,
        at: stamp.at,
        org_id: principal.key.org_id,
        team_id: principal.app.team_id,
        app_id: principal.app.id,
        key_id: principal.key.id,
        subscription_id: permit.subscription.id,
        product_id: permit.subscription.product_id,
        plan_id: permit.plan.id,
        model_id: permit.model.record.id,
        operation: permit.call.operation,
        stream: permit.call.ask.stream,
        price_id: permit.price.id,
        reserved_nanos: reservation.money(),
        gateway_id,
        config_version: stamp.snapshot.version(),
        tags: principal.tags.to_vec(),
        limits: reservation.touched(&Amounts::default()),
        shadow: permit.shadow,
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
