//! Prices: what each rate is called, and how a price reads in a line.

use crate::format;
use contract::api::catalog::Price;
use contract::api::rate::{Rate, RateUsd};
use contract::snapshot::Modality;

pub const FREE: &str = "Free";

/// What a rate is called. Those of tokens are per million, which is said once beside them.
#[must_use]
pub const fn rate(rate: Rate) -> &'static str {
    match rate {
        Rate::Input => "Input",
        Rate::Output => "Output",
        Rate::CachedInput => "Cached input",
        Rate::CacheWrite => "Cache write",
        Rate::CacheWrite1h => "Cache write, one hour",
        Rate::Reasoning => "Reasoning",
        Rate::AudioInput => "Audio input",
        Rate::AudioOutput => "Audio output",
        Rate::ImageInput => "Image input",
        Rate::ImageOutput => "Image output",
        Rate::PerCall => "Per call",
        Rate::Image => "Per picture",
        Rate::MillionCharacters => "Per million characters",
        Rate::AudioMinute => "Per minute of audio",
        Rate::ThousandSearches => "Per 1,000 searches",
        Rate::ThousandRows => "Per 1,000 rows",
        Rate::ComputeHour => "Per hour of compute",
    }
}

/// What a rate is for, under its field.
#[must_use]
pub const fn about(rate: Rate) -> &'static str {
    match rate {
        Rate::Input | Rate::Output => "",
        Rate::CachedInput | Rate::CacheWrite | Rate::AudioInput | Rate::ImageInput => {
            "Empty: as input."
        }
        Rate::CacheWrite1h => "Empty: as cache write.",
        Rate::Reasoning | Rate::AudioOutput | Rate::ImageOutput => "Empty: as output.",
        Rate::PerCall => "Whatever its size.",
        Rate::Image => "Made or changed.",
        Rate::MillionCharacters => "Of text spoken aloud.",
        Rate::AudioMinute => "Listened to.",
        Rate::ThousandSearches => "Rankings, and a tool's searches.",
        Rate::ThousandRows => "Predicted for.",
        Rate::ComputeHour => "While a model server works.",
    }
}

/// An amount with its measure, as it ends a sentence: `$0.04 per picture`.
#[must_use]
pub fn amount(RateUsd { rate, usd }: RateUsd) -> String {
    let measure = match rate {
        Rate::Input => "per million input tokens",
        Rate::Output => "per million output tokens",
        Rate::CachedInput | Rate::CacheWrite | Rate::CacheWrite1h => "per million cached tokens",
        Rate::Reasoning => "per million tokens of reasoning",
        Rate::AudioInput | Rate::AudioOutput => "per million audio tokens",
        Rate::ImageInput | Rate::ImageOutput => "per million image tokens",
        Rate::PerCall => "per call",
        Rate::Image => "per picture",
        Rate::MillionCharacters => "per million characters",
        Rate::AudioMinute => "per minute of audio",
        Rate::ThousandSearches => "per 1,000 searches",
        Rate::ThousandRows => "per 1,000 rows",
        Rate::ComputeHour => "per hour of compute",
    };
    format!("{} {measure}", format::money(usd))
}

/// The rates to show of a price, those that this kind is usually sold by first. A rate of zero is
/// shown where it is a price of its own: a class that costs less than its base, a side of a chat.
#[must_use]
pub fn shown(price: &Price, modality: Modality) -> Vec<RateUsd> {
    let usual = Rate::of(modality).iter().copied();
    let others = Rate::ALL.into_iter().filter(|rate| !Rate::of(modality).contains(rate));
    let says = |rate: Rate| match rate {
        Rate::Input | Rate::Output if modality == Modality::Chat => !price.is_free(),
        Rate::CachedInput
        | Rate::CacheWrite
        | Rate::CacheWrite1h
        | Rate::Reasoning
        | Rate::AudioInput
        | Rate::AudioOutput
        | Rate::ImageInput
        | Rate::ImageOutput => price.rate(rate).is_some(),
        _ => price.charges(rate),
    };
    usual
        .chain(others)
        .filter(|rate| says(*rate))
        .filter_map(|rate| Some(RateUsd { rate, usd: price.rate(rate)? }))
        .collect()
}

/// A price in a line: what the kind is usually sold by, two rates at most.
#[must_use]
pub fn brief(price: &Price, modality: Modality) -> String {
    let shown = shown(price, modality).into_iter().take(2);
    let parts: Vec<_> = shown
        .map(|RateUsd { rate: of, usd }| format!("{}: {}", rate(of), format::money(usd)))
        .collect();
    if parts.is_empty() { FREE.to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(rates: &str) -> Price {
        let json = format!(
            r#"{{"input_usd": "0", "output_usd": "0", "per_call_usd": "0",
                "effective_from": "2026-03-01T00:00:00Z"{rates}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn rates(rates: &str, modality: Modality) -> Vec<Rate> {
        shown(&price(rates), modality).into_iter().map(|shown| shown.rate).collect()
    }

    #[test]
    fn a_price_shows_what_the_kind_is_sold_by_first_and_no_rate_that_asks_nothing() {
        let both = r#", "image_usd": "0.04", "image_output_usd": "40""#;
        assert_eq!(rates(both, Modality::Image), [Rate::Image, Rate::ImageOutput]);
        assert_eq!(
            rates(r#", "cached_input_usd": "0", "image_usd": "1""#, Modality::Chat),
            [Rate::Input, Rate::Output, Rate::CachedInput, Rate::Image]
        );
        assert!(rates("", Modality::Chat).is_empty());
    }

    #[test]
    fn an_amount_is_told_with_its_measure() {
        let picture = RateUsd { rate: Rate::Image, usd: "0.04".parse().unwrap() };
        assert_eq!(amount(picture), "$0.04 per picture");
        let chat = price(r#", "reasoning_usd": "1""#);
        assert_eq!(brief(&chat, Modality::Chat), "Input: $0.00, Output: $0.00");
        assert_eq!(brief(&price(""), Modality::Chat), "Free");
    }
}
