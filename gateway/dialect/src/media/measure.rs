//! How much a task is, before it is done and after: what a provider tells counts, then what can be
//! counted or measured here, then what is assumed. Nothing that is done is nothing.
//!
//! | | units | tokens, where none are told and no rate is set for the unit |
//! |---|---|---|
//! | pictures | those in the answer | by size and quality ([`super::size`]) |
//! | speech | characters of the text, exact | three of audio for two characters |
//! | transcription | the length told, else by the file's header, else by its bytes | a thousand of audio a minute; text |
//! | moderation | | text |
//!
//! Text is three bytes a token, as everywhere.

use super::size::INPUT_TOKENS;
use super::{Task, audio};
use crate::Reported;
use crate::openai::TEXT_BYTES_PER_TOKEN;
use contract::money::{Nanos, Rates};
use contract::usage::{Operation, Tokens, Units, Used};

/// Milliseconds of audio that are one token to who listens: a thousand a minute.
const MS_PER_TOKEN: u64 = 60;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    pub task: Task,
    /// Bytes of text that the model reads.
    pub text_bytes: u64,
    /// Pictures to make, and tokens of each.
    pub images: u64,
    pub image_tokens: u64,
    /// Pictures given in.
    pub images_given: u64,
    /// Characters to speak.
    pub characters: u64,
    /// Bytes of the recording.
    pub audio_bytes: u64,
    /// How long it lasts, where its header tells.
    pub audio_ms: Option<u64>,
}

impl Sizes {
    #[must_use]
    pub const fn of(task: Task) -> Self {
        Self {
            task,
            text_bytes: 0,
            images: 0,
            image_tokens: 0,
            images_given: 0,
            characters: 0,
            audio_bytes: 0,
            audio_ms: None,
        }
    }

    /// The most that it is expected to use: input tokens, output tokens, units.
    #[must_use]
    pub fn most(&self) -> (u64, u64, Units) {
        let units = self.units();
        let tokens = self.tokens(&units, self.listened_ms() / MS_PER_TOKEN / 3);
        (tokens.input_total(), tokens.output_total(), units)
    }

    /// What was used, as it was reported or counted in the answer, of which so many tokens of text
    /// were seen; and whether anything of it that has a price was estimated.
    #[must_use]
    pub fn used(&self, rates: &Rates, told: &Reported, output_tokens: u64) -> (Used, bool) {
        let expected = self.units();
        let known = |count: u64| Some(count).filter(|count| *count > 0);
        let (rate, counted) = match self.task.operation() {
            Operation::Images => (rates.units.image, known(told.units.images)),
            Operation::Speech => (rates.units.million_characters, Some(self.characters)),
            Operation::Transcription => (rates.units.audio_minute, known(told.units.audio_ms)),
            _ => (Nanos::ZERO, None),
        };
        let units = match self.task.operation() {
            Operation::Images => Units { images: counted.unwrap_or(self.images), ..expected },
            Operation::Transcription => {
                Units { audio_ms: counted.unwrap_or(expected.audio_ms), ..expected }
            }
            _ => expected,
        };
        let by_unit = rate > Nanos::ZERO;
        let (tokens, assumed) = match told.tokens {
            Some(tokens) => (tokens, false),
            None if by_unit => (Tokens::default(), false),
            None => (self.tokens(&units, output_tokens), true),
        };
        (Used { tokens, units }, assumed || by_unit && counted.is_none())
    }

    fn units(&self) -> Units {
        Units {
            images: self.images,
            characters: self.characters,
            audio_ms: self.listened_ms(),
            ..Units::default()
        }
    }

    fn listened_ms(&self) -> u64 {
        self.audio_ms.unwrap_or_else(|| audio::assumed_ms(self.audio_bytes))
    }

    /// Tokens to assume of so much.
    fn tokens(&self, units: &Units, output: u64) -> Tokens {
        Tokens {
            input: self.text_bytes.div_ceil(TEXT_BYTES_PER_TOKEN),
            image_input: self.images_given.saturating_mul(INPUT_TOKENS),
            audio_input: units.audio_ms.div_ceil(MS_PER_TOKEN),
            output,
            image_output: units.images.saturating_mul(self.image_tokens),
            audio_output: units.characters.saturating_mul(3).div_ceil(2),
            ..Tokens::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::money::UnitRates;
    use proptest::prelude::*;

    fn by_token() -> Rates {
        Rates { input: Nanos(1_000), output: Nanos(2_000), ..Rates::default() }
    }

    fn by_unit() -> Rates {
        let rate = Nanos(1_000_000_000);
        let units = UnitRates {
            image: rate,
            million_characters: rate,
            audio_minute: rate,
            ..UnitRates::default()
        };
        Rates { units, ..Rates::default() }
    }

    fn pictures() -> Sizes {
        Sizes { images: 2, image_tokens: 272, text_bytes: 30, ..Sizes::of(Task::Generate) }
    }

    fn one_picture() -> Reported {
        Reported { units: Units { images: 1, ..Units::default() }, ..Reported::NOTHING }
    }

    fn recording(audio_ms: Option<u64>) -> Sizes {
        Sizes { audio_bytes: 24_000, audio_ms, ..Sizes::of(Task::Transcribe) }
    }

    #[test]
    fn what_a_provider_tells_is_taken_as_it_is() {
        let tokens = Tokens { input: 3, image_output: 500, ..Tokens::default() };
        let units = Units { images: 1, ..Units::default() };
        let told = Reported { tokens: Some(tokens), units };
        for rates in [by_token(), by_unit()] {
            assert_eq!(pictures().used(&rates, &told, 0), (Used { tokens, units }, false));
        }
    }

    #[test]
    fn where_a_unit_has_a_rate_no_tokens_are_made_up() {
        let told = one_picture();
        let (used, estimated) = pictures().used(&by_unit(), &told, 0);
        assert_eq!((used.units.images, used.tokens, estimated), (1, Tokens::default(), false));
        let speech = Sizes { characters: 11, ..Sizes::of(Task::Speak) };
        let (used, estimated) = speech.used(&by_unit(), &Reported::NOTHING, 0);
        assert_eq!((used.units.characters, used.tokens, estimated), (11, Tokens::default(), false));
    }

    #[test]
    fn where_tokens_have_the_price_and_none_are_told_they_are_assumed_and_marked() {
        let told = one_picture();
        let (used, estimated) = pictures().used(&by_token(), &told, 0);
        assert_eq!((used.tokens.input, used.tokens.image_output, estimated), (10, 272, true));
        let speech = Sizes { characters: 11, text_bytes: 11, ..Sizes::of(Task::Speak) };
        let (used, estimated) = speech.used(&by_token(), &Reported::NOTHING, 0);
        assert_eq!((used.tokens.input, used.tokens.audio_output, estimated), (4, 17, true));
        let (used, estimated) = recording(Some(60_000)).used(&by_token(), &Reported::NOTHING, 7);
        assert_eq!((used.tokens.audio_input, used.tokens.output, estimated), (1_000, 7, true));
        let judged = Sizes { text_bytes: 9, ..Sizes::of(Task::Moderate) };
        let (used, estimated) = judged.used(&by_token(), &Reported::NOTHING, 0);
        assert_eq!((used.tokens.input, estimated), (3, true));
    }

    #[test]
    fn a_recording_is_as_long_as_told_else_as_its_header_says_else_as_its_bytes() {
        let told = |audio_ms| Reported {
            units: Units { audio_ms, ..Units::default() },
            ..Reported::NOTHING
        };
        let listened = |sizes: Sizes, told| {
            let (used, estimated) = sizes.used(&by_unit(), &told, 0);
            (used.units.audio_ms, estimated)
        };
        assert_eq!(listened(recording(Some(9_000)), told(8_470)), (8_470, false));
        assert_eq!(listened(recording(Some(9_000)), Reported::NOTHING), (9_000, true));
        assert_eq!(listened(recording(None), Reported::NOTHING), (6_000, true));
        assert_eq!(listened(recording(None), told(0)), (6_000, true));
    }

    proptest! {
        #[test]
        fn what_is_assumed_never_costs_more_than_was_reserved_and_nothing_is_free(
            task in 0..7_usize, text in 0..10_000_u64, images in 1..10_u64, each in 1..7_000_u64,
            given in 0..5_u64, characters in 1..4_096_u64, bytes in 1..1_000_000_u64, unit in any::<bool>(),
        ) {
            let task = Task::ALL[task];
            let mut sizes = Sizes { text_bytes: text, ..Sizes::of(task) };
            match task.operation() {
                Operation::Images => {
                    (sizes.images, sizes.image_tokens, sizes.images_given) = (images, each, given);
                }
                Operation::Speech => sizes.characters = characters,
                Operation::Transcription => sizes.audio_bytes = bytes,
                _ => sizes.text_bytes += 1,
            }
            let big = Nanos(1_000_000_000_000);
            let mut rates = if unit { by_unit() } else { by_token() };
            if unit {
                rates.units.million_characters = big;
            } else {
                (rates.input, rates.output) = (big, big);
            }
            let (input, output, units) = sizes.most();
            let (used, _) = sizes.used(&rates, &Reported::NOTHING, 0);
            prop_assert!(rates.price(&used) <= rates.price_max(input, output, &units));
            prop_assert!(rates.price(&used) > Nanos::ZERO || (unit && task == Task::Moderate));
        }
    }
}
