//! What one answer leaves for the next page: a notice, a refused form, a secret to show once.
//! Held in memory, bounded, read once, for ten minutes, and only by the browser and the session
//! that it was left for. Nothing of it is ever in an address or a log.

use contract::Timestamp;
use portal_app::components::Tone;
use portal_app::form::Refused;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Entries held at once; the oldest goes first.
const HELD_MAX: usize = 10_000;
const LIFETIME: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// What was left for one page.
#[derive(Clone, Default, PartialEq)]
pub struct Flash {
    pub notice: Option<(Tone, String)>,
    /// A refused form: its action, the idempotency key to keep, and its state.
    pub form: Option<RefusedForm>,
    /// Anything else the page understands; may be a secret.
    pub payload: Option<serde_json::Value>,
}

#[derive(Clone, PartialEq)]
pub struct RefusedForm {
    pub action: String,
    /// Kept only when it is not known whether the form was carried out.
    pub key: Option<String>,
    pub refused: Refused,
}

impl fmt::Debug for Flash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flash(…)")
    }
}

impl fmt::Debug for RefusedForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefusedForm({})", self.action)
    }
}

/// Whom and which page an entry is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The browser: the value of the visitor cookie.
    pub visitor: String,
    /// Path of the page, without query.
    pub path: String,
}

struct Entry {
    /// The session it was left for; `None` when nobody was signed in.
    session: Option<String>,
    left_at: Timestamp,
    flash: Flash,
}

#[derive(Default)]
pub struct FlashStore(Mutex<Held>);

/// Entries by slot, and the order in which they were left; one already taken may still be in the
/// order.
#[derive(Default)]
struct Held {
    entries: HashMap<Slot, Entry>,
    order: VecDeque<(Timestamp, Slot)>,
}

impl fmt::Debug for FlashStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlashStore")
    }
}

impl FlashStore {
    /// Leaves `flash` for the next visit of the page by the same browser in the same session.
    pub fn put(&self, slot: Slot, session: Option<String>, flash: Flash, now: Timestamp) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.forget_old(now);
        held.order.push_back((now, slot.clone()));
        held.entries.insert(slot, Entry { session, left_at: now, flash });
    }

    /// Takes what was left; the second caller gets nothing, and so does another session.
    #[must_use]
    pub fn take(&self, slot: &Slot, session: Option<&str>, now: Timestamp) -> Flash {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.entries.remove(slot) {
            Some(entry)
                if entry.session.as_deref() == session && now - entry.left_at < LIFETIME =>
            {
                entry.flash
            }
            _ => Flash::default(),
        }
    }
}

impl Held {
    /// Drops what nobody came for in time, and the oldest when there is no room.
    fn forget_old(&mut self, now: Timestamp) {
        let full = |held: &Self| held.order.len() >= HELD_MAX;
        while self.order.front().is_some_and(|(at, _)| now - *at >= LIFETIME) || full(self) {
            let Some((at, slot)) = self.order.pop_front() else { return };
            if self.entries.get(&slot).is_some_and(|entry| entry.left_at == at) {
                self.entries.remove(&slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn slot(n: usize) -> Slot {
        Slot { visitor: n.to_string(), path: "/x".to_owned() }
    }

    fn flash() -> Flash {
        Flash { payload: Some("secret".into()), ..Flash::default() }
    }

    #[test]
    fn what_was_left_is_read_once() {
        let store = FlashStore::default();
        store.put(slot(1), Some("s".to_owned()), flash(), at(0));
        assert_eq!(store.take(&slot(1), Some("s"), at(1)), flash());
        assert_eq!(store.take(&slot(1), Some("s"), at(1)), Flash::default());
    }

    #[test]
    fn another_session_gets_nothing_and_ends_it() {
        let store = FlashStore::default();
        store.put(slot(1), Some("s".to_owned()), flash(), at(0));
        assert_eq!(store.take(&slot(1), None, at(1)), Flash::default());
        assert_eq!(store.take(&slot(1), Some("s"), at(1)), Flash::default());
    }

    #[test]
    fn after_ten_minutes_it_is_gone() {
        let store = FlashStore::default();
        store.put(slot(1), None, flash(), at(0));
        assert_eq!(store.take(&slot(1), None, at(600)), Flash::default());
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let store = FlashStore::default();
        for n in 0..=HELD_MAX {
            store.put(slot(n), None, flash(), at(i64::from(n > 0)));
        }
        assert_eq!(store.0.lock().unwrap().entries.len(), HELD_MAX);
        assert_eq!(store.take(&slot(0), None, at(2)), Flash::default());
        assert_eq!(store.take(&slot(HELD_MAX), None, at(2)), flash());
    }
}
