//! What the service says was used. Its classes are disjoint already: `inputTokens` is what was read
//! at the full rate, `cacheReadInputTokens` and `cacheWriteInputTokens` come beside it (what is
//! written, also by how long it stays, in `cacheDetails`), and
//! `outputTokens` holds reasoning, which is not told apart.

use crate::convert::Malformed;
use contract::usage::Tokens;
use serde::Deserialize;
use serde_json::Number;
use serde_json::value::RawValue;

// The service sends both names of a count, or either.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    input_tokens: Option<Number>,
    input_token_count: Option<Number>,
    output_tokens: Option<Number>,
    output_token_count: Option<Number>,
    cache_read_input_tokens: Option<Number>,
    cache_read_input_token_count: Option<Number>,
    cache_write_input_tokens: Option<Number>,
    cache_write_input_token_count: Option<Number>,
    cache_details: Option<Vec<Written>>,
}

/// What was written to the cache to stay for so long.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    ttl: Option<String>,
    input_tokens: Option<Number>,
}

/// Reads a `usage` object. `None` when it is none, or tells neither input nor output; an explicit
/// zero is a zero.
pub(super) fn read(raw: &[u8]) -> Option<Tokens> {
    let usage: Usage = serde_json::from_slice(raw).ok()?;
    let count = |name: &Option<Number>, other: &Option<Number>| {
        name.as_ref().or(other.as_ref()).and_then(Number::as_u64)
    };
    let input = count(&usage.input_tokens, &usage.input_token_count);
    let output = count(&usage.output_tokens, &usage.output_token_count);
    let read = count(&usage.cache_read_input_tokens, &usage.cache_read_input_token_count);
    let written = count(&usage.cache_write_input_tokens, &usage.cache_write_input_token_count);
    if input.is_none() && output.is_none() {
        return None;
    }
    let written = written.unwrap_or(0);
    let hourly = usage.cache_details.unwrap_or_default().into_iter();
    let hourly = hourly.filter(|part| part.ttl.as_deref() == Some("1h"));
    let cache_write_1h = hourly
        .filter_map(|part| part.input_tokens?.as_u64())
        .fold(0, u64::saturating_add)
        .min(written);
    Some(Tokens {
        input: input.unwrap_or(0),
        cached_input: read.unwrap_or(0),
        cache_write: written - cache_write_1h,
        cache_write_1h,
        output: output.unwrap_or(0),
        ..Tokens::default()
    })
}

#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Invoked<'a> {
    #[serde(borrow, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<&'a RawValue>,
}

/// The usage of an answer, or of a stream's `metadata`.
///
/// # Errors
/// [`Malformed`]: it is not a JSON object.
pub(super) fn of_answer(body: &[u8]) -> Result<Option<Tokens>, Malformed> {
    let told: Told<'_> = serde_json::from_slice(body)?;
    Ok(told.usage.and_then(|usage| read(usage.get().as_bytes())))
}

/// The metrics with which InvokeModel ends a stream.
pub(super) fn of_piece(piece: &[u8]) -> Option<Tokens> {
    let told: Invoked<'_> = serde_json::from_slice(piece).ok()?;
    told.metrics.and_then(|metrics| read(metrics.get().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_come_beside_the_input() {
        let tokens = read(
            br#"{"inputTokens":20,"outputTokens":12,"totalTokens":47,
                 "cacheReadInputTokens":5,"cacheReadInputTokenCount":5,
                 "cacheWriteInputTokenCount":10}"#,
        );
        let expected =
            Tokens { input: 20, cached_input: 5, cache_write: 10, output: 12, ..Tokens::default() };
        assert_eq!(tokens, Some(expected));
        assert_eq!(tokens.map(|tokens| tokens.total()), Some(47));
    }

    #[test]
    fn what_stays_in_the_cache_for_an_hour_is_a_class_of_its_own() {
        let tokens = read(
            br#"{"inputTokens":1,"outputTokens":2,"cacheWriteInputTokens":10,
                 "cacheDetails":[{"ttl":"1h","inputTokens":4},{"ttl":"5m","inputTokens":6}]}"#,
        );
        assert_eq!(tokens.map(|t| (t.cache_write, t.cache_write_1h)), Some((6, 4)));
    }

    #[test]
    fn an_explicit_zero_stays_zero_and_nothing_stays_unknown() {
        let zero = br#"{"inputTokens":0,"outputTokens":0,"totalTokens":0}"#;
        assert_eq!(read(zero), Some(Tokens::default()));
        for none in ["null", "{}", "[]", "7", r#"{"totalTokens":3}"#, r#"{"inputTokens":-1}"#] {
            assert_eq!(read(none.as_bytes()), None, "{none}");
        }
        assert_eq!(of_answer(br#"{"usage":null}"#), Ok(None));
        assert!(of_answer(b"<html>").is_err());
    }
}
