//! What this gateway may use of one limit, for one subject, in one window, without asking.
//!
//! `drawn` is what it took out of the shared counter, `used` what calls hold or have settled;
//! what lies between them can be taken at once. What must stay true: the counter holds at least
//! `drawn` for this gateway, and what is in hand is used only in the window it was drawn in, by
//! the clock of Redis, and only while the lease lasts. So all gateways together never pass the
//! limit.

mod hold;
mod tally;

pub(super) use hold::Hold;
pub(super) use tally::Remains;

use super::call::{Counter, Grant};
use super::draw::Request;
use super::lease::{Lease, Moment};
use super::refusal::Standing;
use super::window::{Bounds, Shape, is_level};
use contract::Timestamp;
use contract::channel;
use contract::id::{LimitId, OrgId};
use contract::snapshot::{LimitRecord, WithoutRedis};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tally::{AGAIN_MS, IDLE_MS, Past, State};
use tokio::sync::mpsc::{Sender, WeakSender};

/// After the counter refused, how long the gateway refuses on its own.
const FULL_MS: i64 = 100;
/// Of an allowance not touched for this long only what it used is remembered.
const FORGET_MS: i64 = 600_000;
/// Larger than any amount the counter's script can compare exactly.
pub(super) const AMOUNT_MAX: i64 = 9_000_000_000_000_000;

#[derive(Debug)]
pub(super) struct Allowance {
    pub org_id: OrgId,
    pub limit_id: LimitId,
    /// Whose use it counts, as the counter's name says it.
    pub subject: Box<str>,
    pub lease: Arc<Lease>,
    draws: WeakSender<Request>,
    state: Mutex<State>,
}

/// What taking from an allowance came to.
pub(super) enum Take {
    Taken {
        hold: Hold,
        /// Running low: draw ahead.
        refill: bool,
    },
    /// Part is held; the rest must be drawn.
    Short { hold: Hold, missing: i64 },
    /// The limit has no room.
    Full(Standing),
}

/// What a draw of one allowance asks of the counter.
#[derive(Debug)]
pub(super) struct Draw {
    pub limit: Arc<LimitRecord>,
    pub max: i64,
    pub window: Bounds,
    /// What this gateway has of the counter.
    pub claim: i64,
    /// Wanted beyond what callers wait for.
    pub extra: i64,
    /// Used beyond what was drawn, since the last draw.
    pub overdrawn: i64,
    /// Losses the org had had when this was planned.
    pub losses: u64,
}

impl Draw {
    pub fn counter(&self, of: &Allowance) -> Counter {
        let id = self.limit.id.to_string();
        let shape = Shape::of(&self.limit);
        let (start_ms, end_ms) = self.window;
        let key = if shape.span_ms > 0 {
            channel::limit_sliding(of.org_id, &id, &of.subject)
        } else {
            channel::limit_drawn(of.org_id, &id, &of.subject, start_ms.div_euclid(1_000))
        };
        Counter {
            key,
            max: self.max,
            claim: self.claim,
            extra: self.extra,
            start_ms,
            end_ms: (end_ms < i64::MAX).then_some(end_ms),
            span_ms: shape.span_ms,
            closed: self.limit.without_redis == WithoutRedis::Closed,
            level: is_level(&self.limit),
        }
    }
}

impl Allowance {
    pub fn new(
        org_id: OrgId,
        subject: Box<str>,
        limit: &Arc<LimitRecord>,
        now: Moment,
        (lease, draws): (Arc<Lease>, WeakSender<Request>),
        former: Option<Remains>,
    ) -> Self {
        let mut state = State::new(Arc::clone(limit), now);
        if let Some(former) = former.filter(|former| former.window == state.window) {
            (state.used, state.drawn) = (former.used, former.used);
            state.acknowledged = Some(former.used);
        }
        Self { org_id, limit_id: limit.id, subject, lease, draws, state: Mutex::new(state) }
    }

    /// What must be remembered when it is forgotten: the counter has it, and a claim of less would
    /// take it out of there.
    pub fn remains(&self) -> Option<Remains> {
        let state = self.lock();
        (state.used > 0).then_some(Remains { window: state.window, used: state.used })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `amount`, or what there is of it.
    pub fn take(self: &Arc<Self>, limit: &Arc<LimitRecord>, amount: i64, now: Moment) -> Take {
        let mut state = self.lock();
        state.turn(limit, now);
        if let Some(standing) = state.suspended() {
            return Take::Full(standing);
        }
        state.touched_ms = now.steady_ms;
        let window = state.window;
        let left = if state.is_usable(now) { state.left() } else { 0 };
        if amount <= left || amount == 0 {
            state.take(amount);
            state.open = state.open.saturating_add(1);
            let low = state.left().saturating_mul(4) < state.in_hand() && state.free > 0;
            let refill = low && !state.balancing;
            state.balancing |= refill;
            return Take::Taken { hold: Hold::new(self, window, amount), refill };
        }
        let part = left.max(0);
        let missing = amount - part;
        if missing > AMOUNT_MAX || (now.steady_ms < state.full_until_ms && missing > state.free) {
            return Take::Full(state.standing());
        }
        state.take(part);
        state.open = state.open.saturating_add(1);
        Take::Short { hold: Hold::new(self, window, part), missing }
    }

    /// What there is now of `amount`, for a hold in `window` that waits.
    pub fn take_part(&self, window: Bounds, amount: i64, now: Moment) -> i64 {
        let mut state = self.lock();
        if window != state.window || !state.is_usable(now) {
            return 0;
        }
        let part = state.left().clamp(0, amount.max(0));
        state.take(part);
        part
    }

    /// The limit as it was last seen.
    pub fn limit(&self) -> Arc<LimitRecord> {
        Arc::clone(&self.lock().limit)
    }

    /// Moves to the window of `now`, and says which it is.
    pub fn turn(&self, now: Moment) -> Bounds {
        let mut state = self.lock();
        let limit = Arc::clone(&state.limit);
        state.turn(&limit, now);
        state.window
    }

    /// A hold of nothing in `window`, for what will be granted in it.
    pub fn hold_nothing(self: &Arc<Self>, window: Bounds) -> Hold {
        if let Some(open) = self.lock().open_in(window) {
            *open = open.saturating_add(1);
        }
        Hold::new(self, window, 0)
    }

    /// Takes `amount` of the window it stands in without Redis, by the limit's own rule; `None`
    /// where the rule is to refuse.
    pub fn take_alone(&self, amount: i64) -> Option<Result<(), Standing>> {
        let mut state = self.lock();
        let part = match state.limit.without_redis {
            WithoutRedis::Closed => return None,
            WithoutRedis::LocalTenth => (state.max / 10).max(i64::from(state.max > 0)),
            WithoutRedis::Local { percent } => {
                let all = i128::from(state.max) * i128::from(percent.min(100)) / 100;
                i64::try_from(all).unwrap_or(i64::MAX) / self.lease.gateways()
            }
        };
        if is_level(&state.limit) {
            if amount > part.saturating_sub(state.used) {
                return Some(Err(state.standing()));
            }
            state.take(amount);
            return Some(Ok(()));
        }
        // The buckets of a sliding limit come one after another: each has its part.
        let part = part / state.shape.buckets();
        if amount > part.saturating_sub(state.alone) {
            return Some(Err(state.standing()));
        }
        state.alone = state.alone.saturating_add(amount);
        state.take(amount);
        Some(Ok(()))
    }

    /// What to ask of the counter now. What is not worth keeping is given up here and now, so
    /// that no call takes it while the counter hears of it. `drain` keeps nothing.
    pub fn plan_draw(&self, now: Moment, drain: bool) -> Draw {
        let mut state = self.lock();
        let limit = Arc::clone(&state.limit);
        state.turn(&limit, now);
        state.measure(now.steady_ms);
        if drain {
            state.hand = 0;
        }
        if !now.live {
            // Whoever took it for lost may have given it to others.
            state.give_up();
        }
        let left = state.left();
        let claim = state.used.saturating_add(left.clamp(0, state.in_hand()));
        state.drawn = claim;
        Draw {
            limit,
            max: state.max,
            window: state.window,
            claim,
            extra: state.hand.saturating_sub(left.max(0)).clamp(0, AMOUNT_MAX),
            overdrawn: left.min(0).saturating_neg(),
            losses: self.lease.losses(),
        }
    }

    /// What counters of windows that are over should still hear of, `most` of them.
    pub fn plan_late(&self, now: Moment, most: usize) -> Vec<Draw> {
        let losses = self.lease.losses();
        let mut state = self.lock();
        let shape = state.shape;
        state.past.retain(|past| past.is_kept(shape, now));
        state.hear_of_losses(losses);
        let incomplete = self.lease.is_incomplete();
        let due = |past: &&Past| past.is_due(shape, incomplete.then_some(now));
        let draw = |past: &Past| Draw {
            limit: Arc::clone(&state.limit),
            max: state.max,
            window: past.window,
            claim: past.used,
            extra: 0,
            overdrawn: match past.told {
                Some(told) if shape.span_ms == 0 => past.used.saturating_sub(told),
                _ => 0,
            },
            losses,
        };
        state.past.iter().filter(due).take(most).map(draw).collect()
    }

    /// Takes up what the counter granted to a draw that went out at `sent_ms`.
    pub fn granted(&self, draw: &Draw, answer: &Grant, sent_ms: i64) {
        let mut state = self.lock();
        if state.window != draw.window {
            if let Some(past) = state.past_of(draw.window) {
                past.told = Some(draw.claim.saturating_add(answer.granted));
                past.told_ms = sent_ms;
                past.used = past.used.saturating_add(answer.asked);
            }
            return;
        }
        state.balancing = false;
        state.told_ms = sent_ms;
        state.told_losses = draw.losses;
        // Draws are made one after another, so nobody else drew since the plan.
        let drawn = draw.claim.saturating_add(answer.granted);
        state.take(answer.asked);
        state.drawn = drawn;
        state.acknowledged = Some(drawn);
        if state.max < draw.max {
            state.give_up();
        }
        state.free = answer.free;
        state.share = answer.share;
    }

    /// The draw failed: what the counter holds is not certain, so it is told again.
    pub fn failed(&self, draw: &Draw) {
        let mut state = self.lock();
        if state.window == draw.window {
            state.balancing = false;
            state.acknowledged = None;
        } else if let Some(past) = state.past_of(draw.window) {
            past.told = None;
        }
    }

    /// The way to the background; absent when it is gone.
    pub fn draws(&self) -> Option<Sender<Request>> {
        self.draws.upgrade()
    }

    /// Has the background draw ahead, or give up what is too much.
    pub fn balance(self: &Arc<Self>) {
        let asked = self
            .draws()
            .is_some_and(|draws| draws.try_send(Request::Balance(Arc::clone(self))).is_ok());
        if !asked {
            // No place in the queue: whoever is next asks again.
            self.lock().balancing = false;
        }
    }

    /// The counter has no room: refuse for a moment without asking it again.
    pub fn full(&self, draw: Option<&Draw>, sent_ms: i64) -> Standing {
        let mut state = self.lock();
        if draw.is_some_and(|draw| state.window == draw.window) {
            let pause = FULL_MS.min(state.length_ms() / 20);
            state.full_until_ms = sent_ms.saturating_add(pause);
        }
        state.standing()
    }

    pub fn standing(&self) -> Standing {
        self.lock().standing()
    }

    /// The same, of the limit as it is and in the window that it is in now.
    pub fn standing_at(&self, limit: &Arc<LimitRecord>, now: Timestamp) -> Standing {
        let mut state = self.lock();
        state.turn(limit, self.lease.moment(now));
        state.standing()
    }

    /// Whether the counter should hear from this allowance though no call waits: more was used
    /// than drawn, the last draw went wrong, more is left than recent use is worth, the counter
    /// may have been lost, or the lease on what is in hand runs out.
    pub fn wants_sync(&self, now: Moment) -> bool {
        let state = self.lock();
        let incomplete = self.lease.is_incomplete();
        let lost = state.told_losses != self.lease.losses();
        if state.past.iter().any(|past| {
            past.is_due(state.shape, incomplete.then_some(now)) || (lost && state.shape.span_ms > 0)
        }) {
            return true;
        }
        if state.window.1 <= now.low_ms {
            // The bucket of a sliding limit still counts: what was drawn for it goes back.
            return state.shape.span_ms > 0 && state.acknowledged != Some(state.used);
        }
        let left = state.left();
        let something = state.drawn > 0 || state.used > 0;
        let measured_ms = now.steady_ms.saturating_sub(state.mark.1);
        let level = is_level(&state.limit) && state.used > 0;
        let again = now.steady_ms.saturating_sub(state.told_ms) >= AGAIN_MS;
        left < 0
            || state.acknowledged != Some(state.drawn)
            || (something && (lost || (incomplete && again)))
            || ((left > 0 || level) && self.lease.is_ending(now))
            || (left > 0 && state.is_idle(now.steady_ms))
            || (measured_ms >= IDLE_MS && left > state.recent(now.steady_ms).saturating_mul(2))
    }

    /// Whether the counters hold all that this gateway drew, whatever was lost before.
    pub fn is_told(&self) -> bool {
        let state = self.lock();
        let told = state.told_losses == self.lease.losses();
        let holds = state.acknowledged.is_some_and(|there| there >= state.drawn);
        let nothing = state.drawn == 0 && state.acknowledged == Some(0);
        let past = state.shape.span_ms == 0
            || state.past.iter().all(|past| past.told.is_some_and(|there| there >= past.used));
        let nothing_past = state.past.iter().all(|past| past.used == 0);
        (nothing || (told && holds)) && (nothing_past || (told && past))
    }

    /// Whether nothing is lost by forgetting it.
    pub fn is_over(&self, now: Moment) -> bool {
        let state = self.lock();
        let quiet = state.drawn == state.used && state.acknowledged == Some(state.drawn);
        let idle_ms = now.steady_ms.saturating_sub(state.touched_ms);
        let ended = state.window.1 <= now.low_ms && state.shape.span_ms == 0;
        let over = ended || (quiet && idle_ms >= FORGET_MS);
        over && !state.past.iter().any(|past| past.is_due(state.shape, None))
    }

    /// Replaces what a hold took by what was really used.
    pub fn settle(self: &Arc<Self>, window: Bounds, held: i64, used: i64) {
        let mut state = self.lock();
        if let Some(open) = state.open_in(window) {
            *open = open.saturating_sub(1);
        }
        if state.window != window {
            // Its window is over, and the next sweep tells the counter where that matters.
            if let Some(past) = state.past_of(window) {
                past.used = past.used.saturating_add(used.saturating_sub(held));
            }
            return;
        }
        if held == used {
            return;
        }
        state.used = state.used.saturating_add(used.saturating_sub(held));
        let left = state.left();
        let odd = left < 0 || left > state.in_hand().saturating_mul(3) / 2;
        if odd && !state.balancing {
            state.balancing = true;
            drop(state);
            self.balance();
        }
    }
}
