//! What a provider says was used, in disjoint classes; and what is assumed when it says nothing.
//!
//! | who | where | cached input | reasoning |
//! |---|---|---|---|
//! | OpenAI, Azure, vLLM, most others | `usage`, in a stream its last chunk | inside `prompt_tokens` | inside `completion_tokens` |
//! | xAI | the same | inside | beside: `total` is prompt, completion and reasoning |
//! | Gemini in this dialect | the same | inside | beside and not named: `total` is more than its parts |
//! | OpenRouter | the same; `cache_write_tokens` inside `prompt_tokens` | inside | inside |
//! | DeepSeek | the same | `prompt_cache_hit_tokens`, inside | inside |
//! | Perplexity | the same; `citation_tokens` beside, which are input | not told | `reasoning_tokens`, beside all, where citations are counted |
//! | Ollama | the same | not told | not told |
//!
//! Searches: Perplexity's `num_search_queries`, else one a call where it names a
//! `search_context_size`; xAI's `num_sources_used`, which it bills each; OpenRouter's
//! `server_tool_use.web_search_requests`; of OpenAI's models that always search, which their names
//! tell, one a call. Mistral tells audio that it heard in seconds.
//!
//! For bounds and within streams a token is taken to be three bytes of text: more tokens than
//! current tokenizers make of prose, in dense scripts too, though the older ones have a fifth more of
//! Chinese and Korean; source text has about 2.5 bytes a token, emoji 2, base64 and runs of signs 1.5.

use crate::Reported;
use crate::json::{self, Kind};
use contract::usage::{Tokens, Units};

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
    image_input_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    audio_output_tokens: Option<u64>,
    image_output_tokens: Option<u64>,
    /// Perplexity's, beside the prompt and the completion.
    citation_tokens: Option<u64>,
    reasoning_beside: Option<u64>,
    searches: Option<u64>,
    /// Perplexity charges each of its calls for a search, of this size.
    searched: bool,
    audio_seconds: Option<u64>,
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
                Some(b"citation_tokens") => usage.citation_tokens = json::whole_number(value),
                Some(b"reasoning_tokens") => usage.reasoning_beside = json::whole_number(value),
                Some(b"num_search_queries" | b"num_sources_used") => {
                    usage.searches = json::whole_number(value).or(usage.searches);
                }
                Some(b"search_context_size") => usage.searched = member.kind == Kind::String,
                Some(b"prompt_audio_seconds") => usage.audio_seconds = json::whole_number(value),
                Some(b"server_tool_use") => each_number(value, |name, count| {
                    if name == b"web_search_requests" {
                        usage.searches = count.or(usage.searches);
                    }
                }),
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
            b"image_tokens" => self.image_input_tokens = count,
            _ => {}
        });
    }

    fn read_output(&mut self, raw: &[u8]) {
        each_number(raw, |name, count| match name {
            b"reasoning_tokens" => self.reasoning_tokens = count,
            b"audio_tokens" => self.audio_output_tokens = count,
            b"image_tokens" => self.image_output_tokens = count,
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
    let (mut reported, mut searches) = (Reported::NOTHING, 0);
    json::walk_object(body, |member| match member.name(body).as_deref() {
        Some(b"usage") => reported = read_usage(member.raw(body)),
        Some(b"model") => searches = searches_by_name(member.raw(body)),
        _ => {}
    })?;
    reported.units.searches = reported.units.searches.max(searches);
    Ok(reported)
}

/// Reads a `usage` object.
pub(super) fn read_usage(raw: &[u8]) -> Reported {
    Usage::read(raw).map_or(Reported::NOTHING, |usage| Reported {
        tokens: usage.tokens(),
        units: usage.units(),
    })
}

impl Usage {
    /// `None` when neither input nor output is told; an explicit zero is a zero.
    fn tokens(&self) -> Option<Tokens> {
        if self.prompt_tokens.is_none() && self.completion_tokens.is_none() {
            return None;
        }
        let (prompt, completion) =
            (self.prompt_tokens.unwrap_or(0), self.completion_tokens.unwrap_or(0));
        let mut input = prompt;
        let cached_input = take(&mut input, self.cached_tokens.or(self.prompt_cache_hit_tokens));
        let cache_write = take(&mut input, self.cache_write_tokens);
        let audio_input = take(&mut input, self.audio_input_tokens);
        let image_input = take(&mut input, self.image_input_tokens);
        // What the total holds beyond its parts is output that nobody saw.
        let parts = prompt.saturating_add(completion);
        let beside = self.total_tokens.map_or(0, |total| total.saturating_sub(parts));
        let mut output = completion;
        let inside = self.reasoning_tokens.filter(|_| beside == 0);
        let reasoning = take(&mut output, inside);
        let audio_output = take(&mut output, self.audio_output_tokens);
        let image_output = take(&mut output, self.image_output_tokens);
        // Only who counts citations counts these beside everything, the total included.
        let citations = self.citation_tokens.unwrap_or(0);
        let unseen = self.reasoning_beside.filter(|_| self.citation_tokens.is_some()).unwrap_or(0);
        Some(Tokens {
            input: input.saturating_add(citations),
            cached_input,
            cache_write,
            audio_input,
            image_input,
            output,
            reasoning: reasoning.saturating_add(beside).saturating_add(unseen),
            audio_output,
            image_output,
            ..Tokens::default()
        })
    }

    fn units(&self) -> Units {
        Units {
            searches: self.searches.unwrap_or(u64::from(self.searched)),
            audio_ms: self.audio_seconds.unwrap_or(0).saturating_mul(1_000),
            ..Units::NONE
        }
    }
}

/// Takes a part out of what holds it, so much of it as is there.
fn take(whole: &mut u64, part: Option<u64>) -> u64 {
    let part = part.unwrap_or(0).min(*whole);
    *whole -= part;
    part
}

/// Searches that a model which always searches the web ran, as its name tells: OpenAI bills one a
/// call, and its answers do not say so.
pub(super) fn searches_by_name(model: &[u8]) -> u64 {
    let names: [&[u8]; 2] = [b"-search-preview", b"-search-api"];
    u64::from(names.iter().any(|name| memchr::memmem::find(model, name).is_some()))
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
    fn pictures_are_classes_of_their_own_in_and_out() {
        let tokens = usage(
            r#"{"prompt_tokens":100,"completion_tokens":50,
                "prompt_tokens_details":{"image_tokens":70},
                "completion_tokens_details":{"image_tokens":40,"audio_tokens":4}}"#,
        )
        .unwrap();
        assert_eq!((tokens.input, tokens.image_input), (30, 70));
        assert_eq!((tokens.output, tokens.image_output, tokens.audio_output), (6, 40, 4));
    }

    #[test]
    fn citations_and_reasoning_that_perplexity_counts_beside_the_total_are_added() {
        let text = r#"{"prompt_tokens":33,"completion_tokens":100,"total_tokens":133,
            "citation_tokens":8,"num_search_queries":28,"reasoning_tokens":95}"#;
        let tokens = usage(text).unwrap();
        assert_eq!((tokens.input, tokens.output, tokens.reasoning), (41, 100, 95));
        assert_eq!(read_usage(text.as_bytes()).units.searches, 28);
        // Others tell at the same place what is inside the completion.
        let inside = usage(r#"{"prompt_tokens":3,"completion_tokens":9,"reasoning_tokens":5}"#);
        assert_eq!(inside.map(|tokens| tokens.total()), Some(12));
    }

    #[test]
    fn searches_are_counted_as_each_provider_bills_them() {
        for (usage, searches) in [
            (r#"{"prompt_tokens":1,"num_sources_used":5}"#, 5),
            (r#"{"prompt_tokens":1,"search_context_size":"low"}"#, 1),
            (r#"{"prompt_tokens":1,"search_context_size":"low","num_search_queries":0}"#, 0),
            (r#"{"prompt_tokens":1,"server_tool_use":{"web_search_requests":2}}"#, 2),
            (r#"{"prompt_tokens":1}"#, 0),
        ] {
            assert_eq!(read_usage(usage.as_bytes()).units.searches, searches, "{usage}");
        }
        let body = br#"{"model":"gpt-4o-search-preview-2025-03-11","usage":{"prompt_tokens":1}}"#;
        assert_eq!(read_answer(body).map(|told| told.units.searches), Ok(1));
        let heard = read_usage(br#"{"prompt_tokens":1,"prompt_audio_seconds":30}"#);
        assert_eq!(heard.units.audio_ms, 30_000);
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
