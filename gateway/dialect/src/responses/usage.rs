//! What an answer used. The details are inside what holds them: cached and cache-written input in
//! `input_tokens`, reasoning in `output_tokens`; the neutral classes are disjoint.

use crate::Reported;
use crate::convert::Malformed;
use crate::json;
use contract::usage::Tokens;
use serde_json::{Value, json};

/// Reads what a whole answer says was used.
pub(super) fn read_body(body: &[u8]) -> Result<Reported, Malformed> {
    let mut tokens = None;
    let walked = json::walk_object(body, |member| {
        if member.name(body).as_deref() == Some(b"usage") {
            tokens = serde_json::from_slice(member.raw(body)).ok().and_then(|usage| read(&usage));
        }
    });
    walked.map_err(|error| Malformed(error.to_string().into()))?;
    Ok(tokens.into())
}

/// Reads `usage`. `None` when it tells neither input nor output; an explicit zero is a zero.
pub(super) fn read(usage: &Value) -> Option<Tokens> {
    let count = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    let (input, output) = (count("/input_tokens"), count("/output_tokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    let mut rest = input.unwrap_or(0);
    let mut inside = |path: &str| {
        let part = count(path).unwrap_or(0).min(rest);
        rest -= part;
        part
    };
    let cached_input = inside("/input_tokens_details/cached_tokens");
    let cache_write = inside("/input_tokens_details/cache_write_tokens");
    let audio_input = inside("/input_tokens_details/audio_tokens");
    let image_input = inside("/input_tokens_details/image_tokens");
    let output = output.unwrap_or(0);
    let reasoning = count("/output_tokens_details/reasoning_tokens").unwrap_or(0).min(output);
    let visible = output - reasoning;
    let audio_output = count("/output_tokens_details/audio_tokens").unwrap_or(0).min(visible);
    Some(Tokens {
        input: rest,
        cached_input,
        cache_write,
        audio_input,
        image_input,
        output: visible - audio_output,
        reasoning,
        audio_output,
        ..Tokens::default()
    })
}

/// Writes `usage`.
pub(super) fn write(tokens: &Tokens) -> Value {
    json!({
        "input_tokens": tokens.input_total(),
        "input_tokens_details": {
            "cached_tokens": tokens.cached_input, "cache_write_tokens": tokens.cache_write,
        },
        "output_tokens": tokens.output_total(),
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.total(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn details_are_taken_out_of_what_holds_them() {
        let usage = json!({
            "input_tokens": 30, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 6},
            "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 35,
        });
        let tokens = Tokens {
            input: 20,
            cached_input: 4,
            cache_write: 6,
            output: 3,
            reasoning: 2,
            ..Tokens::default()
        };
        assert_eq!(read(&usage), Some(tokens));
        assert_eq!(write(&tokens), usage);
    }

    #[test]
    fn an_explicit_zero_stays_zero_and_nothing_stays_unknown() {
        let body = br#"{"usage":{"input_tokens":0,"output_tokens":0}}"#;
        assert_eq!(read_body(body), Ok(Tokens::default().into()));
        for none in
            [r#"{"usage":null}"#, "{}", r#"{"usage":{"total_tokens":5}}"#, r#"{"usage":[]}"#]
        {
            assert_eq!(read_body(none.as_bytes()), Ok(Reported::NOTHING), "{none}");
        }
        assert!(read_body(b"<html>").is_err());
    }

    proptest! {
        #[test]
        fn the_classes_add_up_to_what_the_provider_counted(
            input in 0..1_000_000_u64, output in 0..1_000_000_u64, cached in 0..2_000_000_u64,
            written in 0..2_000_000_u64, reasoning in 0..2_000_000_u64,
        ) {
            let tokens = read(&json!({
                "input_tokens": input, "output_tokens": output,
                "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
                "output_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": cached},
            })).unwrap();
            prop_assert_eq!(tokens.input_total(), input);
            prop_assert_eq!(tokens.output_total(), output);
        }
    }
}
