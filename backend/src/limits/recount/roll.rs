//! The gateways that may have something in hand, and which of them have said again all that they
//! have of counters since some were lost.
//!
//! A gateway uses nothing in hand for longer than [`HELD_MS`] after it last wrote on the roll. So whoever
//! has looked for as long has seen everyone that may, and leaves out those that did not write since.
//! Who begins to look believes the roll as it stands if it was marked as whole under the run of the server
//! that has it now: it has lost nothing since.

use contract::channel::{ROLL_WHOLE, RollEntry};
use contract::id::GatewayId;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Whoever was not on the roll for so long, in milliseconds, has nothing in hand: gateways use it for
/// five seconds, write once a second, and a word of theirs may be under way for another.
pub const HELD_MS: u64 = 7_000;
const HELD: Duration = Duration::from_millis(HELD_MS);
/// A gateway that is new uses nothing for longer than a second; whoever looks less often may miss it.
const LOOK: Duration = Duration::from_millis(700);
/// A word that is not answered by then is called again: somebody else's may stand there instead.
const AGAIN: Duration = Duration::from_secs(2);
/// Whoever was silent for so long is taken off the roll.
const FORGET: Duration = Duration::from_secs(120);

#[derive(Debug, Clone)]
struct Seen {
    entry: RollEntry,
    written_at: Instant,
}

#[derive(Debug, Clone)]
pub(super) struct Roll {
    /// Tells the words of this program from those of another.
    name: String,
    seen: HashMap<GatewayId, Seen>,
    /// From when on everyone that may have something in hand is known.
    known_from: Option<Instant>,
    looked_at: Option<Instant>,
    called: u64,
    called_at: Option<Instant>,
}

impl Roll {
    pub fn new() -> Self {
        Self {
            name: format!("{:016x}", rand::random::<u64>()),
            seen: HashMap::new(),
            known_from: None,
            looked_at: None,
            called: 0,
            called_at: None,
        }
    }

    /// Takes up what stands on the roll, on a server of this `run`. Where all are known and the roll is
    /// not marked as whole there, says who must stand on it to be so.
    pub fn look(
        &mut self,
        entries: &HashMap<String, String>,
        run: &str,
        now: Instant,
    ) -> Option<Vec<GatewayId>> {
        let marked = entries.get(ROLL_WHOLE).is_some_and(|under| under == run);
        let known_from = *self.known_from.get_or_insert(if marked { now } else { now + HELD });
        let paused = self.looked_at.replace(now).is_none_or(|at| now.duration_since(at) > LOOK);
        if paused {
            // They may have written meanwhile, and it may be lost.
            self.seen.values_mut().for_each(|seen| seen.written_at = now);
        }
        for (gateway, text) in entries {
            let (Ok(gateway), Some(entry)) = (gateway.parse(), RollEntry::read(text)) else {
                continue;
            };
            if self.seen.get(&gateway).is_none_or(|seen| seen.entry != entry) {
                self.seen.insert(gateway, Seen { entry, written_at: now });
            }
        }
        let held = |seen: &Seen| now.duration_since(seen.written_at) < HELD;
        (!marked && now >= known_from)
            .then(|| self.seen.iter().filter(|(_, s)| held(s)).map(|(id, _)| *id).collect())
    }

    /// Those that nobody need remember any more.
    pub fn forget(&mut self, now: Instant) -> Vec<GatewayId> {
        let old = |seen: &Seen| now.duration_since(seen.written_at) >= FORGET;
        let gone: Vec<_> =
            self.seen.iter().filter(|(_, seen)| old(seen)).map(|(id, _)| *id).collect();
        self.seen.retain(|_, seen| !old(seen));
        gone
    }

    /// Its process is gone, and has nothing in hand.
    pub fn left(&mut self, gateway: GatewayId) {
        self.seen.remove(&gateway);
    }

    /// The number of a word that nobody was called by yet.
    pub const fn next(&self) -> u64 {
        self.called + 1
    }

    /// The word to call now, if one is wanted up to `number` that was not called, or not answered for
    /// long.
    pub fn call(&mut self, number: u64, now: Instant) -> Option<String> {
        let again = self.called_at.is_none_or(|at| now.duration_since(at) >= AGAIN);
        let unanswered = self.called > 0 && again && !self.is_answered(number, now);
        if number <= self.called && !unanswered {
            return None;
        }
        (self.called, self.called_at) = (self.called.max(number), Some(now));
        Some(format!("{}-{}", self.name, self.called))
    }

    /// Whether everyone that may have something in hand has said what it has since that word.
    pub fn is_answered(&self, number: u64, now: Instant) -> bool {
        let known = self.known_from.is_some_and(|from| now >= from);
        let all = self.seen.values().all(|seen| {
            self.has_answered(seen, number) || now.duration_since(seen.written_at) >= HELD
        });
        known && all
    }

    /// Whether a gateway has.
    pub fn speaks(&self, gateway: GatewayId, number: u64) -> bool {
        self.seen.get(&gateway).is_some_and(|seen| self.has_answered(seen, number))
    }

    fn has_answered(&self, seen: &Seen, number: u64) -> bool {
        let word = seen.entry.answered.rsplit_once('-');
        word.is_some_and(|(name, said)| {
            name == self.name && said.parse::<u64>().is_ok_and(|said| said >= number)
        })
    }
}
