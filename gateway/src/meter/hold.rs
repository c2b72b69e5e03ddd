//! What is held of the limits while a call runs. A stream whose end nobody bounds holds a part of
//! what it may use, and more while it comes: out of memory ahead of need, from Redis before what is
//! held is used up, so that nothing is given that no limit admitted.

use crate::clock::Clock;
use crate::permit::{Bound, Permit};
use crate::reserve::{Amounts, More, Refused, Reservation};
use contract::Timestamp;
use contract::money::{Nanos, Rates};
use contract::usage::Units;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Output tokens held at first for a stream whose caller states no bound, for each of its choices;
/// and the least that is held more.
pub const FIRST_PART: u64 = 1_024;
/// The most that is held more at once.
const PART_MAX: u64 = 8_192;
/// Where a limit refuses a part, a smaller one is asked for, down to this.
const PART_MIN: u64 = 32;

type Asking = Pin<Box<dyn Future<Output = Result<More, Refused>>>>;

/// What one call holds. Given back when it is dropped, unless it was taken out to be settled.
pub struct Hold {
    reservation: Option<Reservation>,
    /// More is being asked for.
    asking: Option<Asking>,
    /// Output tokens that are held.
    output: u64,
    /// Output tokens that the call may come to.
    output_max: u64,
    rates: Rates,
    /// What is being asked for, and the most that may be asked for next.
    asked: u64,
    part_max: u64,
    /// What the limits said when more was last asked for, if they did not admit it.
    refused: Option<Refused>,
    /// They said so when nothing was left.
    is_over: bool,
    /// How often more was held.
    pub topped_up: u16,
}

/// Whether what has come may go on to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Enough,
    /// More was held for it just now.
    Grown,
    /// No limit admits it.
    None,
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, output_max, refused, topped_up, .. } = self;
        write!(f, "Hold({output} of {output_max}, {refused:?}, {topped_up})")
    }
}

impl Hold {
    /// What a call holds from its beginning.
    pub fn new(reservation: Reservation, permit: &Permit) -> Self {
        // What is not metered by its text has no output that could grow.
        let Bound { output, output_held, .. } = permit.bound;
        let grows = permit.call.media.is_none() && output > 0;
        let (output, output_max) = if grows { (output_held, output) } else { (u64::MAX, u64::MAX) };
        Self {
            reservation: Some(reservation),
            asking: None,
            output,
            output_max,
            rates: permit.price.rates,
            asked: 0,
            part_max: PART_MAX,
            refused: None,
            is_over: false,
            topped_up: 0,
        }
    }

    /// The reservation; absent once it was taken.
    pub const fn reservation(&self) -> Option<&Reservation> {
        self.reservation.as_ref()
    }

    /// Takes the reservation out, to be settled. More that is being asked for goes back.
    pub fn take(&mut self) -> Option<Reservation> {
        self.asking = None;
        self.reservation.take()
    }

    /// Why there is no room, if a limit said so.
    pub const fn refused(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }

    /// Whether `seen` tokens of output use up what is held. Of a call that holds all that it may
    /// come to, the text that is seen is no proof: only twice as much is.
    pub const fn is_used_up(&self, seen: u64) -> bool {
        if self.output < self.output_max {
            seen >= self.output
        } else {
            seen > self.output.saturating_mul(2).saturating_add(16)
        }
    }

    /// Whether there is room after `seen` tokens of output; asks for more when little is left.
    /// Pending while that is not answered and nothing is left.
    pub fn poll_room(&mut self, cx: &mut Context<'_>, seen: u64, clock: &Clock) -> Poll<Room> {
        let used_up = self.is_used_up(seen);
        let low = self.output < self.output_max
            && seen.saturating_mul(4) >= self.output.saturating_mul(3);
        if !used_up && !low {
            return Poll::Ready(Room::Enough);
        }
        loop {
            if let Some(asking) = &mut self.asking {
                let answer = match asking.as_mut().poll(cx) {
                    Poll::Pending if used_up => return Poll::Pending,
                    Poll::Pending => return Poll::Ready(Room::Enough),
                    Poll::Ready(answer) => answer,
                };
                self.asking = None;
                match answer {
                    Ok(more) => {
                        self.grow(|held| {
                            held.add(more);
                            true
                        });
                        return Poll::Ready(Room::Grown);
                    }
                    Err(refused) => self.is_refused(refused, used_up),
                }
            }
            match (&self.refused, used_up) {
                // Asked again when nothing is left: by then there may be some.
                (Some(_), false) => return Poll::Ready(Room::Enough),
                (Some(_), true) if self.is_over => return Poll::Ready(Room::None),
                _ => {}
            }
            if self.ask(clock.now()) {
                return Poll::Ready(Room::Grown);
            }
            if self.asking.is_none() {
                // Settled: nothing is asked for any more.
                return Poll::Ready(Room::Enough);
            }
        }
    }

    /// Asks for more: whether memory had it.
    fn ask(&mut self, now: Timestamp) -> bool {
        let part = self.output.clamp(FIRST_PART, PART_MAX).min(self.part_max);
        let left = self.output_max.saturating_sub(self.output);
        // A model that passes its own bound is given as much again as any.
        self.asked = if left == 0 { part } else { part.min(left) };
        let price = |output| self.rates.price_max(0, output, &Units::NONE);
        let (before, after) = (price(self.output), price(self.output.saturating_add(self.asked)));
        let more = Amounts {
            output_tokens: i64::try_from(self.asked).unwrap_or(i64::MAX),
            money: Nanos(after.0.saturating_sub(before.0)),
            ..Amounts::default()
        };
        if self.grow(|held| held.try_extend(&more, now)) {
            return true;
        }
        self.asking = self.reservation.as_ref().map(|held| Box::pin(held.more(&more, now)) as _);
        false
    }

    fn is_refused(&mut self, refused: Refused, used_up: bool) {
        // A limit that cannot be asked has no smaller part either.
        let smaller = self.asked > PART_MIN && matches!(refused, Refused::Limit(_));
        self.is_over = used_up && !smaller;
        if smaller {
            self.part_max = (self.asked / 2).max(PART_MIN);
        }
        self.refused = Some(refused);
    }

    fn grow(&mut self, add: impl FnOnce(&mut Reservation) -> bool) -> bool {
        let Some(reservation) = &mut self.reservation else { return false };
        if !add(reservation) {
            return false;
        }
        self.output = self.output.saturating_add(self.asked);
        self.topped_up = self.topped_up.saturating_add(1);
        self.part_max = self.part_max.saturating_mul(2).min(PART_MAX);
        (self.refused, self.is_over) = (None, false);
        true
    }
}
