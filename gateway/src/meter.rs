//! What one call uses, from its reservation to its event. Settles exactly once, on every way out:
//! the event is in the spool before the caller has the last byte.

use crate::admit::Kind;
use crate::attempt::Batches;
use crate::detach::Gone;
use crate::fault::Fault;
use crate::permit::Permit;
use crate::reserve::{Amounts, Reservation};
use crate::snapshot::DeploymentView;
use crate::telemetry::{Ended, Finished};
use crate::worker::Worker;
use contract::error::ErrorCode;
use contract::money::Nanos;
use contract::usage::{Outcome, Tokens, UsageEvent, Used};
use dialect::{Reported, count};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The status of a call whose caller left before the answer.
const STATUS_CALLER_GONE: u16 = 499;

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub struct End {
    pub outcome: Outcome,
    pub status: u16,
    pub code: Option<ErrorCode>,
    pub used: Used,
    pub estimated: bool,
}

/// A call that is being made.
#[derive(Debug)]
pub struct Meter {
    pub permit: Permit,
    worker: Rc<Worker>,
    /// Gone once settled.
    reservation: Option<Reservation>,
    attempts: u16,
    tried: Option<DeploymentView>,
    /// When the last attempt began.
    asked: Instant,
    first_content: Option<Duration>,
    caller_gone: Gone,
    /// Of a call that its provider takes in several requests.
    pub batches: RefCell<Batches>,
}

impl Meter {
    #[must_use]
    pub fn new(worker: Rc<Worker>, permit: Permit, reservation: Reservation) -> Self {
        Self {
            asked: permit.call.principal.stamp.started,
            permit,
            worker,
            reservation: Some(reservation),
            attempts: 0,
            tried: None,
            first_content: None,
            caller_gone: Gone::default(),
            batches: RefCell::default(),
        }
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
        self.reservation.as_ref()
    }

    /// When the call was admitted.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.permit.call.principal.stamp.started
    }

    /// Notes an attempt that is about to be made.
    pub fn attempting(&mut self, deployment: &DeploymentView) {
        self.attempts = self.attempts.saturating_add(1);
        self.tried = Some(deployment.clone());
        self.asked = Instant::now();
    }

    /// Notes that a stream's content begins.
    pub fn content_begins(&mut self) {
        self.first_content = Some(self.started().elapsed());
    }

    /// What a call used: as the provider reports it, and where it tells no tokens as they are
    /// estimated here. Whether they are.
    pub fn used(&self, reported: Reported, output_tokens: impl FnOnce() -> u64) -> (Used, bool) {
        if let Some(media) = &self.permit.call.media {
            return media.sizes.used(&self.permit.price.rates, &reported, output_tokens());
        }
        // Tensors are no tokens, so there is nothing to estimate.
        let tensors = matches!(self.permit.call.kind, Kind::Tensors { .. });
        let estimated = reported.tokens.is_none() && !tensors;
        let tokens = reported.tokens.unwrap_or_else(|| self.estimate(output_tokens()));
        let told = Reported { units: self.permit.call.units, ..Reported::NOTHING };
        (Used { tokens, units: told.and(reported).units }, estimated)
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

    /// What the provider that was last asked calls the model.
    #[must_use]
    pub fn model(&self) -> &str {
        let tried = self.tried.as_ref();
        tried.map_or("", |deployment| deployment.record.upstream_model.as_str())
    }

    /// Milliseconds since the last attempt began, rounded up: what is begun counts.
    #[must_use]
    pub fn working_ms(&self) -> u64 {
        u64::try_from(self.asked.elapsed().as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
    }

    /// Ends a call that no attempt answered, and hands its fault on.
    pub fn fail(&mut self, mut fault: Fault) -> Fault {
        if let Some(reservation) = &self.reservation {
            fault.more_mut().standings = reservation.standings().collect();
        }
        let end = End {
            outcome: Outcome::UpstreamError,
            status: fault.status().as_u16(),
            code: Some(fault.code),
            // Told, though it costs the caller nothing: requests of a call that failed in its rest.
            used: self.batches.borrow().spent().into(),
            estimated: false,
        };
        // Nothing is owed, so a spool that is full loses no money.
        match self.end(end) {
            Ok(_nothing) => fault,
            Err(full) => full.because(fault.code),
        }
    }

    /// Writes the event and settles the reservation; the cost.
    ///
    /// # Errors
    /// `service.spool_full`: the event could not be written, and the answer must not be given.
    pub fn end(&mut self, mut end: End) -> Result<Nanos, Fault> {
        let Some(reservation) = self.reservation.take() else { return Ok(Nanos::ZERO) };
        if self.caller_gone.get() {
            end = End { outcome: Outcome::ClientGone, status: STATUS_CALLER_GONE, ..end };
        }
        // Measured here where the model server does not say.
        let of_server = self.permit.call.kind.is_of_server();
        if of_server && end.outcome.is_charged() && end.used.units.compute_ms == 0 {
            end.used.units.compute_ms = self.working_ms();
        }
        self.count(&end);
        let event = self.event(&end, reservation.money());
        let written = self.worker.gateway.tools.settle.record(&event);
        let cost = event.cost_nanos;
        let counted = if end.outcome.is_charged() { end.used } else { Used::default() };
        let (input, output) = (counted.tokens.input_total(), counted.tokens.output_total());
        reservation.settle(&Amounts::of_call(input, output, &counted.units, cost));
        written.map(|()| cost).map_err(|full| {
            let request_id = event.request_id;
            tracing::error!(%request_id, %full, ?event, "a usage event could not be written");
            Fault::us(ErrorCode::SpoolFull, ErrorCode::SpoolFull.title()).because(full)
        })
    }

    fn event(&self, end: &End, reserved_nanos: Nanos) -> UsageEvent {
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
            deployment_id: self.tried.as_ref().map(|deployment| deployment.record.id),
            provider_id: self.tried.as_ref().map(|deployment| deployment.provider.id()),
            operation: permit.call.operation,
            stream: permit.call.ask.stream,
            outcome: end.outcome,
            status: end.status,
            error_code: end.code.map(|code| code.as_str().to_owned()),
            tokens: end.used.tokens,
            units: end.used.units,
            estimated: end.estimated,
            price_id: permit.price.id,
            cost_nanos: Nanos::ZERO,
            reserved_nanos,
            attempts: self.attempts,
            attempts_made: Vec::new(),
            topped_up: 0,
            tags: Vec::new(),
            odd_usage: false,
            limits: Vec::new(),
            duration_ms: millis(stamp.started.elapsed()),
            first_token_ms: self.first_content.map(millis),
            gateway_id: self.worker.gateway.tools.gateway_id,
            config_version: stamp.snapshot.version(),
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
    /// already asked for is owed; its input is assumed, and no output was seen.
    fn drop(&mut self) {
        if self.attempts == 0 {
            return;
        }
        let (used, estimated) = self.used(Reported::NOTHING, || 0);
        let end = End {
            outcome: Outcome::ClientGone,
            status: STATUS_CALLER_GONE,
            code: None,
            used,
            estimated,
        };
        // A failure is in the log; nobody is left to be told.
        self.end(end).map(|_cost| ()).unwrap_or_default();
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
