//! What an answer used. The details are inside what holds them: cached and cache-written input in
//! `input_tokens`, reasoning in `output_tokens`; the neutral classes are disjoint.

use crate::Reported;
use crate::convert::Malformed;
use crate::json;
use contract::usage::{Tokens, Units};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Reads what a whole answer says was used.
pub(super) fn read_body(body: &[u8]) -> Result<Reported, Malformed> {
    let (mut tokens, mut units, mut searches) = (None, Units::NONE, None);
    let walked = json::walk_object(body, |member| match member.name(body).as_deref() {
        Some(b"usage") => {
            let usage: Option<Value> = serde_json::from_slice(member.raw(body)).ok();
            tokens = usage.as_ref().and_then(read);
            searches = usage.as_ref().and_then(searches_told);
        }
        Some(b"output") => {
            let items: Vec<&RawValue> =
                serde_json::from_slice(member.raw(body)).unwrap_or_default();
            items.into_iter().for_each(|item| note_item(item.get().as_bytes(), &mut units));
        }
        _ => {}
    });
    walked.map_err(|error| Malformed(error.to_string().into()))?;
    units.searches = searches.unwrap_or(units.searches);
    Ok(Reported { tokens, units })
}

/// xAI counts the calls of its tools: `web_search_calls`, `x_search_calls` and their like.
fn searches_told(usage: &Value) -> Option<u64> {
    let told = usage.get("server_side_tool_usage_details")?.as_object()?;
    let searches = told.iter().filter(|(name, _)| name.ends_with("search_calls"));
    Some(searches.filter_map(|(_, count)| count.as_u64()).fold(0, u64::saturating_add))
}

/// An item of the output, as far as it can be one that is billed.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    action: Option<Action<'a>>,
}

#[derive(Deserialize)]
struct Action<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
}

/// Counts an item that is whole, if it is what a tool of the vendor did for a price: a search of
/// the web (reading a page that was found costs its tokens only) or of files, and a picture made.
pub(super) fn note_item(item: &[u8], units: &mut Units) {
    let Ok(item) = serde_json::from_slice::<Item<'_>>(item) else { return };
    if item.status.as_deref() == Some("failed") {
        return;
    }
    let action = item.action.as_ref().and_then(|action| action.kind.as_deref());
    match item.kind.as_ref() {
        "web_search_call" if matches!(action, None | Some("search")) => units.searches += 1,
        "file_search_call" => units.searches += 1,
        "image_generation_call" => units.images += 1,
        _ => {}
    }
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
    let visible = visible - audio_output;
    let image_output = count("/output_tokens_details/image_tokens").unwrap_or(0).min(visible);
    Some(Tokens {
        input: rest,
        cached_input,
        cache_write,
        audio_input,
        image_input,
        output: visible - image_output,
        reasoning,
        audio_output,
        image_output,
        ..Tokens::default()
    })
}

/// Writes `usage`.
pub(super) fn write(tokens: &Tokens) -> Value {
    json!({
        "input_tokens": tokens.input_total(),
        "input_tokens_details": {
            "cached_tokens": tokens.cached_input, "cache_write_tokens": tokens.cache_write.saturating_add(tokens.cache_write_1h),
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

    #[test]
    fn what_the_vendors_tools_did_is_counted_where_it_has_a_price() {
        let body = json!({"usage": {"input_tokens": 1, "output_tokens": 2}, "output": [
            {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}},
            {"type": "web_search_call", "status": "completed", "action": {"type": "open_page"}},
            {"type": "web_search_call", "status": "failed", "action": {"type": "search"}},
            {"type": "web_search_call", "status": "completed"},
            {"type": "image_generation_call", "status": "completed", "result": "aGk="},
            {"type": "message", "content": []},
        ]});
        let told = read_body(body.to_string().as_bytes()).unwrap();
        assert_eq!((told.units.searches, told.units.images), (2, 1));
        let grok = json!({"output": [{"type": "web_search_call"}], "usage": {
            "input_tokens": 1, "server_side_tool_usage_details":
                {"web_search_calls": 2, "x_search_calls": 3, "code_interpreter_calls": 4}}});
        let told = read_body(grok.to_string().as_bytes()).unwrap();
        assert_eq!(told.units.searches, 5);
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
