//! What was used, as the vendor tells it: classes inside each other, where the neutral form keeps
//! them apart.

use contract::usage::Tokens;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: Input,
    completion_tokens_details: Output,
}

#[derive(Debug, Serialize)]
struct Input {
    cached_tokens: u64,
    audio_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_tokens: u64,
}

#[derive(Debug, Serialize)]
struct Output {
    reasoning_tokens: u64,
    audio_tokens: u64,
    accepted_prediction_tokens: u64,
    rejected_prediction_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Usage {
    pub(super) const fn of(tokens: &Tokens) -> Self {
        Self {
            prompt_tokens: tokens.input_total(),
            completion_tokens: tokens.output_total(),
            total_tokens: tokens.total(),
            prompt_tokens_details: Input {
                cached_tokens: tokens.cached_input,
                audio_tokens: tokens.audio_input,
                cache_write_tokens: tokens.cache_write.saturating_add(tokens.cache_write_1h),
                image_tokens: tokens.image_input,
            },
            completion_tokens_details: Output {
                reasoning_tokens: tokens.reasoning,
                audio_tokens: tokens.audio_output,
                accepted_prediction_tokens: 0,
                rejected_prediction_tokens: 0,
                image_tokens: tokens.image_output,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::usage::read_usage;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_told_is_read_back_as_it_was(
            input in 0..9999_u64, cached in 0..9999_u64, written in 0..9999_u64, audio in 0..9999_u64,
            output in 0..9999_u64, reasoning in 0..9999_u64, spoken in 0..9999_u64,
            seen in 0..9999_u64, drawn in 0..9999_u64,
        ) {
            let tokens = Tokens {
                input, cached_input: cached, cache_write: written, audio_input: audio, image_input: seen,
                output, reasoning, audio_output: spoken, image_output: drawn, ..Tokens::default()
            };
            let told = serde_json::to_vec(&Usage::of(&tokens)).unwrap();
            prop_assert_eq!(read_usage(&told).tokens, Some(tokens));
        }
    }
}
