//! What was used, in this dialect's words. Input read from the cache and written to it is counted
//! beside `input_tokens`; thinking inside `output_tokens`. In a stream the numbers are totals so
//! far: a later one replaces an earlier one, and one that is left out stays.
//!
//! | who | input | cache | thinking |
//! |---|---|---|---|
//! | Anthropic, Vertex AI, Bedrock's invoke | `message_start`, again in `message_delta` | beside; writing also split by time to live, an hour being a class of its own | `output_tokens_details.thinking_tokens`, newer models |
//! | imitations | often in `message_delta` alone | beside, or not told | not told |
//!
//! A search is one of `server_tool_use.web_search_requests`; a page fetched costs its tokens only.

use crate::Reported;
use crate::convert::Malformed;
use crate::json::{self, Kind};
use contract::usage::{Tokens, Units};
use serde_json::{Map, Value, json};

/// Usage as it is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Usage {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    /// Of what was written, the part that stays for an hour.
    cache_write_1h: Option<u64>,
    searches: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
}

impl Usage {
    /// Reads a `usage` object; what is none tells nothing.
    pub(super) fn read(raw: &[u8]) -> Self {
        let mut usage = Self::default();
        let mut split: Option<u64> = None;
        each(raw, |name, value| match name {
            b"input_tokens" => usage.input = json::whole_number(value),
            b"output_tokens" => usage.output = json::whole_number(value),
            b"cache_read_input_tokens" => usage.cache_read = json::whole_number(value),
            b"cache_creation_input_tokens" => usage.cache_write = json::whole_number(value),
            b"cache_creation" => each(value, |name, part| {
                let part = json::whole_number(part);
                if name == b"ephemeral_1h_input_tokens" {
                    usage.cache_write_1h = part;
                }
                if let Some(part) = part {
                    split = Some(part.saturating_add(split.unwrap_or(0)));
                }
            }),
            b"server_tool_use" => each(value, |name, count| {
                if name == b"web_search_requests" {
                    usage.searches = json::whole_number(count);
                }
            }),
            b"output_tokens_details" => each(value, |name, part| {
                if name == b"thinking_tokens" {
                    usage.thinking = json::whole_number(part);
                }
            }),
            _ => {}
        });
        usage.cache_write = usage.cache_write.or(split);
        usage
    }

    /// What is known after `later` was told too.
    pub(super) fn and(self, later: Self) -> Self {
        Self {
            input: later.input.or(self.input),
            cache_read: later.cache_read.or(self.cache_read),
            cache_write: later.cache_write.or(self.cache_write),
            cache_write_1h: later.cache_write_1h.or(self.cache_write_1h),
            searches: later.searches.or(self.searches),
            output: later.output.or(self.output),
            thinking: later.thinking.or(self.thinking),
        }
    }

    pub(super) fn reported(self) -> Reported {
        let units = Units { searches: self.searches.unwrap_or(0), ..Units::NONE };
        Reported { tokens: self.tokens(), units }
    }

    /// `None` where neither input nor output is told; an explicit zero is a zero.
    pub(super) fn tokens(self) -> Option<Tokens> {
        if self.input.is_none() && self.output.is_none() {
            return None;
        }
        let output = self.output.unwrap_or(0);
        let reasoning = self.thinking.unwrap_or(0).min(output);
        let written = self.cache_write.unwrap_or(0);
        let cache_write_1h = self.cache_write_1h.unwrap_or(0).min(written);
        Some(Tokens {
            input: self.input.unwrap_or(0),
            cached_input: self.cache_read.unwrap_or(0),
            cache_write: written - cache_write_1h,
            cache_write_1h,
            output: output - reasoning,
            reasoning,
            ..Tokens::default()
        })
    }
}

/// Shows the members of an object; nothing of what is none.
pub(super) fn each(raw: &[u8], mut show: impl FnMut(&[u8], &[u8])) {
    let walked = json::walk_object(raw, |member| {
        if let Some(name) = member.name(raw) {
            show(&name, member.raw(raw));
        }
    });
    // The text around it was proved to be JSON; a value that is no object tells nothing.
    walked.map(|_| ()).unwrap_or_default();
}

/// The usage of a whole answer.
pub(super) fn of_answer(body: &[u8]) -> Result<Reported, Malformed> {
    let mut usage = Usage::default();
    let walked = json::walk_object(body, |member| {
        if member.kind == Kind::Object && member.name(body).as_deref() == Some(b"usage") {
            usage = Usage::read(member.raw(body));
        }
    });
    walked.map_err(|error| Malformed(error.to_string().into()))?;
    Ok(usage.reported())
}

/// A `usage` object.
pub(super) fn write(tokens: &Tokens) -> Map<String, Value> {
    let mut out = Map::new();
    let input = tokens.input.saturating_add(tokens.audio_input).saturating_add(tokens.image_input);
    out.insert("input_tokens".into(), input.into());
    let written = tokens.cache_write.saturating_add(tokens.cache_write_1h);
    out.insert("cache_creation_input_tokens".into(), written.into());
    out.insert("cache_read_input_tokens".into(), tokens.cached_input.into());
    if tokens.cache_write_1h > 0 {
        let split = json!({
            "ephemeral_5m_input_tokens": tokens.cache_write,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        });
        out.insert("cache_creation".into(), split);
    }
    out.insert("output_tokens".into(), tokens.output_total().into());
    if tokens.reasoning > 0 {
        let details = json!({"thinking_tokens": tokens.reasoning});
        out.insert("output_tokens_details".into(), details);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Option<Tokens> {
        Usage::read(text.as_bytes()).tokens()
    }

    #[test]
    fn the_cache_is_beside_the_input_and_thinking_inside_the_output() {
        let told = tokens(
            r#"{"input_tokens":20,"cache_read_input_tokens":5,"cache_creation_input_tokens":7,
                "output_tokens":12,"output_tokens_details":{"thinking_tokens":4}}"#,
        );
        let expected = Tokens {
            input: 20,
            cached_input: 5,
            cache_write: 7,
            output: 8,
            reasoning: 4,
            ..Tokens::default()
        };
        assert_eq!(told, Some(expected));
    }

    #[test]
    fn what_is_written_to_the_cache_may_be_told_by_time_to_live_alone() {
        let told = tokens(
            r#"{"input_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4}}"#,
        );
        assert_eq!(told.map(|t| (t.cache_write, t.cache_write_1h)), Some((3, 4)));
    }

    #[test]
    fn what_stays_in_the_cache_for_an_hour_is_a_class_of_its_own_and_told_again() {
        let told = tokens(
            r#"{"input_tokens":1,"cache_creation_input_tokens":9,"output_tokens":2,
                "cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":4}}"#,
        )
        .unwrap();
        assert_eq!((told.cache_write, told.cache_write_1h, told.input_total()), (5, 4, 10));
        let again = tokens(&Value::Object(write(&told)).to_string());
        assert_eq!(again, Some(told));
        let more = r#"{"input_tokens":1,"cache_creation_input_tokens":3,"cache_creation":{"ephemeral_1h_input_tokens":9}}"#;
        assert_eq!(tokens(more).map(|t| (t.cache_write, t.cache_write_1h)), Some((0, 3)));
    }

    #[test]
    fn searches_of_the_web_are_counted_and_pages_fetched_are_not() {
        let usage = Usage::read(
            br#"{"input_tokens":1,"server_tool_use":{"web_search_requests":3,"web_fetch_requests":2}}"#,
        );
        assert_eq!(usage.reported().units.searches, 3);
        let later = usage.and(Usage::read(br#"{"output_tokens":5}"#));
        assert_eq!(later.reported().units.searches, 3);
    }

    #[test]
    fn a_later_number_replaces_an_earlier_one_and_a_missing_one_does_not() {
        let start =
            Usage::read(br#"{"input_tokens":25,"cache_read_input_tokens":5,"output_tokens":1}"#);
        let later =
            start.and(Usage::read(br#"{"output_tokens":12,"cache_read_input_tokens":null}"#));
        let told = later.tokens().unwrap();
        assert_eq!((told.input, told.cached_input, told.output), (25, 5, 12));
    }

    #[test]
    fn an_explicit_zero_stays_zero_and_nothing_stays_unknown() {
        assert_eq!(tokens(r#"{"input_tokens":0,"output_tokens":0}"#), Some(Tokens::default()));
        for none in
            ["null", "{}", "[]", r#"{"input_tokens":-1}"#, r#"{"cache_read_input_tokens":3}"#]
        {
            assert_eq!(tokens(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let all = Tokens {
            input: 20,
            cached_input: 5,
            cache_write: 7,
            output: 8,
            reasoning: 4,
            ..Tokens::default()
        };
        assert_eq!(tokens(&Value::Object(write(&all)).to_string()), Some(all));
    }
}
