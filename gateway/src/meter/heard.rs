//! What a provider has told of a call's use, however often it told it. Counts of a stream are
//! cumulative: they only grow.

use contract::usage::{Tokens, Units};
use dialect::Reported;

/// What was told so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    pub reported: Reported,
    /// It told less at one point than it had told before.
    pub odd: bool,
}

impl From<Reported> for Heard {
    fn from(reported: Reported) -> Self {
        Self { reported, odd: false }
    }
}

impl Heard {
    pub const NOTHING: Self = Self { reported: Reported::NOTHING, odd: false };

    /// Units known beforehand.
    pub fn of(units: Units) -> Self {
        Self { reported: Reported { units, ..Reported::NOTHING }, odd: false }
    }

    /// What is known after `later` was told too. A side of the tokens that fell stays as it was: the
    /// classes of a side are told together, so that none is taken from two reports.
    #[must_use]
    pub fn and(mut self, later: Reported) -> Self {
        if let Some(tokens) = later.tokens {
            let before = self.reported.tokens.unwrap_or_default();
            let less_input = tokens.input_total() < before.input_total();
            let less_output = tokens.output_total() < before.output_total();
            self.odd |= less_input || less_output;
            let input = if less_input { before } else { tokens };
            let output = if less_output { before } else { tokens };
            self.reported.tokens = Some(Tokens {
                output: output.output,
                reasoning: output.reasoning,
                audio_output: output.audio_output,
                image_output: output.image_output,
                ..input
            });
        }
        let (before, now) = (self.reported.units, later.units);
        // A zero may mean that it is not told this time.
        self.reported.units = Units {
            images: before.images.max(now.images),
            characters: before.characters.max(now.characters),
            audio_ms: before.audio_ms.max(now.audio_ms),
            searches: before.searches.max(now.searches),
            rows: before.rows.max(now.rows),
            compute_ms: before.compute_ms.max(now.compute_ms),
        };
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: u64, cached_input: u64, output: u64) -> Reported {
        Tokens { input, cached_input, output, ..Tokens::default() }.into()
    }

    #[test]
    fn counts_that_grow_are_taken_as_they_come_and_classes_may_move() {
        let heard = Heard::NOTHING.and(tokens(100, 0, 1)).and(tokens(40, 60, 9));
        assert_eq!((heard.reported, heard.odd), (tokens(40, 60, 9), false));
        let heard = heard.and(Reported::NOTHING);
        assert_eq!((heard.reported, heard.odd), (tokens(40, 60, 9), false));
    }

    #[test]
    fn a_side_that_falls_stays_and_is_marked() {
        let heard = Heard::NOTHING.and(tokens(100, 0, 9)).and(tokens(100, 10, 3));
        assert_eq!((heard.reported, heard.odd), (tokens(100, 10, 9), true));
        let heard = Heard::NOTHING.and(tokens(100, 0, 9)).and(tokens(0, 0, 12));
        assert_eq!((heard.reported, heard.odd), (tokens(100, 0, 12), true));
    }
}
