//! What a call used, and how well that is known. A provider's report is believed as far as it can
//! be true; what of it cannot be is estimated or capped, and marked, so that no call is free and
//! none is billed a number that makes no sense.

use crate::permit::Bound;
use contract::usage::{Tokens, Units, Used};

/// Text of an answer that has none, as it is counted with what stands around it.
const EMPTY_ANSWER: u64 = 6;
/// Units of a call beyond which a report is taken for a mistake: a week of audio, say, or as many
/// searches or pictures as no provider makes in one call.
const UNITS_MAX: u64 = 1_000_000_000;
const FEW_MAX: u64 = 1_000;

/// What a call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    pub used: Used,
    /// Part of it was counted here, not by the provider.
    pub estimated: bool,
    /// The provider's report could not be true as it was.
    pub odd: bool,
}

impl Measure {
    /// As the provider told it.
    #[must_use]
    pub const fn told(tokens: Tokens, units: Units) -> Self {
        Self { used: Used { tokens, units }, estimated: false, odd: false }
    }

    #[must_use]
    pub const fn odd_if(self, odd: bool) -> Self {
        Self { odd: self.odd || odd, ..self }
    }

    /// Estimates a side that was told as nothing, or as no count, though there is text of it.
    #[must_use]
    pub fn with_both_sides(
        mut self,
        input_seen: impl Fn() -> u64,
        output_seen: impl Fn() -> u64,
    ) -> Self {
        let tokens = &mut self.used.tokens;
        let mut missing = false;
        if tokens.input_total() == 0 {
            tokens.input = input_seen();
            missing |= tokens.input > 0;
        }
        if tokens.output_total() == 0 {
            tokens.output = Some(output_seen()).filter(|seen| *seen > EMPTY_ANSWER).unwrap_or(0);
            missing |= tokens.output > 0;
        }
        self.estimated |= missing;
        self.odd |= missing;
        self
    }

    /// Takes what cannot be true for the most that was expected.
    #[must_use]
    pub fn plausible(mut self, bound: &Bound) -> Self {
        let Used { tokens, units } = &mut self.used;
        let mut capped = false;
        if tokens.input_total() > bound.input_plausible {
            let output = *tokens;
            *tokens = Tokens {
                input: bound.input,
                output: output.output,
                reasoning: output.reasoning,
                audio_output: output.audio_output,
                image_output: output.image_output,
                ..Tokens::NONE
            };
            capped = true;
        }
        if tokens.output_total() > bound.output_plausible {
            tokens.output = bound.output;
            (tokens.reasoning, tokens.audio_output, tokens.image_output) = (0, 0, 0);
            capped = true;
        }
        for (unit, max) in [
            (&mut units.images, FEW_MAX),
            (&mut units.searches, FEW_MAX),
            (&mut units.characters, UNITS_MAX),
            (&mut units.audio_ms, UNITS_MAX),
            (&mut units.rows, UNITS_MAX),
            (&mut units.compute_ms, UNITS_MAX),
        ] {
            capped |= *unit > max;
            *unit = (*unit).min(max);
        }
        self.estimated |= capped;
        self.odd |= capped;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUND: Bound = Bound {
        input: 100,
        output: 50,
        output_held: 50,
        input_plausible: 1_000,
        output_plausible: 200,
    };

    fn told(input: u64, output: u64) -> Measure {
        Measure::told(Tokens { input, output, ..Tokens::NONE }, Units::NONE)
    }

    fn sides(measure: Measure) -> (u64, u64, bool) {
        let Tokens { input, output, .. } = measure.used.tokens;
        assert_eq!(measure.odd, measure.estimated);
        (input, output, measure.odd)
    }

    #[test]
    fn a_side_told_as_nothing_is_estimated_where_there_was_text() {
        let with = |told: Measure, input, output| told.with_both_sides(|| input, || output);
        assert_eq!(sides(with(told(5, 7), 100, 100)), (5, 7, false));
        assert_eq!(sides(with(told(0, 7), 100, 100)), (100, 7, true));
        assert_eq!(sides(with(told(5, 0), 100, 90)), (5, 90, true));
        assert_eq!(sides(with(told(5, 0), 100, 3)), (5, 0, false));
        assert_eq!(sides(with(told(0, 0), 0, 0)), (0, 0, false));
    }

    #[test]
    fn what_cannot_be_true_is_taken_for_the_most_that_was_expected() {
        assert_eq!(sides(told(1_000, 200).plausible(&BOUND)), (1_000, 200, false));
        assert_eq!(sides(told(1_001, 7).plausible(&BOUND)), (100, 7, true));
        assert_eq!(sides(told(5, u64::MAX).plausible(&BOUND)), (5, 50, true));
        let searches = Units { searches: 1_000_000, ..Units::NONE };
        let capped = Measure::told(Tokens::NONE, searches).plausible(&BOUND);
        assert_eq!((capped.used.units.searches, capped.odd), (FEW_MAX, true));
    }

    proptest! {
        #[test]
        fn no_report_makes_more_than_is_plausible(counts in any::<[u64; 16]>()) {
            let [
                input, cached_input, cache_write, cache_write_1h, audio_input, image_input, output,
                reasoning, audio_output, image_output, images, characters, audio_ms, searches,
                rows, compute_ms,
            ] = counts;
            let tokens = Tokens {
                input, cached_input, cache_write, cache_write_1h, audio_input, image_input,
                output, reasoning, audio_output, image_output,
            };
            let units = Units { images, characters, audio_ms, searches, rows, compute_ms };
            let used = Measure::told(tokens, units).plausible(&BOUND).used;
            prop_assert!(used.tokens.input_total() <= 1_000);
            prop_assert!(used.tokens.output_total() <= 200);
            prop_assert!(used.units.searches <= FEW_MAX && used.units.rows <= UNITS_MAX);
        }
    }
}
