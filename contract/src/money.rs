//! Money: integer nano-dollars, and the one place where a price meets a quantity.
//!
//! [`Nanos`] is what programs and tables hold; [`Usd`] is the same amount as a decimal string for
//! people and JSON. Floats never appear.

use crate::snapshot::WHOLE;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Nano-dollars in a dollar.
pub const NANOS_PER_USD: i64 = 1_000_000_000;

/// An amount in nano-dollars (10⁻⁹ USD). An `i64` holds ±9.2 billion dollars.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Nanos(pub i64);

impl Nanos {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// An amount of US dollars as people and JSON see it: a plain decimal string, never a float,
/// never an exponent. Exact: nine decimals are a nano-dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Usd(pub Nanos);

impl From<Nanos> for Usd {
    fn from(nanos: Nanos) -> Self {
        Self(nanos)
    }
}

impl fmt::Display for Usd {
    /// At least two decimals, at most nine, no trailing zeros past the cents.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = i128::from(self.0.0);
        let (whole, fraction) = (value.abs() / 1_000_000_000, value.abs() % 1_000_000_000);
        let digits = format!("{fraction:09}");
        let kept = digits.trim_end_matches('0').len().max(2);
        let sign = if value < 0 { "-" } else { "" };
        write!(f, "{sign}{whole}.{}", digits.get(..kept).unwrap_or("00"))
    }
}

/// Why a text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("an amount is decimal digits with at most nine after the point, like 0.15")]
    Form,
    #[error("the amount is larger than 9223372036 dollars")]
    Range,
}

impl FromStr for Usd {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty()
            || !digits(whole)
            || !digits(fraction)
            || fraction.len() > 9
            || rest.ends_with('.')
        {
            return Err(MoneyError::Form);
        }
        let nanos: i128 =
            format!("{whole}{fraction:0<9}").parse().map_err(|_| MoneyError::Range)?;
        let signed = if negative { -nanos } else { nanos };
        i64::try_from(signed).map(|n| Self(Nanos(n))).map_err(|_| MoneyError::Range)
    }
}

impl Serialize for Usd {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Usd {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some(r"^-?[0-9]+(\.[0-9]{1,9})?$"))
            .description(Some("US dollars as a decimal string, exact to 10⁻⁹."))
            .examples(["0.15"])
            .build()
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Usd {}

/// What a unit of each class costs. Token rates are nano-dollars **per million tokens**; a class
/// without its own rate is charged at its base class: cached input, cache write, audio and image
/// input as input, what is cached for an hour as cache write; reasoning, audio and image output as
/// output. What is not counted in tokens is free where it has no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rates {
    pub input: Nanos,
    pub output: Nanos,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<Nanos>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Nanos>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Nanos>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Nanos>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<Nanos>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<Nanos>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_input: Option<Nanos>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_output: Option<Nanos>,
    /// Nano-dollars for each call, whatever its size.
    #[serde(default)]
    pub per_call: Nanos,
    #[serde(default, skip_serializing_if = "UnitRates::is_zero")]
    pub units: UnitRates,
}

/// What is charged beside tokens, in nano-dollars, by the measures that vendors publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitRates {
    pub image: Nanos,
    pub million_characters: Nanos,
    /// A minute of audio listened to.
    pub audio_minute: Nanos,
    pub thousand_searches: Nanos,
    pub thousand_rows: Nanos,
    /// An hour of a model server's work.
    pub compute_hour: Nanos,
}

impl UnitRates {
    pub const FREE: Self = Self {
        image: Nanos::ZERO,
        million_characters: Nanos::ZERO,
        audio_minute: Nanos::ZERO,
        thousand_searches: Nanos::ZERO,
        thousand_rows: Nanos::ZERO,
        compute_hour: Nanos::ZERO,
    };

    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::FREE
    }

    /// The price of `units`, in [`PARTS`] of a nano-dollar.
    fn price(&self, units: &crate::usage::Units) -> i128 {
        if units.is_zero() {
            return 0;
        }
        let millis_in_minute = 60_000;
        let millis_in_hour = 3_600_000;
        [
            (units.images, self.image, 1),
            (units.characters, self.million_characters, 1_000_000),
            (units.audio_ms, self.audio_minute, millis_in_minute),
            (units.searches, self.thousand_searches, 1_000),
            (units.rows, self.thousand_rows, 1_000),
            (units.compute_ms, self.compute_hour, millis_in_hour),
        ]
        .into_iter()
        .fold(0_i128, |sum, (count, rate, per)| {
            sum.saturating_add(product(count, rate).saturating_mul(PARTS / per))
        })
    }
}

/// Sums are made in parts of a nano-dollar that every measure divides: millions of tokens and
/// characters, thousands of searches, milliseconds of a minute and of an hour.
const PARTS: i128 = 18_000_000;

impl Rates {
    pub const FREE: Self = Self {
        input: Nanos::ZERO,
        output: Nanos::ZERO,
        cached_input: None,
        cache_write: None,
        cache_write_1h: None,
        reasoning: None,
        audio_input: None,
        audio_output: None,
        image_input: None,
        image_output: None,
        per_call: Nanos::ZERO,
        units: UnitRates::FREE,
    };

    /// The price of one call that used this. Sums first, rounds once, half away from zero, to a
    /// whole nano-dollar; saturates at [`Nanos::MAX`].
    #[must_use]
    pub fn price(&self, used: &crate::usage::Used) -> Nanos {
        let tokens = self.tokens_in_parts(&used.tokens);
        Self::from_parts(tokens.saturating_add(self.rest_in_parts(1, &used.units)))
    }

    /// So many hundredths of what such a call costs, at most all of it. Rounded once, like
    /// [`Rates::price`].
    #[must_use]
    pub fn price_of_part(&self, used: &crate::usage::Used, percent: u8) -> Nanos {
        if percent >= WHOLE {
            return self.price(used);
        }
        let tokens = self.tokens_in_parts(&used.tokens);
        let parts = tokens.saturating_add(self.rest_in_parts(1, &used.units));
        round_over(parts.saturating_mul(percent.into()), PARTS * i128::from(WHOLE))
    }

    /// What tokens cost, in [`PARTS`] of a nano-dollar.
    pub(crate) fn tokens_in_parts(&self, tokens: &crate::usage::Tokens) -> i128 {
        let cache_write = self.cache_write.unwrap_or(self.input);
        let classes = [
            (tokens.input, self.input),
            (tokens.cached_input, self.cached_input.unwrap_or(self.input)),
            (tokens.cache_write, cache_write),
            (tokens.cache_write_1h, self.cache_write_1h.unwrap_or(cache_write)),
            (tokens.audio_input, self.audio_input.unwrap_or(self.input)),
            (tokens.image_input, self.image_input.unwrap_or(self.input)),
            (tokens.output, self.output),
            (tokens.reasoning, self.reasoning.unwrap_or(self.output)),
            (tokens.audio_output, self.audio_output.unwrap_or(self.output)),
            (tokens.image_output, self.image_output.unwrap_or(self.output)),
        ];
        let millionths = classes
            .into_iter()
            .fold(0_i128, |sum, (count, rate)| sum.saturating_add(product(count, rate)));
        millionths.saturating_mul(PARTS / 1_000_000)
    }

    /// What calls and units cost beside their tokens, in [`PARTS`] of a nano-dollar.
    pub(crate) fn rest_in_parts(&self, calls: u64, units: &crate::usage::Units) -> i128 {
        let calls = product(calls, self.per_call).saturating_mul(PARTS);
        calls.saturating_add(self.units.price(units))
    }

    /// A sum of [`PARTS`] as money: the one place where it is rounded.
    pub(crate) fn from_parts(parts: i128) -> Nanos {
        round(parts)
    }

    /// The lowest of its rates of tokens.
    #[must_use]
    pub(crate) fn lowest(&self) -> Nanos {
        [
            self.cached_input,
            self.cache_write,
            self.cache_write_1h,
            self.audio_input,
            self.image_input,
            self.reasoning,
            self.audio_output,
            self.image_output,
            Some(self.output),
        ]
        .into_iter()
        .flatten()
        .fold(self.input, Nanos::min)
    }

    /// The dearest rate any input token could have: what a reservation assumes.
    #[must_use]
    pub fn input_max(&self) -> Nanos {
        [
            self.cached_input,
            self.cache_write,
            self.cache_write_1h,
            self.audio_input,
            self.image_input,
        ]
        .into_iter()
        .flatten()
        .fold(self.input, Nanos::max)
    }

    /// The dearest rate any output token could have.
    #[must_use]
    pub fn output_max(&self) -> Nanos {
        [self.reasoning, self.audio_output, self.image_output]
            .into_iter()
            .flatten()
            .fold(self.output, Nanos::max)
    }

    /// The most that a call of at most so many tokens and units can cost: never less than
    /// [`Rates::price`] of any split of those tokens into classes.
    #[must_use]
    pub fn price_max(
        &self,
        input_tokens: u64,
        output_tokens: u64,
        units: &crate::usage::Units,
    ) -> Nanos {
        let input = product(input_tokens, self.input_max());
        let output = product(output_tokens, self.output_max());
        let tokens = input.saturating_add(output).saturating_mul(PARTS / 1_000_000);
        round(tokens.saturating_add(self.rest_in_parts(1, units)))
    }
}

fn product(count: u64, rate: Nanos) -> i128 {
    i128::from(count).saturating_mul(i128::from(rate.0))
}

/// The one rounding rule of the product: half away from zero.
fn round(parts: i128) -> Nanos {
    round_over(parts, PARTS)
}

/// The same of a sum in other parts.
fn round_over(parts: i128, whole: i128) -> Nanos {
    let half = if parts < 0 { -whole / 2 } else { whole / 2 };
    let rounded = parts.saturating_add(half) / whole;
    let clamped = rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    i64::try_from(clamped).map_or(Nanos::MAX, Nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::{Tokens, Units, Used};
    use proptest::prelude::*;

    #[test]
    fn an_amount_reads_as_people_write_it() {
        let text = |n| Usd(Nanos(n)).to_string();
        assert_eq!(text(0), "0.00");
        assert_eq!(text(150_000_000), "0.15");
        assert_eq!(text(-1), "-0.000000001");
        assert_eq!(text(1_234_500_000_000), "1234.50");
        assert_eq!(text(i64::MIN), "-9223372036.854775808");
    }

    #[test]
    fn what_is_not_an_amount_is_refused_with_the_form_it_should_have() {
        for bad in ["", ".", "1.", ".5", "1e3", "+1", "1.0000000001", "1,5", "0x1", "--1", "١"] {
            assert_eq!(bad.parse::<Usd>(), Err(MoneyError::Form), "{bad}");
        }
        assert_eq!("9223372037".parse::<Usd>(), Err(MoneyError::Range));
    }

    #[test]
    fn a_class_without_a_rate_is_charged_as_its_base_class() {
        let rates = Rates { input: Nanos(1_000_000), output: Nanos(3_000_000), ..Rates::default() };
        let tokens = Tokens { cached_input: 2, reasoning: 5, ..Tokens::default() };
        assert_eq!(rates.price(&tokens.into()), Nanos(2 + 15));
    }

    #[test]
    fn each_unit_is_charged_by_its_own_measure_and_rounded_with_the_tokens() {
        let units = UnitRates {
            image: Nanos(40_000_000),
            million_characters: Nanos(15_000_000_000),
            audio_minute: Nanos(6_000_000),
            thousand_searches: Nanos(2_000_000_000),
            thousand_rows: Nanos(1_000),
            compute_hour: Nanos(3_600_000),
        };
        let rates = Rates { input: Nanos(500_000), units, ..Rates::default() };
        let price = |units: Units| rates.price(&units.into()).0;
        assert_eq!(price(Units { images: 2, ..Units::default() }), 80_000_000);
        assert_eq!(price(Units { characters: 11, ..Units::default() }), 165_000);
        assert_eq!(price(Units { audio_ms: 90_000, ..Units::default() }), 9_000_000);
        assert_eq!(price(Units { searches: 3, ..Units::default() }), 6_000_000);
        assert_eq!(price(Units { rows: 7, ..Units::default() }), 7);
        assert_eq!(price(Units { compute_ms: 5, ..Units::default() }), 5);
        // Half a nano-dollar of tokens and half of a unit make one, not two.
        let tokens = Tokens { input: 1, ..Tokens::default() };
        let half = UnitRates { million_characters: Nanos(500_000), ..UnitRates::default() };
        let rates = Rates { units: half, ..rates };
        let used = Used { tokens, units: Units { characters: 1, ..Units::default() } };
        assert_eq!(rates.price(&used), Nanos(1));
        assert_eq!(rates.price_max(1, 0, &used.units), Nanos(1));
    }

    #[test]
    fn rounding_happens_once_and_half_goes_away_from_zero() {
        let rates = Rates { input: Nanos(500_000), output: Nanos(500_000), ..Rates::default() };
        assert_eq!(rates.price(&Tokens { input: 1, ..Tokens::default() }.into()), Nanos(1));
        assert_eq!(
            rates.price(&Tokens { input: 1, output: 1, ..Tokens::default() }.into()),
            Nanos(1)
        );
        assert_eq!(rates.price(&Tokens { input: 3, ..Tokens::default() }.into()), Nanos(2));
    }

    #[test]
    fn a_part_of_a_price_is_rounded_once_and_never_more_than_the_whole() {
        let rates = Rates { input: Nanos(1_000_000), per_call: Nanos(3), ..Rates::default() };
        let used = Tokens { input: 12, ..Tokens::default() }.into();
        for (percent, due) in [(0, 0), (1, 0), (10, 2), (50, 8), (99, 15), (100, 15), (255, 15)] {
            assert_eq!(rates.price_of_part(&used, percent), Nanos(due), "{percent}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_survives_its_text(n in any::<i64>()) {
            prop_assert_eq!(Usd(Nanos(n)).to_string().parse::<Usd>(), Ok(Usd(Nanos(n))));
        }

        #[test]
        fn no_split_into_classes_costs_more_than_the_reserved_maximum(
            input in 0..10_000_000_000_i64, output in 0..10_000_000_000_i64,
            cached in proptest::option::of(0..10_000_000_000_i64),
            reasoning in proptest::option::of(0..10_000_000_000_i64),
            per_call in 0..1_000_000_000_i64,
            a in 0..1_000_000_u64, b in 0..1_000_000_u64, c in 0..1_000_000_u64, d in 0..1_000_000_u64,
        ) {
            let rates = Rates {
                input: Nanos(input), output: Nanos(output), cached_input: cached.map(Nanos),
                reasoning: reasoning.map(Nanos), per_call: Nanos(per_call), ..Rates::default()
            };
            let tokens = Tokens { input: a, cached_input: b, output: c, reasoning: d, ..Tokens::default() };
            prop_assert!(rates.price(&tokens.into()) <= rates.price_max(a + b, c + d, &Units::default()));
        }

        #[test]
        fn a_price_saturates_instead_of_overflowing(n in any::<u64>()) {
            let rates = Rates { input: Nanos::MAX, output: Nanos::MAX, ..Rates::default() };
            let price = rates.price(&Tokens { input: n, output: n, ..Tokens::default() }.into());
            prop_assert!(price >= Nanos::ZERO);
        }
    }
}
