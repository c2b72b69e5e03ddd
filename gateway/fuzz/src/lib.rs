//! Fuzzing of everything that reads bytes from outside: framings, requests, answers, streams,
//! errors, of every dialect. A target is a function of an input that panics where something is
//! wrong; a dialect that is added to [`Wire`] has its targets by that alone.
//!
//! The first byte of an input is a [`Knobs`]: how it is cut, who answers. The rest is the text.
//! Two ways to run them: `tests/short.rs`, the same inputs every time, and the long run that
//! follows coverage (`infra/fuzz`). What must stay true: no clock, no chance, no state between two
//! inputs, so that an input that broke something breaks it again.

mod cut;
pub mod mutate;
mod order;
pub mod seeds;
mod targets;

use dialect::Wire;

pub use targets::Kind;

/// One thing to fuzz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub kind: Kind,
    /// Of the kinds that each dialect has of its own.
    pub wire: Option<Wire>,
}

impl Target {
    /// All there are.
    #[must_use]
    pub fn all() -> Vec<Self> {
        Kind::ALL.iter().flat_map(|kind| Self::of(*kind)).collect()
    }

    /// Those of a kind: one, or one for each dialect that has it.
    #[must_use]
    pub fn of(kind: Kind) -> Vec<Self> {
        let has: fn(Wire) -> bool = match kind {
            Kind::Request => |wire| wire.inbound().is_some(),
            Kind::Answer | Kind::Stream => |wire| wire.outbound().is_some(),
            _ => return vec![Self { kind, wire: None }],
        };
        let wires = Wire::ALL.into_iter().filter(|wire| has(*wire));
        wires.map(|wire| Self { kind, wire: Some(wire) }).collect()
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|target| target.name() == name)
    }

    /// `sse`, `answer_gemini`.
    #[must_use]
    pub fn name(self) -> String {
        let kind = self.kind.as_str();
        self.wire.map_or_else(|| kind.to_owned(), |wire| format!("{kind}_{wire}"))
    }

    /// Shows it one input.
    ///
    /// # Panics
    /// Something is wrong.
    pub fn run(self, input: &[u8]) {
        let (knobs, text) = input.split_first().map_or((0, input), |(first, rest)| (*first, rest));
        targets::run(self, Knobs(knobs), text);
    }
}

/// What is chosen besides the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knobs(pub u8);

impl Knobs {
    /// One of so many.
    #[must_use]
    pub fn pick(self, of: usize) -> usize {
        usize::from(self.0).checked_rem(of).unwrap_or_default()
    }

    /// Those an input is told to: all of them, but one in the long run, where coverage finds the
    /// others and each input counts.
    #[must_use]
    pub fn choose<T>(self, mut all: Vec<T>) -> Vec<T> {
        if cfg!(feature = "libfuzzer") && !all.is_empty() {
            all = vec![all.swap_remove(self.pick(all.len()))];
        }
        all
    }
}
