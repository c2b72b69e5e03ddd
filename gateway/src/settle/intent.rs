//! Calls that are written down as begun and not as ended yet, of one thread's files.

use std::time::{Duration, Instant};

/// Proof that a call is written down as begun, without which no provider is asked. It ends with
/// the call's event; where it is lost, the call is told as one whose end is not known.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an intent that is dropped leaves its call unsettled"]
pub struct Intent {
    /// Whose files it is in.
    pub(super) writer: usize,
    pub(super) slot: usize,
}

/// Where an intent is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub segment: u64,
    pub at: u64,
    pub length: usize,
}

/// An intent without its end.
#[derive(Debug, Clone, Copy)]
struct Open {
    place: Place,
    /// When it was first looked at. Calls that end before that, as most do, ask for no time.
    since: Option<Instant>,
    /// Somebody was told that it is still open.
    told: bool,
}

/// The open intents.
#[derive(Debug, Default)]
pub(super) struct Intents {
    slots: Vec<Option<Open>>,
    free: Vec<usize>,
}

impl Intents {
    pub fn add(&mut self, place: Place) -> usize {
        let open = Some(Open { place, since: None, told: false });
        match self.free.pop() {
            Some(slot) => {
                if let Some(free) = self.slots.get_mut(slot) {
                    *free = open;
                }
                slot
            }
            None => {
                self.slots.push(open);
                self.slots.len() - 1
            }
        }
    }

    pub fn remove(&mut self, slot: usize) {
        if self.slots.get_mut(slot).and_then(Option::take).is_some() {
            self.free.push(slot);
        }
    }

    /// An intent is written down again, elsewhere.
    pub fn is_now_at(&mut self, slot: usize, place: Place) {
        if let Some(Some(open)) = self.slots.get_mut(slot) {
            open.place = place;
        }
    }

    /// Somebody was told of the intent that was at `place`.
    pub fn is_told(&mut self, slot: usize, place: Place) {
        if let Some(Some(open)) = self
            .slots
            .get_mut(slot)
            .filter(|open| open.as_ref().is_some_and(|open| open.place == place))
        {
            open.told = true;
        }
    }

    pub fn is_any_in(&self, segment: u64) -> bool {
        self.slots.iter().flatten().any(|open| open.place.segment == segment)
    }

    /// Those in one file.
    pub fn within(&self, segment: u64) -> Vec<(usize, Place)> {
        let within = self.all().filter(|(_, open)| open.place.segment == segment);
        within.map(|(slot, open)| (slot, open.place)).collect()
    }

    /// Those that were open when this was asked `longer_than` ago, and nobody was told so.
    pub fn untold(&mut self, longer_than: Duration) -> Vec<(usize, Place)> {
        let now = Instant::now();
        let mut untold = Vec::new();
        for (slot, open) in self.slots.iter_mut().enumerate() {
            let Some(open) = open.as_mut().filter(|open| !open.told) else { continue };
            let since = *open.since.get_or_insert(now);
            if now.duration_since(since) >= longer_than {
                untold.push((slot, open.place));
            }
        }
        untold
    }

    fn all(&self) -> impl Iterator<Item = (usize, Open)> {
        self.slots.iter().enumerate().filter_map(|(slot, open)| Some((slot, (*open)?)))
    }
}
