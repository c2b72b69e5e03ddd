//! What a model and a price may be: names, sizes, the order of lifecycle states, and the one
//! translation between rates (nano-dollars) and prices (dollars) as people write them.

use chrono::TimeDelta;
use contract::Timestamp;
use contract::api::catalog::Price;
use contract::api::models::{CreateModel, CreatePrice};
use contract::error::FieldError;
use contract::money::{Nanos, Rates, Usd};
use contract::snapshot::{Lifecycle, Modality};

/// The most a million tokens may cost: a typing error of six digits is refused, not billed.
const RATE_MAX: Nanos = Nanos(100_000 * contract::money::NANOS_PER_USD);
/// The most one call may cost whatever its size.
const PER_CALL_MAX: Nanos = Nanos(1_000 * contract::money::NANOS_PER_USD);
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

/// Reads a price as an operator writes it.
///
/// # Errors
/// A negative or absurd rate, or an instant in the past.
pub fn rates(body: &CreatePrice, now: Timestamp) -> Result<(Rates, Timestamp), Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut check = |pointer: &str, usd: Usd, max: Nanos| {
        if usd.0 < Nanos::ZERO || usd.0 > max {
            errors.push(FieldError::new(pointer, format!("use 0 to {} dollars", Usd(max))));
        }
        usd.0
    };
    let rates = Rates {
        input: check("/input_usd", body.input_usd, RATE_MAX),
        output: check("/output_usd", body.output_usd, RATE_MAX),
        cached_input: body.cached_input_usd.map(|usd| check("/cached_input_usd", usd, RATE_MAX)),
        cache_write: body.cache_write_usd.map(|usd| check("/cache_write_usd", usd, RATE_MAX)),
        reasoning: body.reasoning_usd.map(|usd| check("/reasoning_usd", usd, RATE_MAX)),
        per_call: check("/per_call_usd", body.per_call_usd, PER_CALL_MAX),
        ..Rates::default()
    };
    let from = body.effective_from.unwrap_or(now);
    if from < now - PRICE_GRACE {
        errors.push(FieldError::new(
            "/effective_from",
            "a price cannot start in the past: calls were already billed at the old one",
        ));
    }
    if errors.is_empty() { Ok((rates, from.max(now))) } else { Err(errors) }
}

/// A price as people read it.
#[must_use]
pub fn price(rates: &Rates, effective_from: Timestamp) -> Price {
    Price {
        input_usd: rates.input.into(),
        output_usd: rates.output.into(),
        cached_input_usd: rates.cached_input.map(Usd),
        cache_write_usd: rates.cache_write.map(Usd),
        reasoning_usd: rates.reasoning.map(Usd),
        audio_input_usd: rates.audio_input.map(Usd),
        audio_output_usd: rates.audio_output.map(Usd),
        image_input_usd: rates.image_input.map(Usd),
        per_call_usd: rates.per_call.into(),
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
            plan_id: None,
            input_usd: usd("0.15"),
            output_usd: usd("0.60"),
            cached_input_usd: Some(usd("0.075")),
            cache_write_usd: None,
            reasoning_usd: None,
            per_call_usd: usd("0"),
            effective_from: None,
        }
    }

    #[test]
    fn a_price_survives_its_rates_to_the_nano_dollar() {
        let (rates, from) = rates(&body(), at(1_000)).unwrap();
        assert_eq!(rates.input, Nanos(150_000_000));
        let shown = price(&rates, from);
        assert_eq!(shown.input_usd, usd("0.15"));
        assert_eq!(shown.cached_input_usd, Some(usd("0.075")));
        assert_eq!(from, at(1_000));
    }

    #[test]
    fn a_price_neither_starts_in_the_past_nor_pays_the_caller() {
        let past = CreatePrice { effective_from: Some(at(0)), ..body() };
        assert_eq!(rates(&past, at(1_000)).unwrap_err()[0].pointer, "/effective_from");
        let negative = CreatePrice { output_usd: usd("-0.01"), ..body() };
        assert_eq!(rates(&negative, at(1_000)).unwrap_err()[0].pointer, "/output_usd");
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
