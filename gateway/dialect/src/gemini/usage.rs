//! `usageMetadata`, read and written.
//!
//! | field | is |
//! |---|---|
//! | `promptTokenCount` | all input, what came from the cache among it |
//! | `cachedContentTokenCount` | input from the cache |
//! | `toolUsePromptTokenCount` | results of the vendor's own tools: input, beside the prompt |
//! | `candidatesTokenCount` | what can be seen of the answer |
//! | `thoughtsTokenCount` | reasoning, beside the candidates |
//! | `…TokensDetails` | the same by modality; what is no sound and no picture counts as text |
//!
//! Zeros are often left out: a prompt's count alone tells of an answer that cost nothing.

use contract::usage::Tokens;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Usage {
    prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    total_token_count: Option<u64>,
    prompt_tokens_details: Option<Vec<Share>>,
    cache_tokens_details: Option<Vec<Share>>,
    tool_use_prompt_tokens_details: Option<Vec<Share>>,
    candidates_tokens_details: Option<Vec<Share>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Share {
    modality: Option<Modality>,
    token_count: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Modality {
    Audio,
    Image,
    Video,
    #[serde(other)]
    Other,
}

fn share(shares: Option<&[Share]>, of: &[Modality]) -> u64 {
    shares
        .unwrap_or_default()
        .iter()
        .filter(|share| share.modality.is_some_and(|modality| of.contains(&modality)))
        .fold(0, |sum, share| sum.saturating_add(share.token_count.unwrap_or(0)))
}

/// Reads a `usageMetadata` object. `None`: it tells nothing, or is none.
pub(super) fn read(raw: &[u8]) -> Option<Tokens> {
    const SOUND: &[Modality] = &[Modality::Audio];
    const PICTURES: &[Modality] = &[Modality::Image, Modality::Video];
    let usage: Usage = serde_json::from_slice(raw).ok()?;
    if usage.prompt_token_count.is_none() && usage.candidates_token_count.is_none() {
        return None;
    }
    let prompt = usage.prompt_token_count.unwrap_or(0);
    let tools = usage.tool_use_prompt_token_count.unwrap_or(0);
    let cached = usage.cached_content_token_count.unwrap_or(0).min(prompt);
    let fresh = (prompt - cached).saturating_add(tools);
    let of = |kinds| {
        let from_cache = share(usage.cache_tokens_details.as_deref(), kinds);
        share(usage.prompt_tokens_details.as_deref(), kinds)
            .saturating_sub(from_cache)
            .saturating_add(share(usage.tool_use_prompt_tokens_details.as_deref(), kinds))
    };
    let audio_input = of(SOUND).min(fresh);
    let image_input = of(PICTURES).min(fresh - audio_input);
    let seen = usage.candidates_token_count.unwrap_or(0);
    let audio_output = share(usage.candidates_tokens_details.as_deref(), SOUND).min(seen);
    let image_output =
        share(usage.candidates_tokens_details.as_deref(), PICTURES).min(seen - audio_output);
    // What the total holds beyond its parts is output that nobody saw.
    let parts = prompt.saturating_add(tools).saturating_add(seen);
    let beyond = || usage.total_token_count.map_or(0, |total| total.saturating_sub(parts));
    Some(Tokens {
        input: fresh - audio_input - image_input,
        cached_input: cached,
        audio_input,
        image_input,
        output: seen - audio_output - image_output,
        audio_output,
        image_output,
        reasoning: usage.thoughts_token_count.unwrap_or_else(beyond),
        ..Tokens::default()
    })
}

/// The `usageMetadata` of an answer.
pub(super) fn write(tokens: &Tokens) -> Value {
    let mut usage = Map::new();
    let mut put = |name: &str, count: u64, always: bool| {
        if always || count > 0 {
            usage.insert(name.to_owned(), count.into());
        }
    };
    put("promptTokenCount", tokens.input_total(), true);
    put("cachedContentTokenCount", tokens.cached_input, false);
    put("candidatesTokenCount", tokens.output_total().saturating_sub(tokens.reasoning), true);
    put("thoughtsTokenCount", tokens.reasoning, false);
    put("totalTokenCount", tokens.total(), true);
    let text = tokens.input_total() - tokens.audio_input - tokens.image_input;
    if tokens.audio_input > 0 || tokens.image_input > 0 {
        let shares =
            shares(&[("TEXT", text), ("AUDIO", tokens.audio_input), ("IMAGE", tokens.image_input)]);
        usage.insert("promptTokensDetails".to_owned(), shares);
    }
    if tokens.audio_output > 0 || tokens.image_output > 0 {
        let shares = shares(&[
            ("TEXT", tokens.output),
            ("AUDIO", tokens.audio_output),
            ("IMAGE", tokens.image_output),
        ]);
        usage.insert("candidatesTokensDetails".to_owned(), shares);
    }
    usage.into()
}

fn shares(shares: &[(&str, u64)]) -> Value {
    let told = shares.iter().filter(|(_, count)| *count > 0);
    told.map(|(modality, count)| json!({"modality": modality, "tokenCount": count})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(usage: Value) -> Option<Tokens> {
        read(usage.to_string().as_bytes())
    }

    #[test]
    fn every_class_is_read_apart() {
        let usage = json!({
            "promptTokenCount": 100, "cachedContentTokenCount": 40, "candidatesTokenCount": 30,
            "thoughtsTokenCount": 20, "toolUsePromptTokenCount": 5, "totalTokenCount": 155,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 60}, {"modality": "AUDIO", "tokenCount": 30},
                {"modality": "IMAGE", "tokenCount": 10}],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10},
                {"modality": "TEXT", "tokenCount": 30}],
            "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 12},
                {"modality": "SMELL", "tokenCount": 1}],
        });
        let tokens = Tokens {
            input: 35,
            cached_input: 40,
            audio_input: 20,
            image_input: 10,
            output: 18,
            audio_output: 12,
            reasoning: 20,
            ..Tokens::default()
        };
        assert_eq!(read_of(usage), Some(tokens));
    }

    #[test]
    fn what_is_left_out_is_zero_and_nothing_is_nothing() {
        let tokens = Tokens { input: 12, ..Tokens::default() };
        assert_eq!(read_of(json!({"promptTokenCount": 12, "totalTokenCount": 12})), Some(tokens));
        let zero = json!({"promptTokenCount": 0, "candidatesTokenCount": 0});
        assert_eq!(read_of(zero), Some(Tokens::default()));
        assert_eq!(read_of(json!({"trafficType": "ON_DEMAND"})), None);
        assert_eq!(read_of(json!([])), None);
        let unnamed =
            json!({"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 10});
        assert_eq!(read_of(unnamed).unwrap().reasoning, 3);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let tokens = Tokens {
            input: 7,
            cached_input: 6,
            audio_input: 5,
            image_input: 4,
            output: 3,
            reasoning: 2,
            audio_output: 1,
            ..Tokens::default()
        };
        assert_eq!(read_of(write(&tokens)), Some(tokens));
        assert_eq!(write(&Tokens::default())["candidatesTokenCount"], 0);
    }

    #[test]
    fn enormous_counts_do_not_overflow() {
        let max = u64::MAX;
        let usage = json!({"promptTokenCount": max, "toolUsePromptTokenCount": max,
            "candidatesTokenCount": max, "thoughtsTokenCount": max, "totalTokenCount": 1});
        assert_eq!(read_of(usage).unwrap().total(), max);
    }
}
