//! What a provider says was used, in disjoint classes; and what is assumed when it says nothing.
//!
//! | who | where | cached input | reasoning |
//! |---|---|---|---|
//! | OpenAI, Azure, vLLM, most others | `usage`, in a stream its last chunk | inside `prompt_tokens` | inside `completion_tokens` |
//! | xAI | the same | inside | beside: `total` is prompt, completion and reasoning |
//! | Gemini in this dialect | the same | inside | beside and not named: `total` is more than its parts |
//! | OpenRouter | the same; `cache_write_tokens` inside `prompt_tokens` | inside | inside |
//! | DeepSeek | the same | `prompt_cache_hit_tokens`, inside | inside |
//! | Ollama | the same | not told | not told |
//!
//! Without usage, a token is taken to be three bytes of text: more tokens than any current
//! tokenizer makes of prose in Latin script, and about as many as of dense scripts.

use crate::Reported;
use crate::json;
use contract::usage::Tokens;

/// Bytes of text that count as one token where nothing better is known.
pub const TEXT_BYTES_PER_TOKEN: u64 = 3;

/// Usage as a provider reports it.
#[derive(Debug, Default)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_cache_hit_tokens: Option<u64>,
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    audio_input_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    audio_output_tokens: Option<u64>,
}

impl Usage {
    fn read(raw: &[u8]) -> Option<Self> {
        let mut usage = Self::default();
        json::walk_object(raw, |member| {
            let value = member.raw(raw);
            match member.name(raw).as_deref() {
                Some(b"prompt_tokens") => usage.prompt_tokens = json::whole_number(value),
                Some(b"completion_tokens") => usage.completion_tokens = json::whole_number(value),
                Some(b"total_tokens") => usage.total_tokens = json::whole_number(value),
                Some(b"prompt_cache_hit_tokens") => {
                    usage.prompt_cache_hit_tokens = json::whole_number(value);
                }
                Some(b"prompt_tokens_details") => usage.read_input(value),
                Some(b"completion_tokens_details") => usage.read_output(value),
                _ => {}
            }
        })
        .ok()?;
        Some(usage)
    }

    fn read_input(&mut self, raw: &[u8]) {
        each_number(raw, |name, count| match name {
            b"cached_tokens" => self.cached_tokens = count,
            b"cache_write_tokens" => self.cache_write_tokens = count,
            b"audio_tokens" => self.audio_input_tokens = count,
            _ => {}
        });
    }

    fn read_output(&mut self, raw: &[u8]) {
        each_number(raw, |name, count| match name {
            b"reasoning_tokens" => self.reasoning_tokens = count,
            b"audio_tokens" => self.audio_output_tokens = count,
            _ => {}
        });
    }
}

/// Shows the whole numbers of an object; nothing of what is none, as null.
fn each_number(raw: &[u8], mut show: impl FnMut(&[u8], Option<u64>)) {
    // The text around it was proved to be JSON; a value that is no object tells nothing.
    let walked = json::walk_object(raw, |member| {
        if let Some(name) = member.name(raw) {
            show(&name, json::whole_number(member.raw(raw)));
        }
    });
    walked.map(|_| ()).unwrap_or_default();
}

/// Reads what a whole answer says was used.
///
/// # Errors
/// Where the answer is not a JSON object.
pub fn read_answer(body: &[u8]) -> Result<Reported, json::Syntax> {
    let mut reported = Reported::NOTHING;
    json::walk_object(body, |member| {
        if member.name(body).as_deref() == Some(b"usage") {
            reported = read_usage(member.raw(body));
        }
    })?;
    Ok(reported)
}

/// Reads a `usage` object.
pub(super) fn read_usage(raw: &[u8]) -> Reported {
    Usage::read(raw).map_or(Reported::NOTHING, |usage| usage.tokens().into())
}

impl Usage {
    /// `None` when neither input nor output is told; an explicit zero is a zero.
    fn tokens(&self) -> Option<Tokens> {
        let usage = self;
        if usage.prompt_tokens.is_none() && usage.completion_tokens.is_none() {
            return None;
        }
        let prompt = usage.prompt_tokens.unwrap_or(0);
        let completion = usage.completion_tokens.unwrap_or(0);
        let cached = usage.cached_tokens.or(usage.prompt_cache_hit_tokens).unwrap_or(0).min(prompt);
        let cache_write = usage.cache_write_tokens.unwrap_or(0).min(prompt - cached);
        let audio_input = usage.audio_input_tokens.unwrap_or(0).min(prompt - cached - cache_write);
        // What the total holds beyond its parts is output that nobody saw.
        let parts = prompt.saturating_add(completion);
        let beside = usage.total_tokens.map_or(0, |total| total.saturating_sub(parts));
        let inside =
            if beside > 0 { 0 } else { usage.reasoning_tokens.unwrap_or(0).min(completion) };
        let rest = completion - inside;
        let audio_output = usage.audio_output_tokens.unwrap_or(0).min(rest);
        Some(Tokens {
            input: prompt - cached - cache_write - audio_input,
            cached_input: cached,
            cache_write,
            audio_input,
            output: rest - audio_output,
            reasoning: inside + beside,
            audio_output,
            ..Tokens::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usage(text: &str) -> Option<Tokens> {
        read_usage(text.as_bytes()).tokens
    }

    #[test]
    fn cached_reasoning_and_audio_are_taken_out_of_what_holds_them() {
        let tokens = usage(
            r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
                "prompt_tokens_details":{"cached_tokens":60,"audio_tokens":10},
                "completion_tokens_details":{"reasoning_tokens":30,"audio_tokens":5,"x":null}}"#,
        );
        let expected = Tokens {
            input: 30,
            cached_input: 60,
            audio_input: 10,
            output: 15,
            reasoning: 30,
            audio_output: 5,
            ..Tokens::default()
        };
        assert_eq!(tokens, Some(expected));
    }

    #[test]
    fn reasoning_that_a_provider_counts_beside_the_output_is_added() {
        let tokens = usage(
            r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":22,
                "completion_tokens_details":{"reasoning_tokens":7}}"#,
        );
        assert_eq!(tokens.map(|t| (t.output, t.reasoning)), Some((5, 7)));
    }

    #[test]
    fn output_that_only_the_total_tells_of_is_reasoning() {
        let tokens = usage(r#"{"prompt_tokens":7,"completion_tokens":12,"total_tokens":402}"#);
        assert_eq!(tokens.map(|t| (t.input, t.output, t.reasoning)), Some((7, 12, 383)));
        let less = usage(r#"{"prompt_tokens":7,"completion_tokens":12,"total_tokens":1}"#);
        assert_eq!(less.map(|t| t.total()), Some(19));
    }

    #[test]
    fn what_is_written_to_the_cache_is_taken_out_of_the_input() {
        let tokens = usage(
            r#"{"prompt_tokens":1000,"completion_tokens":10,
                "prompt_tokens_details":{"cached_tokens":300,"cache_write_tokens":200}}"#,
        );
        assert_eq!(tokens.map(|t| (t.input, t.cached_input, t.cache_write)), Some((500, 300, 200)));
    }

    #[test]
    fn an_explicit_zero_stays_zero_and_nothing_stays_unknown() {
        assert_eq!(usage(r#"{"prompt_tokens":0,"completion_tokens":0}"#), Some(Tokens::default()));
        for none in ["null", "{}", r#"{"total_tokens":5}"#, r#"{"prompt_tokens":-1}"#, "[]", "7"] {
            assert_eq!(usage(none), None, "{none}");
        }
    }

    #[test]
    fn the_usage_of_an_answer_is_its_top_level_one() {
        let body = br#"{"choices":[{"usage":{"prompt_tokens":9,"completion_tokens":9}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
        let tokens = read_answer(body).unwrap().tokens.unwrap();
        assert_eq!((tokens.input, tokens.output), (1, 2));
        assert_eq!(
            read_answer(br#"{"id":"long","choices":[{"text":"abcdef"}]}"#),
            Ok(Reported::NOTHING)
        );
        assert!(read_answer(b"<html>").is_err());
    }

    proptest! {
        #[test]
        fn the_classes_add_up_to_what_the_provider_counted(
            prompt in 0..1_000_000_u64, completion in 0..1_000_000_u64, cached in 0..2_000_000_u64,
            audio in 0..2_000_000_u64, reasoning in 0..2_000_000_u64,
        ) {
            let text = serde_json::json!({
                "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
                "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": audio},
                "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": audio},
            }).to_string();
            let tokens = usage(&text).unwrap();
            prop_assert_eq!(tokens.input_total(), prompt);
            prop_assert_eq!(tokens.output_total(), completion);
        }
    }
}
