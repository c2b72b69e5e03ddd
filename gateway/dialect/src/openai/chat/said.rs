//! What providers of this dialect send, whole or in chunks. Only what is used is read; the fields
//! whose type differs among them are kept as text until it is known.

use super::reasoning;
use crate::Wire;
use crate::neutral::{Citation, Content, Media, Native, Part, Source, Stop, TokenChance, TopToken};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};
use std::borrow::Cow;

/// An answer, or a chunk of one.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Sent<'a> {
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub model: Option<Text<'a>>,
    pub created: Option<Number>,
    #[serde(borrow)]
    pub choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
    #[serde(borrow)]
    pub errors: Option<&'a RawValue>,
    #[serde(borrow)]
    pub object: Option<Text<'a>>,
    #[serde(borrow)]
    pub service_tier: Option<Text<'a>>,
    /// Perplexity: URLs, by number.
    #[serde(borrow)]
    pub citations: Option<&'a RawValue>,
    /// Perplexity: the same with titles.
    #[serde(borrow)]
    pub search_results: Option<&'a RawValue>,
}

/// A string that is borrowed where it has no escapes.
#[derive(Debug, Default, Clone, Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

#[derive(Debug, Deserialize)]
pub(crate) struct Choice<'a> {
    pub index: Option<usize>,
    #[serde(borrow)]
    pub delta: Option<Said<'a>>,
    #[serde(borrow)]
    pub message: Option<Said<'a>>,
    #[serde(borrow)]
    pub finish_reason: Option<Text<'a>>,
    /// vLLM: the stop sequence that was met.
    #[serde(borrow)]
    pub stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    pub logprobs: Option<&'a RawValue>,
}

/// A message, or a piece of one.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Said<'a> {
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    pub reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub reasoning: Option<&'a RawValue>,
    pub reasoning_details: Option<Vec<Value>>,
    pub annotations: Option<Vec<Value>>,
    pub images: Option<Vec<Value>>,
    #[serde(borrow)]
    pub tool_calls: Option<Vec<Called<'a>>>,
    #[serde(borrow)]
    pub function_call: Option<Function<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Called<'a> {
    pub index: Option<usize>,
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub function: Option<Function<'a>>,
    #[serde(borrow)]
    pub custom: Option<Custom<'a>>,
    pub extra_content: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Function<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub arguments: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Custom<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
}

impl Text<'_> {
    pub(crate) fn owned(text: Option<Self>) -> String {
        text.map(|text| text.0.into_owned()).unwrap_or_default()
    }
}

impl Said<'_> {
    /// The reasoning that may be read, whatever it is called.
    pub(crate) fn thinking(&self) -> Option<String> {
        string(self.reasoning_content).or_else(|| string(self.reasoning))
    }

    /// The content as parts: mostly one text; some send several, thoughts among them.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let Some(raw) = self.content.map(RawValue::get) else { return Vec::new() };
        if raw.starts_with('[') {
            let pieces: Vec<Value> = serde_json::from_str(raw).unwrap_or_default();
            return pieces.into_iter().map(piece).collect();
        }
        string(self.content).filter(|text| !text.is_empty()).map(Part::text).into_iter().collect()
    }
}

fn piece(piece: Value) -> Part {
    let text = |name: &str| piece.get(name).and_then(Value::as_str);
    match (text("type"), text("text")) {
        (Some("text"), Some(text)) => Part::text(text),
        (Some("thinking"), _) => {
            let inner = piece.get("thinking");
            let whole = inner.and_then(Value::as_str).map(str::to_owned);
            let joined = || {
                let pieces = inner.and_then(Value::as_array).into_iter().flatten();
                pieces.filter_map(|piece| piece.get("text").and_then(Value::as_str)).collect()
            };
            Part::new(Content::Thinking(whole.unwrap_or_else(joined)))
        }
        (Some("image_url"), _) => match image(&piece) {
            Some(media) => Part::new(Content::Image(media)),
            None => Part::new(Content::Native(Native { wire: Wire::Chat, value: piece })),
        },
        _ => Part::new(Content::Native(Native { wire: Wire::Chat, value: piece })),
    }
}

/// An image that a model made: `{"image_url": {"url": "data:…"}}`.
pub(crate) fn image(piece: &Value) -> Option<Media> {
    let url = piece.get("image_url")?.get("url")?.as_str()?;
    let inline = url.strip_prefix("data:").and_then(|data| data.split_once(";base64,"));
    Some(match inline {
        Some((media_type, bytes)) => Media {
            source: Source::Inline(bytes.to_owned()),
            media_type: media_type.to_owned(),
            ..Media::default()
        },
        None => Media { source: Source::Url(url.to_owned()), ..Media::default() },
    })
}

impl Called<'_> {
    pub(crate) fn signature(&self) -> Option<crate::neutral::Signature> {
        reasoning::of_extra(self.extra_content.as_ref()?)
    }
}

/// A string; nothing where it is null or anything else.
pub(crate) fn string(raw: Option<&RawValue>) -> Option<String> {
    let raw = raw?.get();
    if raw.starts_with('"') { serde_json::from_str(raw).ok() } else { None }
}

/// The arguments of a call: a string that holds JSON, or from some servers the JSON itself.
pub(crate) fn arguments(raw: Option<&RawValue>) -> String {
    match raw.map(RawValue::get) {
        None | Some("null") => String::new(),
        Some(text) if text.starts_with('"') => serde_json::from_str(text).unwrap_or_default(),
        Some(text) => text.to_owned(),
    }
}

/// Log-probabilities as the vendor gives them; other forms say nothing.
pub(crate) fn logprobs(raw: Option<&RawValue>) -> Option<Vec<TokenChance>> {
    #[derive(Deserialize)]
    struct Logprobs {
        content: Option<Vec<Token>>,
    }
    #[derive(Deserialize)]
    struct Token {
        token: String,
        logprob: f64,
        #[serde(default)]
        bytes: Value,
        #[serde(default)]
        top_logprobs: Option<Vec<Self>>,
    }
    let top = |token: &Token| TopToken {
        token: token.token.clone(),
        logprob: token.logprob,
        bytes: token.bytes.clone(),
    };
    let read: Logprobs = serde_json::from_str(raw?.get()).ok()?;
    let chance = |token: Token| TokenChance {
        token: top(&token),
        top: token.top_logprobs.unwrap_or_default().iter().map(top).collect(),
    };
    Some(read.content?.into_iter().map(chance).collect())
}

/// Where a search model found what it says: `search_results`, else bare URLs.
pub(crate) fn citations(results: Option<&str>, urls: Option<&str>) -> Vec<Citation> {
    let list = |raw: Option<&str>| {
        raw.and_then(|raw| serde_json::from_str::<Vec<Value>>(raw).ok()).unwrap_or_default()
    };
    let found = list(results);
    let found = if found.is_empty() { list(urls) } else { found };
    let citation = |value: Value| {
        let word = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        Citation {
            url: word("url").or_else(|| value.as_str().map(str::to_owned)),
            title: word("title"),
            quote: word("snippet"),
            span: None,
            native: Native { wire: Wire::Chat, value },
        }
    };
    found.into_iter().map(citation).collect()
}

/// Why a choice ended; what it holds tells more than some providers' words.
pub(crate) fn stop(word: &str, sequence: Option<&RawValue>, calls: bool, refused: bool) -> Stop {
    match word {
        "stop" | "eos" | "eos_token" | "end_turn" | "" => match string(sequence) {
            Some(sequence) => Stop::Sequence(Some(sequence)),
            None if calls => Stop::ToolUse,
            None if refused => Stop::Refusal,
            None => Stop::End,
        },
        "stop_sequence" => Stop::Sequence(string(sequence)),
        "length" | "max_tokens" => Stop::MaxTokens,
        "model_length" => Stop::ContextFull,
        "tool_calls" | "function_call" | "tool_use" => Stop::ToolUse,
        "content_filter" => Stop::Filtered,
        "refusal" => Stop::Refusal,
        other => Stop::Other(other.to_owned()),
    }
}

/// An id for a call that came without: the same whenever the same answer is read, and another in
/// another answer of the same conversation.
pub(crate) fn call_id(answer: &str, n: usize) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric();
    let tail: String = answer.chars().rev().filter(plain).take(24).collect();
    let tail: String = tail.chars().rev().collect();
    if tail.is_empty() { format!("call_{n}") } else { format!("call_{tail}_{n}") }
}
