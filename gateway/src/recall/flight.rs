//! Calls that are under way, by what they ask for. Who comes first makes the call and leads; who
//! asks for the same meanwhile, on whatever thread, follows: it gets all that has come so far and
//! what comes. A leader that fails before its content leaves the call to a follower.

use super::kept::Kept;
use super::key::TenantKey;
use super::store::lock;
use crate::fault::Fault;
use dialect::neutral::Event;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// All calls under way that others may follow.
#[derive(Debug, Default)]
pub struct Flights(Mutex<HashMap<TenantKey, Arc<Flight>>>);

/// One of them.
#[derive(Debug, Default)]
pub struct Flight(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    events: Vec<Arc<Event>>,
    end: End,
    /// The wakers of followers; `None` where one left, or does not wait.
    seats: Vec<Option<Waker>>,
    followers: usize,
    /// Who reads for the leader, where it waits for its own caller.
    reader: Option<Waker>,
}

#[derive(Debug, Clone, Default)]
enum End {
    #[default]
    NotYet,
    Whole(Arc<Kept>),
    Failed(Option<Arc<Fault>>),
}

/// A place at a call under way.
#[derive(Debug)]
pub enum Joined {
    Lead(Pilot),
    Follow(Seat),
}

impl Flights {
    /// Follows the call under way that asks for the same, or leads a new one.
    #[must_use]
    pub fn join(self: &Arc<Self>, key: TenantKey) -> Joined {
        match lock(&self.0).entry(key) {
            Entry::Occupied(flight) => Joined::Follow(Seat::take(Arc::clone(flight.get()))),
            Entry::Vacant(free) => {
                let flight = Arc::clone(free.insert(Arc::default()));
                Joined::Lead(Pilot { flight, known: Some((Arc::clone(self), key)), ended: false })
            }
        }
    }

    /// How many calls others could follow.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.0).len()
    }
}

/// Who makes the call. When it is dropped before the call is whole, the call has failed.
#[derive(Debug)]
pub struct Pilot {
    flight: Arc<Flight>,
    /// Where others find it; gone when they do no more.
    known: Option<(Arc<Flights>, TenantKey)>,
    ended: bool,
}

impl Pilot {
    /// Of a call that nobody follows.
    #[must_use]
    pub fn alone() -> Self {
        Self { flight: Arc::default(), known: None, ended: false }
    }

    /// Whether anybody follows now.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        lock(&self.flight.0).followers > 0
    }

    /// As [`Pilot::is_followed`]; if nobody does, `cx` is woken when somebody comes.
    pub fn poll_followed(&self, cx: &Context<'_>) -> bool {
        let mut state = lock(&self.flight.0);
        if state.followers == 0 {
            state.reader = Some(cx.waker().clone());
        }
        state.followers > 0
    }

    /// Tells what came.
    pub fn tell(&self, events: &[Arc<Event>]) {
        let mut state = lock(&self.flight.0);
        if self.known.is_none() && state.followers == 0 {
            return;
        }
        state.events.extend(events.iter().cloned());
        wake(state);
    }

    /// Nobody who asks from now on follows.
    pub fn hide(&mut self) {
        if let Some((flights, key)) = self.known.take() {
            lock(&flights.0).remove(&key);
        }
    }

    /// The call is whole. Whoever asks from now on makes another.
    pub fn land(mut self, kept: Arc<Kept>) {
        self.end(End::Whole(kept));
    }

    /// The call has failed; `why` is for those who will not make it again.
    pub fn fail(mut self, why: Option<Fault>) {
        self.end(End::Failed(why.map(Arc::new)));
    }

    fn end(&mut self, end: End) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        // First from where it is found, so that nobody joins what has ended.
        self.hide();
        let mut state = lock(&self.flight.0);
        state.end = end;
        wake(state);
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        self.end(End::Failed(None));
    }
}

/// Wakes all who wait, once nobody holds the lock.
fn wake(mut state: std::sync::MutexGuard<'_, State>) {
    let waiting: Vec<Waker> = state.seats.iter_mut().filter_map(Option::take).collect();
    drop(state);
    waiting.into_iter().for_each(Waker::wake);
}

/// Who gets the answer of another's call.
#[derive(Debug)]
pub struct Seat {
    flight: Arc<Flight>,
    number: usize,
    /// Events that it has got.
    got: usize,
}

/// What a follower gets.
#[derive(Debug, Clone)]
pub enum Step {
    /// The next events of the stream.
    Events(Vec<Arc<Event>>),
    Whole(Arc<Kept>),
    /// The leader failed, and why, where another would fail in the same way.
    Failed(Option<Arc<Fault>>),
}

impl Seat {
    fn take(flight: Arc<Flight>) -> Self {
        let mut state = lock(&flight.0);
        let number = state.seats.len();
        state.seats.push(None);
        state.followers += 1;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Self { flight, number, got: 0 }
    }

    /// Whether it got anything of a stream.
    #[must_use]
    pub const fn has_events(&self) -> bool {
        self.got > 0
    }

    /// The next events, then the end.
    pub fn poll_step(&mut self, cx: &Context<'_>) -> Poll<Step> {
        let mut state = lock(&self.flight.0);
        if let Some(new) = state.events.get(self.got..).filter(|new| !new.is_empty()) {
            let new = new.to_vec();
            self.got += new.len();
            return Poll::Ready(Step::Events(new));
        }
        self.ended(&mut state, cx)
    }

    /// The end alone, whatever comes before it.
    pub fn poll_end(&mut self, cx: &Context<'_>) -> Poll<Step> {
        let mut state = lock(&self.flight.0);
        self.ended(&mut state, cx)
    }

    /// Ready when there is something to tell: events, or the end.
    pub fn poll_begun(&mut self, cx: &Context<'_>) -> Poll<Option<Step>> {
        let mut state = lock(&self.flight.0);
        if state.events.len() > self.got {
            return Poll::Ready(None);
        }
        self.ended(&mut state, cx).map(Some)
    }

    fn ended(&self, state: &mut State, cx: &Context<'_>) -> Poll<Step> {
        match &state.end {
            End::Whole(kept) => Poll::Ready(Step::Whole(Arc::clone(kept))),
            End::Failed(why) => Poll::Ready(Step::Failed(why.clone())),
            End::NotYet => {
                if let Some(seat) = state.seats.get_mut(self.number) {
                    *seat = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = lock(&self.flight.0);
        state.followers -= 1;
        if let Some(seat) = state.seats.get_mut(self.number) {
            *seat = None;
        }
    }
}
