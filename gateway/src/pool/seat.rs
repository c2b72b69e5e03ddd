//! A place at a replica, held while that works on a call, and how a call gets one: at once where
//! there is room, else by waiting in the pool's line. What must stay true: a place that is given
//! back goes to who waits, whoever leaves at the same instant, and nobody waits where there is room.

use super::Pool;
use super::choose::Choice;
use super::drain::Drain;
use super::line::{Line, Place};
use super::replica::Replica;
use super::wish::Wish;
use crate::health::Ticket;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// Calls at the head of the line that are passed over when those behind them can go somewhere, and
/// they cannot: the replicas with room have failed them before.
const PASSED_OVER_MAX: usize = 8;

/// The calls that wait, and how quickly others end.
#[derive(Debug, Default)]
pub(super) struct Room {
    line: Line<Waiter>,
    drain: Drain,
}

#[derive(Debug)]
struct Waiter {
    wish: Wish,
    told: oneshot::Sender<Result<Seat, Full>>,
}

/// Why a pool takes no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// No replica takes calls at all.
    Nowhere,
    /// Its caller left while it waited.
    Left,
    /// As many wait as may.
    Line { retry_after: Duration },
    /// It has waited for as long as it may.
    Waited { retry_after: Duration },
}

/// A call's place at a replica.
#[derive(Debug)]
pub struct Seat {
    pool: Option<Arc<Pool>>,
    pub replica: Arc<Replica>,
    ticket: Option<Ticket>,
}

impl Seat {
    /// The replica did its part.
    pub fn ended_well(mut self, now_ms: u64, took: Duration) {
        if let Some(ticket) = self.ticket.take() {
            ticket.ended_well(now_ms, took);
        }
        self.at(now_ms);
    }

    /// It did not.
    pub fn ended_badly(mut self, now_ms: u64) {
        if let Some(ticket) = self.ticket.take() {
            ticket.ended_badly(now_ms);
        }
        // What it knew is probably gone with it.
        self.replica.prefixes().clear();
        self.at(now_ms);
    }

    fn at(&self, now_ms: u64) {
        if let Some(pool) = &self.pool {
            pool.at(now_ms);
        }
    }

    /// Gives it up without telling who waits.
    fn hush(mut self) {
        self.pool = None;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Before anybody is told that there is room.
        drop(self.ticket.take());
        if let Some(pool) = self.pool.take() {
            pool.freed();
        }
    }
}

impl Pool {
    /// A place, if there is one now.
    #[must_use]
    pub fn try_seat(self: &Arc<Self>, wish: &Wish, now_ms: u64) -> Option<Seat> {
        self.at(now_ms);
        let bounded = self.policy.load().concurrency_max.is_some();
        let room = bounded.then(|| self.room());
        if room.as_ref().is_some_and(|room| !room.line.is_empty()) {
            return None;
        }
        match self.choose(wish, now_ms) {
            Choice::Go(replica, ticket) => Some(self.seat_at(replica, ticket)),
            Choice::Full | Choice::Nowhere => None,
        }
    }

    fn seat_at(self: &Arc<Self>, replica: Arc<Replica>, ticket: Ticket) -> Seat {
        Seat { pool: Some(Arc::clone(self)), replica, ticket: Some(ticket) }
    }

    /// A place; waited for up to `until`, and no longer than the pool's policy has it.
    ///
    /// # Errors
    /// [`Full`].
    pub async fn seat(
        self: &Arc<Self>,
        wish: Wish,
        until: Instant,
        now_ms: u64,
    ) -> Result<Seat, Full> {
        self.at(now_ms);
        if self.policy.load().concurrency_max.is_none() {
            return match self.choose(&wish, now_ms) {
                Choice::Go(replica, ticket) => Ok(self.seat_at(replica, ticket)),
                Choice::Full | Choice::Nowhere => Err(Full::Nowhere),
            };
        }
        let (place, priority, told) = match self.stand(wish, now_ms)? {
            Stands::Seated(seat) => return Ok(seat),
            Stands::Waits { place, priority, told } => (place, priority, told),
        };
        let wait_max = Duration::from_millis(self.policy.load().queue.wait_ms_max.into());
        let until = until.min(Instant::now() + wait_max);
        let mut waits = Waits { pool: self, place, told };
        match timeout_at(until, &mut waits.told).await {
            Ok(Ok(told)) => told,
            Ok(Err(_)) => Err(Full::Nowhere),
            Err(_) => waits.give_up(priority),
        }
    }

    /// Takes a place, or stands in line.
    fn stand(self: &Arc<Self>, wish: Wish, now_ms: u64) -> Result<Stands, Full> {
        let mut room = self.room();
        if room.line.is_empty() {
            match self.choose(&wish, now_ms) {
                Choice::Go(replica, ticket) => {
                    return Ok(Stands::Seated(self.seat_at(replica, ticket)));
                }
                Choice::Nowhere => return Err(Full::Nowhere),
                Choice::Full => {}
            }
        }
        let queue = self.policy.load().queue;
        let priority = wish.priority;
        if room.line.len() >= usize::try_from(queue.calls_max).unwrap_or(usize::MAX) {
            let displaced = room.line.displace(priority, wish.org);
            let Some(displaced) = displaced else {
                return Err(Full::Line { retry_after: self.retry_after(&room, priority, now_ms) });
            };
            let retry_after = self.retry_after(&room, displaced.wish.priority, now_ms);
            // Who has left already need not be told.
            let _ = displaced.told.send(Err(Full::Line { retry_after }));
        }
        let (tell, told) = oneshot::channel();
        let (org, cost) = (wish.org, wish.cost);
        let place = room.line.push(priority, org, cost, Waiter { wish, told: tell });
        self.dispatch(&mut room, now_ms);
        Ok(Stands::Waits { place, priority, told })
    }

    /// How long until there is probably a place for one more such call.
    fn retry_after(&self, room: &Room, priority: u8, now_ms: u64) -> Duration {
        let ahead = room.line.ahead_of(priority) + 1;
        let known = room.drain.wait(now_ms, ahead);
        // Where no call has ended lately, all have worked for longer than is looked back.
        known.unwrap_or_else(|| {
            let wait_ms = self.policy.load().queue.wait_ms_max.into();
            Duration::from_millis(wait_ms).clamp(Duration::from_secs(1), Duration::from_secs(60))
        })
    }

    /// Gives places to those who wait, as far as there are any.
    fn dispatch(self: &Arc<Self>, room: &mut Room, now_ms: u64) {
        let mut passed_over = Vec::new();
        while passed_over.len() < PASSED_OVER_MAX
            && let Some((place, waiter)) = room.line.pop()
        {
            match self.choose(&waiter.wish, now_ms) {
                Choice::Go(replica, ticket) => {
                    let seat = self.seat_at(replica, ticket);
                    // Who has left gives it back, and the next one gets it.
                    if let Err(Ok(seat)) = waiter.told.send(Ok(seat)) {
                        seat.hush();
                    }
                }
                Choice::Nowhere => drop(waiter.told.send(Err(Full::Nowhere))),
                Choice::Full => {
                    let is_choosy = !waiter.wish.tried.is_empty();
                    passed_over.push((place, waiter));
                    if !is_choosy {
                        break;
                    }
                }
            }
        }
        for (place, waiter) in passed_over {
            room.line.put_back(place, waiter);
        }
    }

    /// A place was given back.
    fn freed(self: &Arc<Self>) {
        if self.policy.load().concurrency_max.is_none() {
            return;
        }
        let now_ms = self.now();
        let mut room = self.room();
        room.drain.ended(now_ms);
        self.dispatch(&mut room, now_ms);
    }

    /// Something has changed that may have made room.
    pub(super) fn look_again(self: &Arc<Self>, now_ms: u64) {
        self.at(now_ms);
        let mut room = self.room();
        if !room.line.is_empty() {
            self.dispatch(&mut room, now_ms);
        }
    }

    /// Calls that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.room().line.len()
    }
}

enum Stands {
    Seated(Seat),
    Waits { place: Place, priority: u8, told: oneshot::Receiver<Result<Seat, Full>> },
}

/// A call that waits. Dropped, it leaves the line; a place that it was given meanwhile goes on.
struct Waits<'p> {
    pool: &'p Arc<Pool>,
    place: Place,
    told: oneshot::Receiver<Result<Seat, Full>>,
}

impl Waits<'_> {
    /// Its time is over, unless it was given a place at the last moment.
    fn give_up(mut self, priority: u8) -> Result<Seat, Full> {
        let mut room = self.pool.room();
        let waited = room.line.remove(self.place).is_some();
        let retry_after = self.pool.retry_after(&room, priority, self.pool.now());
        drop(room);
        let given = if waited { None } else { self.told.try_recv().ok() };
        given.unwrap_or(Err(Full::Waited { retry_after }))
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let left = self.pool.room().line.remove(self.place);
        drop(left);
    }
}
