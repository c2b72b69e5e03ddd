//! Reads the events of a streamed chat completion: content, usage, errors, the end.

use super::usage::{read_usage, searches_by_name};
use crate::Reported;
use crate::json::{self, Kind};
use crate::sse;
use serde_json::Value;

/// What one event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Nothing for a reader: a comment, a keep-alive, an empty line.
    Silent,
    /// A chunk of the answer; its usage, where it carries some.
    Chunk(Reported),
    /// The chunk that carries usage and no choice, which comes only when it was asked for.
    Usage(Reported),
    /// The provider breaks the stream off.
    Error,
    /// `[DONE]`.
    Done,
    /// Data that is not a JSON object.
    Malformed,
}

/// Reads one event.
#[must_use]
pub fn read_event(event: &[u8]) -> Event {
    let Some(data) = sse::data(event) else { return Event::Silent };
    let data = data.trim_ascii();
    if data == b"[DONE]" {
        return Event::Done;
    }
    let (mut reported, mut error, mut choices) = (Reported::NOTHING, false, true);
    let mut model = None;
    let walked = json::walk_object(data, |member| match member.name(data).as_deref() {
        Some(b"model") => model = Some(member.value),
        Some(b"usage") if member.kind == Kind::Object => reported = read_usage(member.raw(data)),
        Some(b"error") => error = member.kind != Kind::Null,
        Some(b"choices") => choices = !is_empty_array(member.raw(data)),
        _ => {}
    });
    if reported.tokens.is_some() {
        let model = model.and_then(|at| data.get(at)).unwrap_or_default();
        reported.units.searches = reported.units.searches.max(searches_by_name(model));
    }
    match (walked, error) {
        (Err(_), _) => Event::Malformed,
        (Ok(_), true) => Event::Error,
        (Ok(_), false) if !choices && reported.tokens.is_some() => Event::Usage(reported),
        (Ok(_), false) => Event::Chunk(reported),
    }
}

fn is_empty_array(raw: &[u8]) -> bool {
    raw.iter().all(|byte| matches!(byte, b'[' | b']') || byte.is_ascii_whitespace())
}

/// Whether a chunk carries content, so that a caller has seen a part of the answer: anything in
/// a delta but the role, or a reason why the choice ended.
#[must_use]
pub fn has_content(event: &[u8]) -> bool {
    let Some(data) = sse::data(event) else { return false };
    let Ok(chunk) = serde_json::from_slice::<Value>(&data) else { return false };
    let choices = chunk.get("choices").and_then(Value::as_array);
    choices.is_some_and(|choices| choices.iter().any(says_something))
}

fn says_something(choice: &Value) -> bool {
    let delta = choice.get("delta").and_then(Value::as_object);
    let says = delta.is_some_and(|delta| {
        delta.iter().any(|(name, value)| name != "role" && !is_nothing(value))
    });
    let text = choice.get("text").is_some_and(|text| !is_nothing(text));
    says || text || choice.get("finish_reason").is_some_and(|reason| !reason.is_null())
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::usage::Tokens;

    fn event(data: &str) -> Event {
        read_event(format!("data: {data}\n\n").as_bytes())
    }

    #[test]
    fn each_kind_of_event_is_known_for_what_it_is() {
        let two = Tokens { input: 1, output: 2, ..Tokens::default() };
        for (data, expected) in [
            ("[DONE]", Event::Done),
            (r#"{"choices":[{"delta":{"content":"[DONE]"}}]}"#, Event::Chunk(Reported::NOTHING)),
            (r#"{"choices":[{"delta":{}}],"usage":null}"#, Event::Chunk(Reported::NOTHING)),
            (
                r#"{"choices":[ ],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
                Event::Usage(two.into()),
            ),
            (
                r#"{"choices":[{}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
                Event::Chunk(two.into()),
            ),
            (r#"{"choices":[],"prompt_filter_results":[]}"#, Event::Chunk(Reported::NOTHING)),
            (
                r#"{"choices":[{"delta":{"content":"\"error\":1,\"usage\":{}"}}]}"#,
                Event::Chunk(Reported::NOTHING),
            ),
            (r#"{"error":{"message":"no"}}"#, Event::Error),
            (r#"{"error":null,"choices":[{}]}"#, Event::Chunk(Reported::NOTHING)),
            (r#"{"this line": is not JSON"#, Event::Malformed),
            (r#"{"choices":[]} x"#, Event::Malformed),
        ] {
            assert_eq!(event(data), expected, "{data}");
        }
        assert_eq!(read_event(b": keep-alive\n\n"), Event::Silent);
        assert_eq!(read_event(b"\n"), Event::Silent);
    }

    #[test]
    fn a_role_or_an_empty_text_is_not_yet_content() {
        let content =
            |choice: &str| has_content(format!("data: {{\"choices\":[{choice}]}}\n\n").as_bytes());
        for none in [
            "",
            r#"{"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}"#,
            r#"{"delta":{"role":"assistant","content":null,"tool_calls":[]}}"#,
        ] {
            assert!(!content(none), "{none}");
        }
        for some in [
            r#"{"delta":{"content":" "}}"#,
            r#"{"delta":{"reasoning_content":"hm"}}"#,
            r#"{"delta":{"tool_calls":[{"index":0}]}}"#,
            r#"{"delta":{},"finish_reason":"stop"}"#,
            r#"{"text":"a"}"#,
        ] {
            assert!(content(some), "{some}");
        }
    }
}
