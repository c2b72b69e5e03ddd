//! The numbers of one allowance: what it drew, used and is worth having in hand in the window that it
//! stands in, and what windows before it still have to tell their counters.

use crate::reserve::lease::Moment;
use crate::reserve::policy::Policy;
use crate::reserve::refusal::Standing;
use crate::reserve::window::{Bounds, Shape, length_ms, window_at};
use contract::Timestamp;
use contract::snapshot::{AtLimit, LimitRecord};
use std::sync::Arc;

/// So much of recent use, in time, is worth having in hand.
const HORIZON_MS: i64 = 250;
/// What is in hand is compared with recent use over at least this long before it shrinks.
const SETTLED_MS: i64 = 1_000;
/// What is in hand is given back when nothing was taken for this long.
pub(super) const IDLE_MS: i64 = 2_000;
/// For how long after a window's end its counter is told of what calls used late.
const LATE_MS: i64 = 3_600_000;
/// While counters are incomplete, they are told again this often.
pub(super) const AGAIN_MS: i64 = 500;

#[derive(Debug)]
pub(super) struct State {
    pub limit: Arc<LimitRecord>,
    /// The maximum in force, and until when by the clock of Redis.
    pub max: i64,
    pub max_until_ms: i64,
    /// Of limit, maximum and window, once somebody was told of it.
    policy: Option<Arc<Policy>>,
    pub shape: Shape,
    pub window: Bounds,
    /// Taken out of the counter, as far as Redis said so.
    pub drawn: i64,
    /// What Redis last acknowledged of `drawn`; absent: it may hold something else.
    pub acknowledged: Option<i64>,
    pub used: i64,
    /// Admitted without Redis in this window.
    pub alone: i64,
    /// Free in the counter when it last answered.
    pub free: i64,
    pub full_until_ms: i64,
    /// A draw ahead, or a giving up, is on its way.
    pub balancing: bool,
    /// What is worth having left, from recent use.
    pub hand: i64,
    /// What the counter lets one gateway have left.
    pub share: i64,
    /// Everything ever taken in this window, given back or not: the measure of recent use.
    pub taken: i64,
    /// `taken`, and the instant, when recent use was last measured.
    pub mark: (i64, i64),
    pub touched_ms: i64,
    /// When the counter was last told, and how many losses the org had had then.
    pub told_ms: i64,
    pub told_losses: u64,
    /// Holds of this window that are not settled yet.
    pub open: u32,
    /// Windows that ended: of the calendar those of which something is held or untold; of a
    /// sliding limit the buckets that still count.
    pub past: Vec<Past>,
}

/// A window that is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    pub window: Bounds,
    pub open: u32,
    pub used: i64,
    /// What the counter has of this gateway; absent: not certain.
    pub told: Option<i64>,
    pub told_ms: i64,
}

/// What is left of an allowance that was forgotten.
#[derive(Debug, Clone, Copy)]
pub(in crate::reserve) struct Remains {
    pub window: Bounds,
    pub used: i64,
}

impl Remains {
    /// Whether its window is over.
    pub const fn is_over(&self, now: Moment) -> bool {
        self.window.1 <= now.low_ms
    }
}

impl State {
    pub fn new(limit: Arc<LimitRecord>, now: Moment) -> Self {
        let now_ms = now.steady_ms;
        let (max, max_until_ms) = max_at(&limit, now);
        Self {
            shape: Shape::of(&limit),
            window: window_at(&limit, now.low_ms),
            max,
            max_until_ms,
            policy: None,
            free: max,
            limit,
            drawn: 0,
            acknowledged: Some(0),
            used: 0,
            alone: 0,
            full_until_ms: i64::MIN,
            balancing: false,
            hand: 0,
            share: i64::MAX,
            taken: 0,
            mark: (0, now_ms),
            touched_ms: now_ms,
            told_ms: i64::MIN,
            told_losses: 0,
            open: 0,
            past: Vec::new(),
        }
    }

    pub fn past_of(&mut self, window: Bounds) -> Option<&mut Past> {
        self.past.iter_mut().rev().find(|past| past.window == window)
    }

    /// The number of unsettled holds of a window.
    pub fn open_in(&mut self, window: Bounds) -> Option<&mut u32> {
        if self.window == window {
            return Some(&mut self.open);
        }
        self.past_of(window).map(|past| &mut past.open)
    }

    /// Leaves the window it stands in for that of `now`.
    pub fn start_window(&mut self, limit: &Arc<LimitRecord>, now: Moment) {
        let next = Self::new(Arc::clone(limit), now);
        let slides = self.shape.span_ms > 0;
        let former = std::mem::replace(self, next);
        self.hand = former.hand;
        self.told_losses = former.told_losses;
        if former.shape != self.shape {
            // What the limit counted before is not what it counts now.
            return;
        }
        self.past = former.past;
        if slides {
            // Of what it counts, only the newest part is another.
            (self.free, self.share, self.full_until_ms) =
                (former.free, former.share, former.full_until_ms);
            (self.taken, self.mark) = (former.taken, former.mark);
        }
        let told = if slides { former.acknowledged } else { Some(former.drawn) };
        let something = former.used > 0 || former.acknowledged != Some(0);
        if former.open > 0 || (slides && something) {
            let Self { window, open, used, .. } = former;
            self.past.push(Past { window, open, used, told, told_ms: former.told_ms });
        }
    }

    /// Of a sliding limit, every bucket that counts is to be told again.
    pub fn hear_of_losses(&mut self, losses: u64) {
        if self.shape.span_ms > 0 && self.told_losses != losses {
            for past in &mut self.past {
                past.told = None;
            }
            self.told_losses = losses;
            self.acknowledged = None;
        }
    }

    /// Whether what is in hand may be used without asking. Where the window may have ended by the
    /// clock of Redis, Redis decides; and while more is drawn than the maximum, nobody goes on.
    pub const fn is_usable(&self, now: Moment) -> bool {
        now.live && now.high_ms < self.window.1 && self.free >= 0
    }

    pub fn left(&self) -> i64 {
        self.drawn.saturating_sub(self.used)
    }

    pub fn length_ms(&self) -> i64 {
        length_ms(self.shape, self.window)
    }

    pub fn take(&mut self, amount: i64) {
        self.used = self.used.saturating_add(amount);
        self.taken = self.taken.saturating_add(amount);
    }

    pub fn give_up(&mut self) {
        self.drawn = self.drawn.min(self.used);
    }

    /// Moves to the window of `now` and to the limit as it is now. Windows only go forward.
    pub fn turn(&mut self, limit: &Arc<LimitRecord>, now: Moment) {
        let same = Arc::ptr_eq(limit, &self.limit);
        if now.low_ms >= self.window.1 || (!same && Shape::of(limit) != self.shape) {
            self.start_window(limit, now);
        } else if !same || now.low_ms >= self.max_until_ms {
            let (max, until_ms) = max_at(limit, now);
            // The use stays. What was drawn under a higher maximum may no longer be there.
            if max < self.max {
                self.give_up();
            }
            if max != self.max {
                self.full_until_ms = i64::MIN;
                self.free = self.free.saturating_add(max.saturating_sub(self.max));
            }
            (self.max, self.max_until_ms) = (max, until_ms);
            self.policy = None;
            if !same {
                self.limit = Arc::clone(limit);
            }
        }
    }

    /// Recent use over the horizon, which is a short part of the window.
    pub fn recent(&self, now_ms: i64) -> i64 {
        let horizon = HORIZON_MS.min(self.length_ms() / 64).max(1);
        let since = self.taken.saturating_sub(self.mark.0).max(0);
        let elapsed = now_ms.saturating_sub(self.mark.1).max(1);
        let by_rate = i128::from(since) * i128::from(horizon) / i128::from(elapsed);
        // A first burst says little of the rate: growth is bounded.
        i64::try_from(by_rate).unwrap_or(i64::MAX).min(since.saturating_mul(4))
    }

    /// What may stay when more is left.
    pub fn in_hand(&self) -> i64 {
        self.hand.min(self.share)
    }

    pub fn is_idle(&self, now_ms: i64) -> bool {
        now_ms.saturating_sub(self.touched_ms) >= IDLE_MS
    }

    /// Sizes the hand by recent use: it grows at once and shrinks after a while.
    pub fn measure(&mut self, now_ms: i64) {
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

    /// How it stands when it admits nothing at all.
    pub fn suspended(&mut self) -> Option<Standing> {
        if self.max > 0 || self.limit.at_limit != AtLimit::Deny {
            return None;
        }
        let changes_at = (self.max_until_ms < i64::MAX)
            .then(|| Timestamp::from_timestamp_millis(self.max_until_ms))
            .flatten();
        Some(Standing { remaining: 0, resets_at: changes_at, ..self.standing() })
    }

    fn policy(&mut self) -> Arc<Policy> {
        let Self { policy, limit, max, window, .. } = self;
        Arc::clone(policy.get_or_insert_with(|| Arc::new(Policy::of(limit, *max, *window))))
    }

    pub fn standing(&mut self) -> Standing {
        let policy = self.policy();
        let remaining = self.free.saturating_add(self.left()).clamp(0, self.max.max(0));
        // A sliding limit has room again when the first use it counts has slid out.
        let first = self.past.iter().find(|past| past.used > 0).map_or(self.window, |p| p.window);
        let resets_ms = match self.shape.span_ms {
            0 => self.window.1,
            span => first.1.saturating_add(span),
        };
        let resets_at = (self.window.1 < i64::MAX)
            .then(|| Timestamp::from_timestamp_millis(resets_ms))
            .flatten();
        Standing { limit: Arc::clone(&self.limit), policy, remaining, resets_at, asked: 0 }
    }
}

impl Past {
    pub fn is_kept(&self, shape: Shape, now: Moment) -> bool {
        let kept_ms = if shape.span_ms > 0 { shape.span_ms } else { LATE_MS };
        let counts = now.low_ms < self.window.1.saturating_add(kept_ms);
        self.open > 0 || (counts && (shape.span_ms > 0 || self.is_due(shape, None)))
    }

    /// Whether its counter should hear of it. A calendar's counter hears only of more than it
    /// has; a bucket still counts, so its counter hears of less too, and of all of it again and
    /// again while counts are `incomplete`.
    pub fn is_due(&self, shape: Shape, incomplete: Option<Moment>) -> bool {
        if shape.span_ms == 0 {
            return self.told.is_some_and(|told| self.used > told);
        }
        let again =
            incomplete.is_some_and(|now| now.steady_ms.saturating_sub(self.told_ms) >= AGAIN_MS);
        self.told != Some(self.used) || (again && self.used != 0)
    }
}

/// The maximum in force, and until when, in milliseconds.
fn max_at(limit: &LimitRecord, now: Moment) -> (i64, i64) {
    let at = Timestamp::from_timestamp_millis(now.low_ms).unwrap_or_default();
    let (max, until) = limit.max_at(at);
    (max, until.map_or(i64::MAX, |until| until.timestamp_millis()))
}
