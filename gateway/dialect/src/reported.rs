//! What a provider says that a call used, as far as it says. What it does not say is not zero.

use crate::neutral::Event;
use contract::usage::{Tokens, Units};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reported {
    /// `None`: it tells no tokens.
    pub tokens: Option<Tokens>,
    /// All that is told besides; a zero may mean that it is not told.
    pub units: Units,
}

impl Reported {
    pub const NOTHING: Self = Self { tokens: None, units: Units::NONE };

    /// Tells a stream's writer.
    pub(crate) fn tell(self, out: &mut Vec<Event>) {
        out.extend(self.tokens.map(Event::Tokens));
        if !self.units.is_zero() {
            out.push(Event::Units(self.units));
        }
    }

    /// What is known after `later` was told too: what that does not tell stays as it was.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        Self {
            tokens: later.tokens.or(self.tokens),
            units: if later.units.is_zero() { self.units } else { later.units },
        }
    }
}

impl From<Option<Tokens>> for Reported {
    fn from(tokens: Option<Tokens>) -> Self {
        Self { tokens, ..Self::NOTHING }
    }
}

impl From<Tokens> for Reported {
    fn from(tokens: Tokens) -> Self {
        Some(tokens).into()
    }
}
