//! What a model and a price may be: names, sizes, the order of lifecycle states, and the one
//! translation between rates (nano-dollars) and prices (dollars) as people write them.

use chrono::TimeDelta;
use contract::Timestamp;
use contract::api::catalog::Price;
use contract::api::lifecycle::ModelVersion;
use contract::api::models::{CreateModel, CreatePrice};
use contract::api::rate::Rate;
use contract::error::FieldError;
use contract::money::{Nanos, Rates, UnitRates, Usd};
use contract::snapshot::{Feature, Lifecycle, Modality};

/// The most a million tokens may cost: a typing error of six digits is refused, not billed.
pub(crate) const RATE_MAX: Nanos = Nanos(100_000 * contract::money::NANOS_PER_USD);
/// The most that one call may cost whatever its size, and one of any other unit.
const UNIT_MAX: Nanos = Nanos(1_000 * contract::money::NANOS_PER_USD);
/// Tokens of a context at most; also what fits the column.
const TOKENS_MAX: u32 = 1_000_000_000;

/// How far in the past a price may start: only as far as clocks and typing differ.
const PRICE_GRACE: TimeDelta = TimeDelta::minutes(1);

/// Whether a model may be called this.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-/:".contains(&b);
    (1..=100).contains(&text.len()) && text.bytes().all(allowed)
}

/// Checks a new model.
#[must_use]
pub fn check_new(body: &CreateModel) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !is_name(&body.name) {
        errors.push(FieldError::new("/name", "use 1 to 100 of a-z 0-9 . _ - / :"));
    }
    errors.extend(check_shown(
        &body.display_name,
        body.modality,
        body.context_tokens_max,
        body.output_tokens_max,
    ));
    errors
}

/// Checks the parts of a model that can change.
#[must_use]
pub fn check_shown(
    display_name: &str,
    modality: Modality,
    context_tokens_max: u32,
    output_tokens_max: u32,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !(1..=100).contains(&display_name.trim().chars().count()) {
        errors.push(FieldError::new("/display_name", "use 1 to 100 characters"));
    }
    if modality == Modality::Chat && output_tokens_max == 0 {
        errors.push(FieldError::new(
            "/output_tokens_max",
            "a chat model needs at least 1: it bounds what one call can cost",
        ));
    }
    for (pointer, value) in
        [("/context_tokens_max", context_tokens_max), ("/output_tokens_max", output_tokens_max)]
    {
        if value > TOKENS_MAX {
            errors.push(FieldError::new(pointer, "use at most 1000000000"));
        }
    }
    if context_tokens_max > 0 && output_tokens_max > context_tokens_max {
        errors.push(FieldError::new(
            "/output_tokens_max",
            "one answer cannot be longer than the context",
        ));
    }
    errors
}

/// Checks how far a deployment falls behind its model.
#[must_use]
pub fn check_fit(context_tokens_max: u32, lacks: &[Feature]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if context_tokens_max > TOKENS_MAX {
        errors.push(FieldError::new("/context_tokens_max", "use at most 1000000000"));
    }
    let is_repeated = |(nth, one): (usize, &Feature)| lacks.iter().take(nth).any(|two| two == one);
    if lacks.iter().enumerate().any(is_repeated) {
        errors.push(FieldError::new("/lacks", "name each feature once"));
    }
    errors
}

/// Checks the version that a deployment is of.
#[must_use]
pub fn check_version(label: Option<&str>, versions: &[ModelVersion]) -> Option<FieldError> {
    let known = versions.iter().find(|version| Some(version.label.as_str()) == label);
    let detail = match (label, known) {
        (None, _) => return None,
        (Some(_), None) => "The model has no such version. Register it first.",
        (_, Some(version)) if version.state == Lifecycle::Retired => "The version was retired.",
        (_, Some(_)) => return None,
    };
    Some(FieldError::new("/model_version", detail))
}

/// Whether a model may go from one state to another: `draft → active → deprecated → retired`,
/// with a way back from deprecated, and none from retired.
#[must_use]
pub const fn may_become(from: Lifecycle, to: Lifecycle) -> bool {
    use Lifecycle as L;
    match (from, to) {
        (L::Draft, L::Draft | L::Active | L::Retired)
        | (L::Active, L::Active | L::Deprecated | L::Retired)
        | (L::Deprecated, L::Active | L::Deprecated | L::Retired)
        | (L::Retired, L::Retired) => true,
        (L::Draft, L::Deprecated)
        | (L::Active | L::Deprecated, L::Draft)
        | (L::Retired, L::Draft | L::Active | L::Deprecated) => false,
    }
}

/// Reads a price as an operator writes it, for a model of this kind.
///
/// # Errors
/// A negative or absurd rate, nothing that calls are charged by, or an instant in the past.
pub fn rates(
    body: &CreatePrice,
    modality: Modality,
    now: Timestamp,
) -> Result<(Rates, Timestamp), Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut check = |rate: Rate, usd: Usd, max: Nanos| {
        if usd.0 < Nanos::ZERO || usd.0 > max {
            let pointer = format!("/{}", rate.field());
            errors.push(FieldError::new(pointer, format!("use 0 to {} dollars", Usd(max))));
        }
        usd.0
    };
    let rates = read(body, &mut check);
    let from = body.effective_from.unwrap_or(now);
    if errors.is_empty() {
        errors.extend(check_charges(&price(&rates, from), modality, body.free));
    }
    if from < now - PRICE_GRACE {
        errors.push(FieldError::new(
            "/effective_from",
            "a price cannot start in the past: calls were already billed at the old one",
        ));
    }
    if errors.is_empty() { Ok((rates, from.max(now))) } else { Err(errors) }
}

fn read(body: &CreatePrice, check: &mut impl FnMut(Rate, Usd, Nanos) -> Nanos) -> Rates {
    let mut class = |rate, usd: Option<Usd>| usd.map(|usd| check(rate, usd, RATE_MAX));
    let cached_input = class(Rate::CachedInput, body.cached_input_usd);
    let cache_write = class(Rate::CacheWrite, body.cache_write_usd);
    let cache_write_1h = class(Rate::CacheWrite1h, body.cache_write_1h_usd);
    let reasoning = class(Rate::Reasoning, body.reasoning_usd);
    let audio_input = class(Rate::AudioInput, body.audio_input_usd);
    let audio_output = class(Rate::AudioOutput, body.audio_output_usd);
    let image_input = class(Rate::ImageInput, body.image_input_usd);
    let image_output = class(Rate::ImageOutput, body.image_output_usd);
    let units = UnitRates {
        image: check(Rate::Image, body.image_usd, UNIT_MAX),
        million_characters: check(Rate::MillionCharacters, body.million_characters_usd, RATE_MAX),
        audio_minute: check(Rate::AudioMinute, body.audio_minute_usd, UNIT_MAX),
        thousand_searches: check(Rate::ThousandSearches, body.thousand_searches_usd, RATE_MAX),
        thousand_rows: check(Rate::ThousandRows, body.thousand_rows_usd, RATE_MAX),
        compute_hour: check(Rate::ComputeHour, body.compute_hour_usd, UNIT_MAX),
    };
    Rates {
        input: check(Rate::Input, body.input_usd, RATE_MAX),
        output: check(Rate::Output, body.output_usd, RATE_MAX),
        cached_input,
        cache_write,
        cache_write_1h,
        reasoning,
        audio_input,
        audio_output,
        image_input,
        image_output,
        per_call: check(Rate::PerCall, body.per_call_usd, UNIT_MAX),
        units,
    }
}

/// Whether ordinary calls of this kind cost something under `price`, or are free on purpose: what
/// costs nothing by accident is noticed by the bill of the provider.
fn check_charges(price: &Price, modality: Modality, free: bool) -> Option<FieldError> {
    let wanted = Rate::of(modality);
    if free {
        return (!price.is_free()).then(|| {
            FieldError::new("/free", "a rate is above zero: leave it out, or do not say free")
        });
    }
    if wanted.iter().any(|rate| price.charges(*rate)) {
        return None;
    }
    let first = wanted.first().map_or("", |rate| rate.field());
    let fields: Vec<_> = wanted.iter().map(|rate| rate.field()).collect();
    let detail = format!(
        "calls to {} models would be free by accident: ask something for one of {}, or say that \
         they are free",
        modality.as_str(),
        fields.join(", ")
    );
    Some(FieldError::new(format!("/{first}"), detail))
}

/// A price as people read it.
#[must_use]
pub fn price(rates: &Rates, effective_from: Timestamp) -> Price {
    Price {
        input_usd: rates.input.into(),
        output_usd: rates.output.into(),
        cached_input_usd: rates.cached_input.map(Usd),
        cache_write_usd: rates.cache_write.map(Usd),
        cache_write_1h_usd: rates.cache_write_1h.map(Usd),
        reasoning_usd: rates.reasoning.map(Usd),
        audio_input_usd: rates.audio_input.map(Usd),
        audio_output_usd: rates.audio_output.map(Usd),
        image_input_usd: rates.image_input.map(Usd),
        image_output_usd: rates.image_output.map(Usd),
        per_call_usd: rates.per_call.into(),
        image_usd: rates.units.image.into(),
        million_characters_usd: rates.units.million_characters.into(),
        audio_minute_usd: rates.units.audio_minute.into(),
        thousand_searches_usd: rates.units.thousand_searches.into(),
        thousand_rows_usd: rates.units.thousand_rows.into(),
        compute_hour_usd: rates.units.compute_hour.into(),
        effective_from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn body() -> CreatePrice {
        CreatePrice {
            input_usd: usd("0.15"),
            output_usd: usd("0.60"),
            cached_input_usd: Some(usd("0.075")),
            ..CreatePrice::default()
        }
    }

    fn blamed(body: &CreatePrice, modality: Modality) -> Vec<String> {
        let errors = rates(body, modality, at(1_000)).err().unwrap_or_default();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_price_survives_its_rates_to_the_nano_dollar() {
        let (rates, from) = rates(&body(), Modality::Chat, at(1_000)).unwrap();
        assert_eq!(rates.input, Nanos(150_000_000));
        let shown = price(&rates, from);
        assert_eq!(shown.input_usd, usd("0.15"));
        assert_eq!(shown.cached_input_usd, Some(usd("0.075")));
        assert_eq!(from, at(1_000));
    }

    #[test]
    fn every_rate_is_read_kept_and_shown_under_its_own_name() {
        for (n, rate) in Rate::ALL.into_iter().enumerate() {
            let amount = format!("0.{:02}", n + 1);
            let mut body = serde_json::json!({"input_usd": "5"});
            body[rate.field()] = amount.clone().into();
            let body: CreatePrice = serde_json::from_value(body).unwrap();
            let (rates, from) = rates(&body, Modality::Chat, at(0)).unwrap();
            assert_eq!(price(&rates, from).rate(rate), Some(usd(&amount)), "{rate:?}");
        }
    }

    #[test]
    fn a_price_neither_starts_in_the_past_nor_pays_the_caller() {
        let past = CreatePrice { effective_from: Some(at(0)), ..body() };
        assert_eq!(blamed(&past, Modality::Chat), ["/effective_from"]);
        let negative = CreatePrice { output_usd: usd("-0.01"), ..body() };
        assert_eq!(blamed(&negative, Modality::Chat), ["/output_usd"]);
        let absurd = CreatePrice { image_usd: usd("1000.01"), ..body() };
        assert_eq!(blamed(&absurd, Modality::Chat), ["/image_usd"]);
    }

    #[test]
    fn a_price_that_asks_nothing_of_a_kind_is_refused_unless_it_is_free_on_purpose() {
        let nothing = CreatePrice::default();
        for modality in Modality::ALL {
            let usual = format!("/{}", Rate::of(*modality)[0].field());
            assert_eq!(blamed(&nothing, *modality), [usual]);
            let free = CreatePrice { free: true, ..nothing.clone() };
            assert!(blamed(&free, *modality).is_empty());
        }
        let audio = CreatePrice { audio_minute_usd: usd("0.006"), ..nothing };
        assert!(blamed(&audio, Modality::Transcription).is_empty());
        assert_eq!(blamed(&audio, Modality::Image), ["/image_usd"]);
        let both = CreatePrice { free: true, ..audio };
        assert_eq!(blamed(&both, Modality::Transcription), ["/free"]);
    }

    #[test]
    fn a_retired_model_stays_retired() {
        for to in [Lifecycle::Draft, Lifecycle::Active, Lifecycle::Deprecated] {
            assert!(!may_become(Lifecycle::Retired, to));
        }
    }

    #[test]
    fn a_chat_model_without_a_bound_on_its_answer_is_refused() {
        let body = CreateModel {
            name: "a/b:c".into(),
            display_name: "A".into(),
            modality: Modality::Chat,
            context_tokens_max: 0,
            output_tokens_max: 0,
        };
        assert_eq!(check_new(&body)[0].pointer, "/output_tokens_max");
        let embedding = CreateModel { modality: Modality::Embedding, ..body };
        assert!(check_new(&embedding).is_empty());
        let named = CreateModel { name: "Große".into(), ..embedding };
        assert_eq!(check_new(&named)[0].pointer, "/name");
    }
}
