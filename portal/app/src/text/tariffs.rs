//! Included quantities, tiers and minimums of plans, in words.

use super::units::Unit;
use crate::format;
use contract::api::tariffs::{PlanTariff, PlanTier, TariffChange};
use contract::money::{Nanos, Usd};
use contract::rating::Volume;

pub const TITLE: &str = "Over a month";
pub const LEAD: &str = "Calls are billed at their price as they happen. What this makes of a calendar month (UTC) is posted a day after it is over. A change counts from the next month on.";
pub const INCLUDED: &str = "Included, of each model";
pub const INCLUDED_HINT: &str = "Such as input=1000000 output=200000 calls=1000. Names: calls, input, output, cached_input, reasoning and the other classes of tokens, images, characters, audio_ms, searches, rows, compute_ms. Empty: nothing.";
pub const TIERS: &str = "Tiers";
pub const TIERS_HINT: &str = "A line each, by where it begins, in tokens of one class of one model: above=5000000 input=0.80 output=2.40. Dollars per million tokens; cached_input and other classes if they differ. Empty: the price holds throughout.";
pub const MINIMUM: &str = "Minimum (dollars)";
pub const MINIMUM_HINT: &str =
    "For a whole month over all models; a subscription of fewer days owes their part. Empty: none.";
pub const MINIMUM_BAD: &str = "Enter dollars, such as 25 or 0.50.";
pub const TERMS: &str = "Terms";
pub const TERMS_SAVED: &str = "Saved. A tariff counts from the next month on.";

pub const SO_FAR: &str = "Plans this month, so far";
pub const SO_FAR_LEAD: &str = "What included quantities, tiers and minimums make of the month if nothing more is used. It is in the ledger a day after the month is over.";
pub const PLAN: &str = "Plan";
pub const USED: &str = "Used";
pub const NOTHING_USED: &str = "nothing";
pub const BILLED: &str = "Billed for calls";
pub const BY_TARIFF: &str = "Included and tiers";
pub const MISSING: &str = "To the minimum";
pub const TOTAL: &str = "Month so far";

/// What a plan says of a month, a sentence each.
#[must_use]
pub fn points(tariff: &PlanTariff) -> Vec<String> {
    let mut points = Vec::new();
    let included = volume(&tariff.included);
    if !included.is_empty() {
        points.push(format!("Included each month, of each model: {}", included.join(", ")));
    }
    points.extend(tariff.tiers.iter().map(tier));
    if tariff.minimum_usd.0 > Nanos::ZERO {
        points.push(format!("At least {} a month", format::money(tariff.minimum_usd)));
    }
    points
}

/// How it changes with the next month.
#[must_use]
pub fn next(change: &TariffChange) -> Vec<String> {
    let day = format::day(change.from);
    let Some(tariff) = &change.tariff else {
        return vec![format!("From {day} on: nothing included, no tiers, no minimum")];
    };
    points(tariff).into_iter().map(|point| format!("From {day} on: {point}")).collect()
}

fn tier(tier: &PlanTier) -> String {
    let above = format::count(tier.above);
    let more = [
        ("cached input", tier.cached_input_usd),
        ("cache write", tier.cache_write_usd),
        ("cache write for an hour", tier.cache_write_1h_usd),
        ("reasoning", tier.reasoning_usd),
        ("audio input", tier.audio_input_usd),
        ("audio output", tier.audio_output_usd),
        ("image input", tier.image_input_usd),
        ("image output", tier.image_output_usd),
    ];
    let own = |(name, usd): (&str, Option<Usd>)| Some(format!("{name} {}", format::money(usd?)));
    let rates = [("input", Some(tier.input_usd)), ("output", Some(tier.output_usd))];
    let rates: Vec<_> = rates.into_iter().chain(more).filter_map(own).collect();
    format!("Beyond {above} tokens of a class: {} per million", rates.join(", "))
}

/// What there is of a volume: `1,000 calls`, `5 input tokens`.
#[must_use]
pub fn volume(volume: &Volume) -> Vec<String> {
    let t = &volume.tokens;
    let counted = [
        (volume.calls, "calls"),
        (t.input, "input tokens"),
        (t.cached_input, "cached input tokens"),
        (t.cache_write, "cache write tokens"),
        (t.cache_write_1h, "cache write tokens for an hour"),
        (t.audio_input, "audio input tokens"),
        (t.image_input, "image input tokens"),
        (t.output, "output tokens"),
        (t.reasoning, "reasoning tokens"),
        (t.audio_output, "audio output tokens"),
        (t.image_output, "image output tokens"),
    ];
    let counted = counted.into_iter().filter(|(count, _)| *count > 0);
    let counted = counted.map(|(count, what)| format!("{} {what}", format::count(count)));
    let units = Unit::used(&volume.units).map(|unit| {
        format!("{} {}", unit.show(unit.count(&volume.units)), unit.label().to_lowercase())
    });
    counted.chain(units).collect()
}
