//! Tariffs as people write them (dollars) and as they are rated (nano-dollars), and what they may be.

use crate::billing::wallets::credit::AMOUNT_MAX;
use crate::models::model::RATE_MAX;
use contract::api::tariffs::{PlanTariff, PlanTier};
use contract::error::FieldError;
use contract::money::{Nanos, Rates, Usd};
use contract::rating::{TIERS_MAX, Tariff, Tier, Volume};
use serde_json::Value;

/// The most of anything that is included, and where the highest tier begins.
pub const QUANTITY_MAX: u64 = 1_000_000_000_000_000;

/// Reads a tariff as an operator writes it at `/tariff`.
///
/// # Errors
/// Blames each field that is wrong.
pub fn read(tariff: &PlanTariff) -> Result<Tariff, Vec<FieldError>> {
    let mut errors = Vec::new();
    let included = serde_json::to_value(tariff.included).unwrap_or_default();
    check_volume("/tariff/included", &included, &mut errors);
    if tariff.tiers.len() > TIERS_MAX {
        let detail = format!("use at most {TIERS_MAX} tiers");
        errors.push(FieldError::new("/tariff/tiers", detail));
    }
    let mut last = 0;
    for (index, tier) in tariff.tiers.iter().enumerate() {
        check_tier(&format!("/tariff/tiers/{index}"), tier, last, &mut errors);
        last = tier.above;
    }
    if !(Nanos::ZERO..=AMOUNT_MAX).contains(&tariff.minimum_usd.0) {
        let detail = format!("use 0 to {} dollars", Usd(AMOUNT_MAX));
        errors.push(FieldError::new("/tariff/minimum_usd", detail));
    }
    let read = Tariff {
        included: tariff.included,
        tiers: tariff.tiers.iter().map(tier).collect(),
        minimum: tariff.minimum_usd.0,
    };
    if read.is_empty() {
        let detail = "include something, set a tier or ask a minimum; null is for no tariff";
        errors.push(FieldError::new("/tariff", detail));
    }
    if errors.is_empty() {
        errors
            .extend(read.check().err().map(|fault| FieldError::new("/tariff", fault.to_string())));
    }
    if errors.is_empty() { Ok(read) } else { Err(errors) }
}

/// Blames every number that is too large, by its place.
fn check_volume(pointer: &str, value: &Value, errors: &mut Vec<FieldError>) {
    if let Value::Object(members) = value {
        for (name, member) in members {
            check_volume(&format!("{pointer}/{name}"), member, errors);
        }
    } else if value.as_u64().is_none_or(|number| number > QUANTITY_MAX) {
        errors.push(FieldError::new(pointer, format!("use 0 to {QUANTITY_MAX}")));
    }
}

fn check_tier(pointer: &str, tier: &PlanTier, last: u64, errors: &mut Vec<FieldError>) {
    if tier.above <= last {
        let detail = format!("each tier begins above the one before it: use more than {last}");
        errors.push(FieldError::new(format!("{pointer}/above"), detail));
    } else if tier.above > QUANTITY_MAX {
        let detail = format!("use at most {QUANTITY_MAX}");
        errors.push(FieldError::new(format!("{pointer}/above"), detail));
    }
    let rates = [
        ("input_usd", Some(tier.input_usd)),
        ("output_usd", Some(tier.output_usd)),
        ("cached_input_usd", tier.cached_input_usd),
        ("cache_write_usd", tier.cache_write_usd),
        ("cache_write_1h_usd", tier.cache_write_1h_usd),
        ("reasoning_usd", tier.reasoning_usd),
        ("audio_input_usd", tier.audio_input_usd),
        ("audio_output_usd", tier.audio_output_usd),
        ("image_input_usd", tier.image_input_usd),
        ("image_output_usd", tier.image_output_usd),
    ];
    for (name, rate) in rates {
        if rate.is_some_and(|rate| !(Nanos::ZERO..=RATE_MAX).contains(&rate.0)) {
            let detail = format!("use 0 to {} dollars", Usd(RATE_MAX));
            errors.push(FieldError::new(format!("{pointer}/{name}"), detail));
        }
    }
}

fn tier(tier: &PlanTier) -> Tier {
    let nanos = |usd: Usd| usd.0;
    let rates = Rates {
        input: tier.input_usd.0,
        output: tier.output_usd.0,
        cached_input: tier.cached_input_usd.map(nanos),
        cache_write: tier.cache_write_usd.map(nanos),
        cache_write_1h: tier.cache_write_1h_usd.map(nanos),
        reasoning: tier.reasoning_usd.map(nanos),
        audio_input: tier.audio_input_usd.map(nanos),
        audio_output: tier.audio_output_usd.map(nanos),
        image_input: tier.image_input_usd.map(nanos),
        image_output: tier.image_output_usd.map(nanos),
        ..Rates::FREE
    };
    Tier { above: tier.above, rates }
}

/// A tariff as people read it.
#[must_use]
pub fn shown(tariff: &Tariff) -> PlanTariff {
    let tier = |tier: &Tier| PlanTier {
        above: tier.above,
        input_usd: Usd(tier.rates.input),
        output_usd: Usd(tier.rates.output),
        cached_input_usd: tier.rates.cached_input.map(Usd),
        cache_write_usd: tier.rates.cache_write.map(Usd),
        cache_write_1h_usd: tier.rates.cache_write_1h.map(Usd),
        reasoning_usd: tier.rates.reasoning.map(Usd),
        audio_input_usd: tier.rates.audio_input.map(Usd),
        audio_output_usd: tier.rates.audio_output.map(Usd),
        image_input_usd: tier.rates.image_input.map(Usd),
        image_output_usd: tier.rates.image_output.map(Usd),
    };
    let included: Volume = tariff.included;
    let tiers = tariff.tiers.iter().map(tier).collect();
    PlanTariff { included, tiers, minimum_usd: Usd(tariff.minimum) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tariff(json: Value) -> PlanTariff {
        serde_json::from_value(json).unwrap()
    }

    fn blamed(json: Value) -> Vec<String> {
        let errors = read(&tariff(json)).err().unwrap_or_default();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_tariff_is_shown_as_it_was_written_to_the_nano_dollar() {
        let rates =
            ["input", "output", "cached_input", "cache_write", "cache_write_1h", "reasoning"];
        let more = ["audio_input", "audio_output", "image_input", "image_output"];
        let mut tier = json!({"above": 5});
        for (n, rate) in rates.iter().chain(&more).enumerate() {
            tier[format!("{rate}_usd")] = format!("0.{:09}", n + 1).into();
        }
        let written = tariff(json!({
            "included": {"calls": 3, "tokens": {"input": 7}, "units": {"images": 1}},
            "tiers": [tier], "minimum_usd": "9.99",
        }));
        assert_eq!(shown(&read(&written).unwrap()), written);
    }

    #[test]
    fn what_is_wrong_with_a_tariff_is_blamed_on_its_field() {
        let tier = |above: u64, input: &str| json!({"above": above, "input_usd": input, "output_usd": "0"});
        let tiers = |tiers: Vec<Value>| blamed(json!({ "tiers": tiers }));
        assert_eq!(blamed(json!({})), ["/tariff"]);
        assert_eq!(blamed(json!({"minimum_usd": "-0.01"})), ["/tariff/minimum_usd"]);
        assert_eq!(blamed(json!({"minimum_usd": "100000000.01"})), ["/tariff/minimum_usd"]);
        assert_eq!(tiers(vec![tier(0, "1")]), ["/tariff/tiers/0/above"]);
        assert_eq!(tiers(vec![tier(5, "1"), tier(5, "1")]), ["/tariff/tiers/1/above"]);
        assert_eq!(tiers(vec![tier(9, "1"), tier(5, "1")]), ["/tariff/tiers/1/above"]);
        assert_eq!(tiers(vec![tier(5, "-1")]), ["/tariff/tiers/0/input_usd"]);
        assert_eq!(tiers(vec![tier(5, "100000.01")]), ["/tariff/tiers/0/input_usd"]);
        assert_eq!(tiers(vec![tier(u64::MAX, "1")]), ["/tariff/tiers/0/above"]);
        assert_eq!(tiers((1..=11).map(|n| tier(n, "1")).collect()), ["/tariff/tiers"]);
        let much = json!({"included": {"tokens": {"output": u64::MAX}}});
        assert_eq!(blamed(much), ["/tariff/included/tokens/output"]);
    }
}
