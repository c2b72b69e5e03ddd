//! How much of an event is text of the answer, and how much stands around it in every event.

use serde_json::Value;

/// Bytes of text to a token of output, where no family of models is known: of English, or code.
pub const BYTES_PER_TOKEN: u64 = 4;

/// Members that hold what a model says, in any of the dialects that are passed.
const SAYS: [&str; 11] = [
    "content",
    "text",
    "arguments",
    "partial_json",
    "thinking",
    "reasoning",
    "reasoning_content",
    "delta",
    "refusal",
    "response",
    "text_output",
];

/// Bytes of text in an event's JSON, whatever frames that.
#[must_use]
pub fn bytes(event: &[u8]) -> u64 {
    let (Some(from), Some(to)) = (memchr::memchr(b'{', event), memchr::memrchr(b'}', event)) else {
        return 0;
    };
    let json = event.get(from..=to).unwrap_or_default();
    serde_json::from_slice(json).map_or(0, |value: Value| said(&value))
}

fn said(value: &Value) -> u64 {
    let length = |text: &str| u64::try_from(text.len()).unwrap_or(u64::MAX);
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) if SAYS.contains(&name.as_str()) => length(text),
                value => said(value),
            })
            .fold(0, u64::saturating_add),
        Value::Array(items) => items.iter().map(said).fold(0, u64::saturating_add),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_found_in_the_events_of_every_dialect() {
        for event in [
            r#"data: {"id":"long-identifier","choices":[{"index":0,"delta":{"content":"Hello"}}]}"#,
            r#"data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"Hello"}}]}}]}"#,
            r#"data: {"choices":[{"text":"Hello"}]}"#,
            r#"data: {"type":"response.output_text.delta","delta":"Hello"}"#,
            r#"data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hello"}}"#,
            r#"data: {"candidates":[{"content":{"parts":[{"text":"Hello"}],"role":"model"}}]}"#,
            r#"data: {"delta":{"message":{"content":{"text":"Hello"}}}}"#,
            r#"{"model":"m","message":{"role":"assistant","content":"Hello"},"done":false}"#,
            "\0\0\u{1}x{\"contentBlockIndex\":0,\"delta\":{\"text\":\"Hello\"}}\u{7}",
        ] {
            assert_eq!(bytes(event.as_bytes()), 5, "{event}");
        }
        for nothing in ["", "data: [DONE]", "}{", "{", r#"{"type":"ping"}"#] {
            assert_eq!(bytes(nothing.as_bytes()), 0, "{nothing}");
        }
    }
}
