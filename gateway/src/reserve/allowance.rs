//! What this gateway may use of one limit, for one subject, in one window, without asking.
//!
//! `drawn` is what it took out of the shared counter, `used` what calls hold or have settled;
//! what lies between them can be taken at once. What must stay true: the counter holds at least
//! `drawn` for this gateway, so all gateways together never pass the limit.

use super::draw::Request;
use super::refusal::Standing;
use contract::Timestamp;
use contract::id::OrgId;
use contract::snapshot::{LimitRecord, Window, WithoutRedis};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::{Sender, WeakSender};

/// So much of recent use, in time, is worth having in hand.
const HORIZON_MS: i64 = 250;
/// What is in hand is compared with recent use over at least this long before it shrinks.
const SETTLED_MS: i64 = 1_000;
/// What is in hand is given back when nothing was taken for this long.
const IDLE_MS: i64 = 2_000;
/// After the counter refused, how long the gateway refuses on its own.
const FULL_MS: i64 = 100;
/// An allowance not touched for this long is forgotten; a later one asks the counter what it had.
const FORGET_MS: i64 = 600_000;
/// For how long after a window's end its counter is told of what calls used late, in seconds.
const LATE_S: i64 = 3_600;
/// Larger than any amount the counter's script can compare exactly.
pub(super) const AMOUNT_MAX: i64 = 9_000_000_000_000_000;

/// A window, `[start, end)` in epoch seconds.
pub(super) type Bounds = (i64, i64);

#[derive(Debug)]
pub(super) struct Allowance {
    pub org_id: OrgId,
    /// Whose use it counts, as the counter's name says it.
    pub subject: Box<str>,
    draws: WeakSender<Request>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: Arc<LimitRecord>,
    window: Bounds,
    /// Taken out of the counter, as far as Redis said so; absent: unknown, ask first.
    drawn: Option<i64>,
    /// What Redis last acknowledged of `drawn`; absent: it may hold something else.
    acknowledged: Option<i64>,
    used: i64,
    /// Admitted by [`WithoutRedis::LocalTenth`] in this window.
    tenth: i64,
    /// Free in the counter when it last answered.
    free: i64,
    full_until_ms: i64,
    /// A draw ahead, or a giving up, is on its way.
    balancing: bool,
    /// What is worth having left, from recent use.
    hand: i64,
    /// What the counter lets one gateway have left.
    share: i64,
    /// Everything ever taken in this window, given back or not: the measure of recent use.
    taken: i64,
    /// `taken`, and the instant, when recent use was last measured.
    mark: (i64, i64),
    touched_ms: i64,
    /// Holds of this window that are not settled yet.
    open: u32,
    /// Windows that ended while calls held something of them.
    past: Vec<Past>,
}

/// A window that is over, and of which something is still held or untold.
#[derive(Debug, Clone, Copy)]
struct Past {
    window: Bounds,
    open: u32,
    used: i64,
    /// What the counter has of this gateway.
    told: i64,
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
    pub window: Bounds,
    /// What this gateway has of the counter; absent: unknown.
    pub claim: Option<i64>,
    /// Wanted beyond what callers wait for.
    pub extra: i64,
    /// How long the counter is kept, in seconds; absent: for ever.
    pub keep_s: Option<i64>,
    /// Used beyond what was drawn, since the last draw.
    pub overdrawn: i64,
}

/// What the counter answered.
#[derive(Debug)]
pub(super) struct Grant {
    pub granted: i64,
    /// Left for all gateways after this grant; negative when more was used than allowed.
    pub free: i64,
    /// What the counter held for this gateway before the draw.
    pub held: i64,
    /// What this gateway may have in hand.
    pub share: i64,
    /// Of the grant, what waiting callers take at once.
    pub asked: i64,
}

impl Allowance {
    pub fn new(
        org_id: OrgId,
        subject: Box<str>,
        limit: &Arc<LimitRecord>,
        now: Timestamp,
        draws: WeakSender<Request>,
    ) -> Self {
        Self { org_id, subject, draws, state: Mutex::new(State::new(Arc::clone(limit), now)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `amount`, or what there is of it.
    pub fn take(self: &Arc<Self>, limit: &Arc<LimitRecord>, amount: i64, now: Timestamp) -> Take {
        let mut state = self.lock();
        state.turn(limit, now);
        let now_ms = now.timestamp_millis();
        state.touched_ms = now_ms;
        let left = state.left();
        let window = state.window;
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
        if missing > AMOUNT_MAX || (now_ms < state.full_until_ms && missing > state.free) {
            return Take::Full(state.standing());
        }
        state.take(part);
        state.open = state.open.saturating_add(1);
        Take::Short { hold: Hold::new(self, window, part), missing }
    }

    /// The limit as it was last seen.
    pub fn limit(&self) -> Arc<LimitRecord> {
        Arc::clone(&self.lock().limit)
    }

    /// Moves to the window of `now`, and says which it is.
    pub fn turn(&self, now: Timestamp) -> Bounds {
        let mut state = self.lock();
        let limit = Arc::clone(&state.limit);
        state.turn(&limit, now);
        state.window
    }

    /// A hold of nothing in `window`, for what will be granted in it.
    fn hold_nothing(self: &Arc<Self>, window: Bounds) -> Hold {
        if let Some(open) = self.lock().open_in(window) {
            *open = open.saturating_add(1);
        }
        Hold::new(self, window, 0)
    }

    /// Takes `amount` of the window it stands in without Redis, by the limit's own rule; `None`
    /// where the rule is to refuse.
    pub fn take_tenth(&self, amount: i64) -> Option<Result<(), Standing>> {
        let mut state = self.lock();
        let limit = Arc::clone(&state.limit);
        let percent = match limit.without_redis {
            WithoutRedis::Closed => None,
            WithoutRedis::LocalTenth => Some(10),
            WithoutRedis::Local { percent } => Some(i64::from(percent.min(100))),
        };
        match percent {
            None => None,
            Some(percent) => {
                let tenth = (limit.max / 100).saturating_mul(percent);
                let tenth = tenth.max(i64::from(limit.max > 0));
                if amount > tenth.saturating_sub(state.tenth) {
                    return Some(Err(state.standing()));
                }
                state.tenth = state.tenth.saturating_add(amount);
                state.take(amount);
                Some(Ok(()))
            }
        }
    }

    /// What to ask of the counter now. What is not worth keeping is given up here and now, so
    /// that no call takes it while the counter hears of it. `drain` keeps nothing.
    pub fn plan_draw(&self, now: Timestamp, drain: bool) -> Draw {
        let mut state = self.lock();
        let limit = Arc::clone(&state.limit);
        state.turn(&limit, now);
        state.measure(now.timestamp_millis());
        if drain {
            state.hand = 0;
        }
        let left = state.left();
        let claim = state.drawn.map(|_| state.used.saturating_add(left.clamp(0, state.in_hand())));
        state.drawn = claim;
        Draw {
            window: state.window,
            keep_s: keep_s(&limit, state.window, now),
            limit,
            claim,
            extra: state.hand.saturating_sub(left.max(0)).clamp(0, AMOUNT_MAX),
            overdrawn: left.min(0).saturating_neg(),
        }
    }

    /// What counters of windows that are over should still hear of: calls that ended after them
    /// and used more than they held.
    pub fn plan_late(&self, now: Timestamp) -> Vec<Draw> {
        let mut state = self.lock();
        let horizon = now.timestamp().saturating_sub(LATE_S);
        state.past.retain(|past| past.open > 0 || (past.is_due() && past.window.1 > horizon));
        let limit = &state.limit;
        let due = state.past.iter().filter(|past| past.is_due());
        due.map(|past| Draw {
            limit: Arc::clone(limit),
            window: past.window,
            claim: Some(past.used),
            extra: 0,
            keep_s: keep_s(limit, past.window, now),
            overdrawn: past.used.saturating_sub(past.told),
        })
        .collect()
    }

    /// Takes up what the counter granted.
    pub fn granted(&self, draw: &Draw, answer: &Grant) {
        let mut state = self.lock();
        if state.window != draw.window {
            if let Some(past) = state.past_of(draw.window) {
                let told = draw.claim.unwrap_or(answer.held);
                past.told = told.saturating_add(answer.granted);
                past.used = past.used.saturating_add(answer.asked);
            }
            return;
        }
        state.balancing = false;
        // Draws are made one after another, so nobody else drew since the plan.
        let claim = draw.claim.unwrap_or_else(|| {
            // Forgotten here but held there: all of it counts as used.
            state.used = state.used.saturating_add(answer.held);
            answer.held
        });
        state.acknowledged = Some(claim.saturating_add(answer.granted));
        state.take(answer.asked);
        state.drawn = state.acknowledged;
        if state.limit.max < draw.limit.max {
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
    pub fn full(&self, draw: &Draw, now: Timestamp) -> Standing {
        let mut state = self.lock();
        if state.window == draw.window {
            let pause = FULL_MS.min(state.length_ms() / 20);
            state.full_until_ms = now.timestamp_millis().saturating_add(pause);
        }
        state.standing()
    }

    pub fn standing(&self) -> Standing {
        self.lock().standing()
    }

    /// Whether the counter should hear from this allowance though no call waits: more was used
    /// than drawn, the last draw went wrong, or more is left than recent use is worth.
    pub fn wants_sync(&self, now: Timestamp) -> bool {
        let state = self.lock();
        if state.past.iter().any(Past::is_due) {
            return true;
        }
        if state.window.1 <= now.timestamp() {
            return false;
        }
        let Some(drawn) = state.drawn else { return state.used > 0 };
        let left = drawn.saturating_sub(state.used);
        let now_ms = now.timestamp_millis();
        let measured_ms = now_ms.saturating_sub(state.mark.1);
        left < 0
            || state.acknowledged != state.drawn
            || (left > 0 && state.is_idle(now_ms))
            || (measured_ms >= IDLE_MS && left > state.recent(now_ms).saturating_mul(2))
    }

    /// Whether nothing is lost by forgetting it.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let state = self.lock();
        let quiet = state.drawn.unwrap_or(0) == state.used && state.acknowledged == state.drawn;
        let idle_ms = now.timestamp_millis().saturating_sub(state.touched_ms);
        let over = state.window.1 <= now.timestamp() || (quiet && idle_ms >= FORGET_MS);
        over && !state.past.iter().any(Past::is_due)
    }

    /// Replaces what a hold took by what was really used.
    fn settle(self: &Arc<Self>, window: Bounds, held: i64, used: i64) {
        let mut state = self.lock();
        if let Some(open) = state.open_in(window) {
            *open = open.saturating_sub(1);
        }
        if state.window != window {
            // Its window is over. What was not used is of no use to anybody any more, what was
            // used beyond it counts where it was held; the next sweep tells the counter.
            if let Some(past) = state.past_of(window) {
                past.used = past.used.saturating_add(used.saturating_sub(held));
            }
            state.past.retain(|past| past.open > 0 || past.is_due());
            return;
        }
        if held == used {
            return;
        }
        state.used = state.used.saturating_add(used.saturating_sub(held));
        let left = state.left();
        let odd = left < 0 || left > state.in_hand().saturating_mul(2);
        if odd && !state.balancing {
            state.balancing = true;
            drop(state);
            self.balance();
        }
    }
}

impl State {
    fn new(limit: Arc<LimitRecord>, now: Timestamp) -> Self {
        let now_ms = now.timestamp_millis();
        Self {
            window: limit.bounds(now),
            free: limit.max,
            limit,
            drawn: None,
            acknowledged: None,
            used: 0,
            tenth: 0,
            full_until_ms: 0,
            balancing: false,
            hand: 0,
            share: i64::MAX,
            taken: 0,
            mark: (0, now_ms),
            touched_ms: now_ms,
            open: 0,
            past: Vec::new(),
        }
    }

    fn past_of(&mut self, window: Bounds) -> Option<&mut Past> {
        self.past.iter_mut().find(|past| past.window == window)
    }

    /// The number of unsettled holds of a window.
    fn open_in(&mut self, window: Bounds) -> Option<&mut u32> {
        if self.window == window {
            return Some(&mut self.open);
        }
        self.past_of(window).map(|past| &mut past.open)
    }

    fn start_window(&mut self, limit: &Arc<LimitRecord>, now: Timestamp) {
        let mut past = std::mem::take(&mut self.past);
        if self.open > 0 {
            let told = self.drawn.unwrap_or(self.used);
            past.push(Past { window: self.window, open: self.open, used: self.used, told });
        }
        let hand = self.hand;
        *self = Self::new(Arc::clone(limit), now);
        self.hand = hand;
        self.past = past;
    }

    fn left(&self) -> i64 {
        self.drawn.map_or(0, |drawn| drawn.saturating_sub(self.used))
    }

    fn length_ms(&self) -> i64 {
        self.window.1.saturating_sub(self.window.0).saturating_mul(1_000)
    }

    fn take(&mut self, amount: i64) {
        self.used = self.used.saturating_add(amount);
        self.taken = self.taken.saturating_add(amount);
    }

    fn give_up(&mut self) {
        self.drawn = self.drawn.map(|drawn| drawn.min(self.used));
    }

    /// Moves to the window of `now` and to the limit as it is now. Windows only go forward.
    fn turn(&mut self, limit: &Arc<LimitRecord>, now: Timestamp) {
        if now.timestamp() >= self.window.1 || limit.window != self.limit.window {
            self.start_window(limit, now);
        } else if !Arc::ptr_eq(limit, &self.limit) {
            // The use stays. What was drawn under a higher maximum may no longer be there.
            if limit.max < self.limit.max {
                self.give_up();
            }
            if limit.max != self.limit.max {
                self.full_until_ms = 0;
                let change = limit.max.saturating_sub(self.limit.max);
                self.free = self.free.saturating_add(change);
            }
            self.limit = Arc::clone(limit);
        }
    }

    /// Recent use over the horizon, which is a short part of the window.
    fn recent(&self, now_ms: i64) -> i64 {
        let horizon = HORIZON_MS.min(self.length_ms() / 64).max(1);
        let since = self.taken.saturating_sub(self.mark.0).max(0);
        let elapsed = now_ms.saturating_sub(self.mark.1).max(1);
        let by_rate = i128::from(since) * i128::from(horizon) / i128::from(elapsed);
        // A first burst says little of the rate: growth is bounded.
        i64::try_from(by_rate).unwrap_or(i64::MAX).min(since.saturating_mul(4))
    }

    /// What may stay when more is left.
    fn in_hand(&self) -> i64 {
        self.hand.min(self.share)
    }

    fn is_idle(&self, now_ms: i64) -> bool {
        now_ms.saturating_sub(self.touched_ms) >= IDLE_MS
    }

    /// Sizes the hand by recent use: it grows at once and shrinks after a while.
    fn measure(&mut self, now_ms: i64) {
        let recent = self.recent(now_ms);
        if self.is_idle(now_ms) {
            self.hand = 0;
        } else if now_ms.saturating_sub(self.mark.1) >= SETTLED_MS {
            self.hand = recent;
        } else {
            self.hand = self.hand.max(recent);
        }
        self.mark = (self.taken, now_ms);
    }

    fn standing(&self) -> Standing {
        let remaining = self.free.saturating_add(self.left()).clamp(0, self.limit.max.max(0));
        let resets_at = (self.limit.window != Window::Lifetime)
            .then(|| Timestamp::from_timestamp(self.window.1, 0))
            .flatten();
        Standing { limit: Arc::clone(&self.limit), remaining, resets_at, asked: 0 }
    }
}

impl Past {
    fn is_due(&self) -> bool {
        self.used > self.told
    }
}

/// How long the counter of a window is kept, in seconds; absent: for ever.
fn keep_s(limit: &LimitRecord, window: Bounds, now: Timestamp) -> Option<i64> {
    let left = window.1.saturating_sub(now.timestamp()).max(0);
    (limit.window != Window::Lifetime).then(|| left.saturating_add(60))
}

/// An amount taken from an allowance. Dropped without being settled, it goes back.
#[derive(Debug)]
pub(super) struct Hold {
    allowance: Arc<Allowance>,
    window: Bounds,
    amount: i64,
    /// What the same call holds of windows before.
    earlier: Option<Box<Self>>,
    settled: bool,
}

impl Hold {
    fn new(allowance: &Arc<Allowance>, window: Bounds, amount: i64) -> Self {
        let allowance = Arc::clone(allowance);
        Self { allowance, window, amount, earlier: None, settled: false }
    }

    pub fn allowance(&self) -> &Arc<Allowance> {
        &self.allowance
    }

    /// Adds what was taken for it in its window.
    pub fn grow(&mut self, by: i64) {
        self.amount = self.amount.saturating_add(by);
    }

    /// Gives back what it holds unless that is of `window`; says whether it still holds it.
    pub fn move_to(&mut self, window: Bounds) -> bool {
        let stays = self.window == window;
        if !stays {
            *self = self.allowance.hold_nothing(window);
        }
        stays
    }

    /// Takes over what another hold has of the same allowance.
    pub fn join(&mut self, mut other: Self) {
        if self.window == other.window {
            self.amount = self.amount.saturating_add(other.amount);
            other.amount = 0;
        } else {
            std::mem::swap(self, &mut other);
            self.earlier = Some(Box::new(other));
        }
    }

    /// The start of the window that it holds in.
    pub fn window_start(&self) -> i64 {
        self.window.0
    }

    /// All that it holds.
    pub fn held(&self) -> i64 {
        self.amount.saturating_add(self.earlier.as_ref().map_or(0, |earlier| earlier.held()))
    }

    /// Keeps `used`, which may be more than it holds, and gives back the rest.
    pub fn settle(mut self, used: i64) {
        let mut used = used;
        if let Some(earlier) = self.earlier.take() {
            let part = used.min(earlier.held());
            used = used.saturating_sub(part);
            earlier.settle(part);
        }
        self.end(used);
    }

    fn end(&mut self, used: i64) {
        if !self.settled {
            self.settled = true;
            self.allowance.settle(self.window, self.amount, used);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.end(0);
    }
}
