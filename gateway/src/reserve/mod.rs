//! Takes what a call may use from every limit that applies, all or nothing, before it runs.
//!
//! In steady use this touches only memory: the gateway draws allowances from Redis ahead of
//! need. The sum of what all gateways draw never passes a limit.

mod allowance;
mod batch;
mod book;
mod call;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test"
)]
mod counter;
mod draw;
mod lease;
mod live;
#[cfg(test)]
mod model;
mod policy;
mod refusal;
mod reservation;
mod window;

pub use draw::Drawer;
pub use live::Reserved;
pub use policy::{Policy, told};
pub use refusal::{Refused, Standing};
pub use reservation::{More, Reservation};

use crate::clock::Clock;
use crate::snapshot::Snapshot;
use crate::telemetry::Telemetry;
use book::Book;
use contract::Timestamp;
use contract::id::{AppId, GatewayId, KeyId, ModelId, OrgId, PlanId, SubscriptionId, TeamId};
use contract::money::Nanos;
use contract::snapshot::{AtLimit, LimitRecord, LimitScope, Metric, Tag};
use contract::usage::Units;
use draw::Request;
use live::Live;
use reservation::Taking;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Draws that wait for the background at most; callers beyond that wait for a place.
const QUEUE_MAX: usize = 4_096;

/// Whose limits count, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    pub org_id: OrgId,
    pub team_id: TeamId,
    pub app_id: AppId,
    pub key_id: KeyId,
    pub plan_id: PlanId,
    pub subscription_id: SubscriptionId,
    pub model_id: ModelId,
    /// As the caller declared them.
    pub tags: &'a [Tag],
}

/// So much of everything that limits count: an estimate before a call, its true use after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    pub requests: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub compute_ms: i64,
    pub rows: i64,
    pub money: Nanos,
    /// Calls that run: one while it does, none once it ended.
    pub running: i64,
}

impl Amounts {
    /// What one call uses, which runs no more.
    #[must_use]
    pub fn of_call(input_tokens: u64, output_tokens: u64, units: &Units, money: Nanos) -> Self {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            requests: 1,
            input_tokens: whole(input_tokens),
            output_tokens: whole(output_tokens),
            compute_ms: whole(units.compute_ms),
            rows: whole(units.rows),
            money,
            running: 0,
        }
    }

    /// The same, of a call that is about to run.
    #[must_use]
    pub const fn running(self) -> Self {
        Self { running: 1, ..self }
    }

    fn of(&self, metric: Metric) -> i64 {
        let amount = match metric {
            Metric::Requests => self.requests,
            Metric::Tokens => self.input_tokens.saturating_add(self.output_tokens),
            Metric::InputTokens => self.input_tokens,
            Metric::OutputTokens => self.output_tokens,
            Metric::Concurrency => self.running,
            Metric::ComputeMs => self.compute_ms,
            Metric::Rows => self.rows,
            Metric::Money => self.money.0,
        };
        amount.max(0)
    }
}

/// All allowances of this gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reserve {
    book: Arc<Book>,
    draws: mpsc::Sender<Request>,
    live: Live,
}

impl Reserve {
    /// The reservations of one gateway process, and the background half that draws for them.
    /// Without the background half, every limit follows its rule for a Redis that is gone.
    #[must_use]
    pub fn new(gateway_id: GatewayId, clock: Clock, telemetry: Arc<Telemetry>) -> (Self, Drawer) {
        let (draws, requests) = mpsc::channel(QUEUE_MAX);
        let book = Arc::new(Book::new(clock.clone(), draws.downgrade()));
        let drawer = Drawer::new(gateway_id, Arc::clone(&book), clock, requests, telemetry);
        (Self { book, draws, live: Live::default() }, drawer)
    }

    /// Takes `estimate` from every limit on `caller`, or nothing at all. Waits for Redis only
    /// when an allowance is used up.
    ///
    /// # Errors
    /// [`Refused`] names the binding limit.
    pub async fn reserve(
        &self,
        snapshot: &Snapshot,
        caller: &Caller<'_>,
        estimate: &Amounts,
        now: Timestamp,
    ) -> Result<Reservation, Refused> {
        let mut taking = Taking::default();
        for limit in applying(snapshot, caller) {
            let allowance = self.book.allowance(limit, caller, now);
            // What is let by holds nothing, and is counted once it is settled.
            let amount = match limit.at_limit {
                AtLimit::Alert => 0,
                AtLimit::Downgrade { model_id } if model_id == caller.model_id => 0,
                _ => estimate.of(limit.metric),
            };
            taking.take(&allowance, limit, amount, now);
        }
        let taken = taking.finish(Some(&self.draws), now).await;
        let holds = taken.map_err(|refused| refused.of(estimate))?;
        let alive = self.live.enter(now, estimate.money);
        Ok(Reservation::new(holds, estimate.money, alive))
    }

    /// Holds nothing. For what no limit counts.
    pub fn nothing(&self, now: Timestamp) -> Reservation {
        Reservation::new(Vec::new(), Nanos::ZERO, self.live.enter(now, Nanos::ZERO))
    }

    /// Takes nothing. For what no limit counts.
    ///
    /// # Errors
    /// [`Refused`] names the limit on `caller` that is suspended, if one is.
    pub fn suspended(
        &self,
        snapshot: &Snapshot,
        caller: &Caller<'_>,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let suspended =
            applying(snapshot, caller).filter_map(|limit| Standing::suspended(limit, now));
        let longest = suspended.max_by_key(Standing::lasts);
        longest.map_or(Ok(()), |standing| Err(Refused::Limit(standing)))
    }

    /// How every limit on `caller` stands, as far as is known here.
    #[must_use]
    pub fn standings(
        &self,
        snapshot: &Snapshot,
        caller: &Caller<'_>,
        now: Timestamp,
    ) -> Vec<Standing> {
        applying(snapshot, caller)
            .map(|limit| self.book.allowance(limit, caller, now).standing_at(limit, now))
            .collect()
    }

    /// What calls hold now.
    #[must_use]
    pub fn reserved(&self) -> Reserved {
        self.live.reserved()
    }

    /// Waits until the counters know of everything that was settled so far.
    pub async fn balanced(&self) {
        let (done, finished) = oneshot::channel();
        if self.draws.send(Request::Barrier(done)).await.is_ok() {
            finished.await.unwrap_or_default();
        }
    }

    /// Gives everything that is not used back to the counters. For the end of a drain.
    pub async fn give_back(&self) {
        let (done, finished) = oneshot::channel();
        if self.draws.send(Request::Sweep { drain: true, done: Some(done) }).await.is_ok() {
            // An error means that the background half has ended, and gave back itself.
            finished.await.unwrap_or_default();
        }
    }
}

/// Every limit on a call, from the widest scope to the narrowest.
fn applying<'a>(
    snapshot: &'a Snapshot,
    caller: &Caller<'_>,
) -> impl Iterator<Item = &'a Arc<LimitRecord>> {
    let Caller { org_id, model_id, tags, .. } = *caller;
    [
        LimitScope::Org(caller.org_id),
        LimitScope::Team(caller.team_id),
        LimitScope::App(caller.app_id),
        LimitScope::Key(caller.key_id),
        LimitScope::Plan(caller.plan_id),
    ]
    .into_iter()
    .flat_map(|scope| snapshot.limits(scope))
    // An org's own limit on a plan is none of another org's on the same plan.
    .filter(move |limit| limit.org_id.is_none_or(|of| of == org_id))
    .filter(move |limit| limit.counts(model_id, tags))
}
