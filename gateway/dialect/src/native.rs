//! Calls in a provider's own words, at its own paths: which of them pass, what they are, and where
//! they name the model. A path that is not listed does not pass: on an account that tenants share,
//! it could keep things, read what others keep, or cost what nobody can know.

use crate::{Reported, Wire};
use contract::usage::{Operation, Tokens, Units};
use serde::Deserialize;
use std::ops::Range;

/// A call that passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Native {
    pub wire: Wire,
    pub operation: Operation,
    /// Where the path names the model; `None`: the body does.
    pub model: Option<Range<usize>>,
    /// Whether the answer is streamed, where the path says so; `None`: the body does.
    pub stream: Option<bool>,
}

struct Row {
    wire: Wire,
    /// `{}` stands for the model.
    path: &'static str,
    operation: Operation,
    stream: Option<bool>,
}

const fn asked(wire: Wire, operation: Operation, path: &'static str) -> Row {
    Row { wire, path, operation, stream: None }
}

const fn whole(wire: Wire, operation: Operation, path: &'static str) -> Row {
    Row { wire, path, operation, stream: Some(false) }
}

const fn streamed(wire: Wire, operation: Operation, path: &'static str) -> Row {
    Row { wire, path, operation, stream: Some(true) }
}

const ROWS: &[Row] = {
    use Operation::{Chat, CountTokens, Embeddings, Native, Rerank};
    use Wire as W;
    &[
        asked(W::Chat, Chat, "chat/completions"),
        asked(W::Chat, Chat, "completions"),
        whole(W::Chat, Embeddings, "embeddings"),
        whole(W::Chat, Rerank, "rerank"),
        whole(W::Chat, Native, "score"),
        asked(W::Chat, Chat, "deployments/{}/chat/completions"),
        asked(W::Chat, Chat, "deployments/{}/completions"),
        whole(W::Chat, Embeddings, "deployments/{}/embeddings"),
        asked(W::Responses, Chat, "responses"),
        whole(W::Responses, CountTokens, "responses/input_tokens"),
        asked(W::Messages, Chat, "messages"),
        whole(W::Messages, CountTokens, "messages/count_tokens"),
        whole(W::Messages, Chat, "publishers/anthropic/models/{}:rawPredict"),
        streamed(W::Messages, Chat, "publishers/anthropic/models/{}:streamRawPredict"),
        whole(W::Gemini, Chat, "models/{}:generateContent"),
        streamed(W::Gemini, Chat, "models/{}:streamGenerateContent"),
        whole(W::Gemini, CountTokens, "models/{}:countTokens"),
        whole(W::Gemini, Embeddings, "models/{}:embedContent"),
        whole(W::Gemini, Embeddings, "models/{}:batchEmbedContents"),
        whole(W::Converse, Chat, "model/{}/converse"),
        streamed(W::Converse, Chat, "model/{}/converse-stream"),
        whole(W::Converse, Native, "model/{}/invoke"),
        streamed(W::Converse, Native, "model/{}/invoke-with-response-stream"),
        asked(W::Cohere, Chat, "chat"),
        whole(W::Cohere, Embeddings, "embed"),
        whole(W::Cohere, Rerank, "rerank"),
        asked(W::Ollama, Chat, "api/chat"),
        whole(W::Ollama, Embeddings, "api/embed"),
        whole(W::Watsonx, Chat, "ml/v1/text/chat"),
        streamed(W::Watsonx, Chat, "ml/v1/text/chat_stream"),
        whole(W::Watsonx, Embeddings, "ml/v1/text/embeddings"),
        whole(W::Watsonx, Rerank, "ml/v1/text/rerank"),
    ]
};

impl Row {
    /// Where `path` names the model, if it is this row's.
    fn of(&self, path: &str) -> Option<Option<Range<usize>>> {
        let Some((before, after)) = self.path.split_once("{}") else {
            return (path == self.path).then_some(None);
        };
        let model = path.strip_prefix(before)?.strip_suffix(after)?;
        (!model.is_empty()).then(|| Some(before.len()..before.len() + model.len()))
    }

    /// Whether a path that may have more before it ends as this row's does.
    fn ends(&self, path: &str) -> bool {
        let starts = path.match_indices('/').map(|(at, _)| at + 1);
        starts.filter_map(|start| path.get(start..)).any(|tail| self.of(tail).is_some())
    }
}

/// The call at a path under the address of a provider that speaks certain dialects; the path begins
/// without a slash.
#[must_use]
pub fn find(path: &str, speaks: impl Fn(Wire) -> bool) -> Option<Native> {
    ROWS.iter().filter(|row| speaks(row.wire)).find_map(|row| {
        let model = row.of(path)?;
        Some(Native { wire: row.wire, operation: row.operation, model, stream: row.stream })
    })
}

/// The dialect that a whole path sounds like, whoever the provider is; for what is refused before
/// that is known.
#[must_use]
pub fn sounds_like(path: &str) -> Option<Wire> {
    // The longest says the most: `ml/v1/text/chat` is not Cohere's `chat`. Of several the first.
    let ends = ROWS.iter().rev().filter(|row| row.ends(path));
    ends.max_by_key(|row| row.path.len()).map(|row| row.wire)
}

/// The paths that pass to a provider that speaks certain dialects, as a sentence lists them.
#[must_use]
pub fn listed(speaks: impl Fn(Wire) -> bool) -> String {
    let paths: Vec<_> = ROWS.iter().filter(|row| speaks(row.wire)).map(|row| row.path).collect();
    paths.join(", ").replace("{}", "{model}")
}

/// Where answers that are no conversations tell what they used, whoever gives them.
#[derive(Deserialize)]
struct Told {
    /// OpenAI's kin.
    usage: Option<Counts>,
    #[serde(rename = "usageMetadata")]
    gemini: Option<Counts>,
    /// Cohere.
    meta: Option<Meta>,
    /// Bedrock's own, and watsonx.ai.
    #[serde(alias = "inputTextTokenCount", alias = "prompt_eval_count")]
    input_token_count: Option<u64>,
}

#[derive(Deserialize)]
struct Meta {
    billed_units: Option<Counts>,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(alias = "input_tokens", alias = "promptTokenCount", alias = "inputTokens")]
    prompt_tokens: Option<f64>,
    #[serde(alias = "output_tokens", alias = "candidatesTokenCount", alias = "outputTokens")]
    completion_tokens: Option<f64>,
    #[serde(alias = "totalTokenCount")]
    total_tokens: Option<f64>,
    search_units: Option<f64>,
}

/// What an answer that is no conversation says it used.
#[must_use]
pub fn read_usage(body: &[u8]) -> Reported {
    let Ok(told) = serde_json::from_slice::<Told>(body) else { return Reported::NOTHING };
    let counts = told.usage.or(told.gemini).or(told.meta.and_then(|meta| meta.billed_units));
    let Some(counts) = counts else {
        let tokens = told.input_token_count.map(|input| Tokens { input, ..Tokens::NONE });
        return Reported { tokens, units: Units::NONE };
    };
    let output = whole_count(counts.completion_tokens);
    let all = whole_count(counts.total_tokens);
    let input = whole_count(counts.prompt_tokens);
    let searches = whole_count(counts.search_units);
    let says = input.or(output).or(all).or(searches).is_some();
    let output = output.unwrap_or(0);
    let input = input.unwrap_or_else(|| all.unwrap_or(0).saturating_sub(output));
    Reported {
        tokens: says.then_some(Tokens { input, output, ..Tokens::NONE }),
        units: Units { searches: searches.unwrap_or(0), ..Units::NONE },
    }
}

/// Some write whole numbers as `3.0`.
fn whole_count(count: Option<f64>) -> Option<u64> {
    let count = count.filter(|count| (0.0..9e15).contains(count))?;
    format!("{count:.0}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(wire: Wire) -> impl Fn(Wire) -> bool {
        move |spoken| spoken == wire
    }

    #[test]
    fn a_path_names_its_call_and_its_model() {
        let found = find("models/gemini-2.5-pro:streamGenerateContent", only(Wire::Gemini));
        let found = found.unwrap();
        assert_eq!((found.operation, found.stream), (Operation::Chat, Some(true)));
        assert_eq!(found.model, Some(7..21));
        let found = find("model/arn%3Aaws/x/converse", only(Wire::Converse)).unwrap();
        assert_eq!(found.model, Some(6..17));
        let found = find("chat/completions", only(Wire::Chat)).unwrap();
        assert_eq!((found.model, found.stream), (None, None));
    }

    #[test]
    fn what_is_not_listed_does_not_pass() {
        for path in [
            "",
            "files",
            "batches",
            "fine_tuning/jobs",
            "assistants",
            "messages/batches",
            "cachedContents",
            "models/m:batchGenerateContent",
            "models/:generateContent",
            "v1/../files/chat/completions",
            "chat/completions/",
            "responses/resp_1",
        ] {
            assert_eq!(find(path, |_| true), None, "{path}");
        }
        assert_eq!(find("chat/completions", only(Wire::Gemini)), None);
    }

    #[test]
    fn usage_is_found_wherever_a_vendor_tells_it() {
        for (body, input, output, searches) in [
            (r#"{"usage":{"prompt_tokens":7,"total_tokens":7}}"#, 7, 0, 0),
            (r#"{"usage":{"total_tokens":7}}"#, 7, 0, 0),
            (r#"{"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3}}"#, 3, 0, 0),
            (r#"{"meta":{"billed_units":{"input_tokens":4.0}}}"#, 4, 0, 0),
            (r#"{"meta":{"billed_units":{"search_units":2}}}"#, 0, 0, 2),
            (r#"{"inputTextTokenCount":9,"embedding":[0.5]}"#, 9, 0, 0),
            (r#"{"usage":{"input_tokens":0,"output_tokens":5}}"#, 0, 5, 0),
        ] {
            let told = read_usage(body.as_bytes());
            let tokens = told.tokens.unwrap();
            assert_eq!(
                (tokens.input, tokens.output, told.units.searches),
                (input, output, searches),
                "{body}"
            );
        }
        for body in ["", "[]", "{}", r#"{"usage":{}}"#, r#"{"usage":{"prompt_tokens":-1}}"#] {
            assert_eq!(read_usage(body.as_bytes()), Reported::NOTHING, "{body}");
        }
    }

    #[test]
    fn a_refusal_knows_the_dialect_by_how_the_path_ends() {
        for (path, wire) in [
            ("/native/x/v1/chat/completions", Some(Wire::Chat)),
            ("/native/x/v1/messages", Some(Wire::Messages)),
            ("/native/x/v1beta/models/m:generateContent", Some(Wire::Gemini)),
            ("/native/x/v1/projects/p/publishers/google/models/m:countTokens", Some(Wire::Gemini)),
            ("/native/x/v2/chat", Some(Wire::Cohere)),
            ("/native/x/api/chat", Some(Wire::Ollama)),
            ("/native/x/ml/v1/text/chat", Some(Wire::Watsonx)),
            ("/native/x/rerank", Some(Wire::Chat)),
            ("/native/x/model/m/converse", Some(Wire::Converse)),
            ("/native/x/files", None),
        ] {
            assert_eq!(sounds_like(path), wire, "{path}");
        }
    }
}
