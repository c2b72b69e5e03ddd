//! Reads whole answers, and the lines of a stream, which are made alike.

use super::error::sentence;
use super::usage::Usage;
use crate::convert::Malformed;
use crate::neutral::{
    Answer, CallKind, Candidate, Content, Media, Part, Source, Stop, TokenChance, ToolCall,
    TopToken,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// An answer, or a line of it.
#[derive(Debug, Deserialize)]
pub(super) struct Told<'a> {
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) message: Option<Message<'a>>,
    #[serde(default)]
    pub(super) done: bool,
    #[serde(borrow)]
    done_reason: Option<Text<'a>>,
    logprobs: Option<Vec<Chance>>,
    error: Option<Value>,
    prompt_eval_count: Option<u64>,
    prompt_eval_cached_count: Option<u64>,
    eval_count: Option<u64>,
}

/// Borrowed wherever nothing in it is escaped.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[derive(Debug, Default, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) thinking: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) content: Option<Text<'a>>,
    images: Option<Vec<String>>,
    #[serde(borrow)]
    tool_calls: Option<Vec<Call<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Call<'a> {
    id: Option<String>,
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Debug, Deserialize)]
struct Function<'a> {
    name: String,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Chance {
    #[serde(flatten)]
    token: Token,
    top_logprobs: Option<Vec<Token>>,
}

#[derive(Debug, Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
    logprob: f64,
    #[serde(default)]
    bytes: Value,
}

impl Token {
    fn neutral(self) -> TopToken {
        TopToken { token: self.token, logprob: self.logprob, bytes: self.bytes }
    }
}

impl<'a> Told<'a> {
    pub(super) fn read(text: &'a [u8]) -> Result<Self, Malformed> {
        Ok(serde_json::from_slice(text)?)
    }

    /// The sentence of an error that came in place of an answer.
    pub(super) fn error(&self) -> Option<String> {
        let error = self.error.as_ref().filter(|error| !error.is_null())?;
        Some(sentence(error).unwrap_or_else(|| error.to_string()))
    }

    pub(super) fn model(&self) -> String {
        self.model.as_ref().map_or_else(String::new, |model| model.0.clone().into_owned())
    }

    /// Seconds since 1970.
    pub(super) fn created(&self) -> Option<i64> {
        let at: contract::Timestamp = self.created_at.as_ref()?.0.parse().ok()?;
        Some(at.timestamp())
    }

    /// What is added to the ids of calls that have none: the instant of the answer tells one
    /// conversation's calls apart.
    pub(super) fn mark(&self) -> String {
        let at = self.created_at.as_ref().map_or("", |at| at.0.as_ref());
        at.chars().filter(char::is_ascii_digit).take(23).collect()
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            prompt_eval_count: self.prompt_eval_count,
            prompt_eval_cached_count: self.prompt_eval_cached_count,
            eval_count: self.eval_count,
        }
    }

    /// Why it ended; `called`: with calls of tools, which it has no word for.
    pub(super) fn stop(&self, called: bool) -> Stop {
        match self.done_reason.as_ref().map(|reason| reason.0.as_ref()) {
            None | Some("stop") if called => Stop::ToolUse,
            None | Some("stop" | "") => Stop::End,
            Some("length") => Stop::MaxTokens,
            Some(other) => Stop::Other(other.to_owned()),
        }
    }

    pub(super) fn logprobs(&mut self) -> Option<Vec<TokenChance>> {
        let chances = self.logprobs.take().filter(|chances| !chances.is_empty())?;
        let neutral = |chance: Chance| TokenChance {
            token: chance.token.neutral(),
            top: chance.top_logprobs.unwrap_or_default().into_iter().map(Token::neutral).collect(),
        };
        Some(chances.into_iter().map(neutral).collect())
    }
}

impl Message<'_> {
    pub(super) fn images(&mut self) -> impl Iterator<Item = Part> {
        self.images.take().unwrap_or_default().into_iter().map(|data| {
            let source = Source::Inline(data);
            let mut media = Media { source, ..Media::default() };
            media.media_type = media.media_type().to_owned();
            Part::new(Content::Image(media))
        })
    }

    /// Its calls, of which `before` came before.
    pub(super) fn calls(&mut self, mark: &str, before: usize) -> Result<Vec<ToolCall>, Malformed> {
        let calls = self.tool_calls.take().unwrap_or_default();
        let call = |(n, call): (usize, Call<'_>)| {
            Ok(ToolCall {
                id: call
                    .id
                    .filter(|id| !id.is_empty())
                    .unwrap_or_else(|| format!("call_{mark}_{}", before + n)),
                name: call.function.name,
                input: arguments(call.function.arguments)?,
                kind: CallKind::Function,
            })
        };
        calls.into_iter().enumerate().map(call).collect()
    }
}

/// Arguments as the model wrote them. Servers that only look like Ollama put them into a string.
fn arguments(value: Option<&RawValue>) -> Result<String, Malformed> {
    let text = value.map_or("null", RawValue::get);
    match text.as_bytes().first() {
        Some(b'{') => Ok(text.to_owned()),
        Some(b'"') => Ok(serde_json::from_str(text)?),
        Some(b'n') => Ok("{}".to_owned()),
        _ => Err(Malformed("a call whose arguments are no object".into())),
    }
}

pub(super) fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let mut told = Told::read(body)?;
    if let Some(error) = told.error() {
        return Err(Malformed(format!("an error in place of an answer: {error}").into()));
    }
    let mut message = told.message.take().ok_or(Malformed("an answer without a message".into()))?;
    let said = |text: &mut Option<Text<'_>>| {
        let text = text.take().map_or_else(String::new, |text| text.0.into_owned());
        (!text.is_empty()).then_some(text)
    };
    let mut parts = Vec::new();
    parts.extend(said(&mut message.thinking).map(|text| Part::new(Content::Thinking(text))));
    parts.extend(said(&mut message.content).map(Part::text));
    parts.extend(message.images());
    let calls = message.calls(&told.mark(), 0)?;
    let stop = told.stop(!calls.is_empty());
    parts.extend(calls.into_iter().map(|call| Part::new(Content::ToolCall(call))));
    let candidate = Candidate { parts, stop, logprobs: told.logprobs(), native: None };
    Ok(Answer {
        model: told.model(),
        created: told.created(),
        candidates: vec![candidate],
        tokens: told.usage().tokens(),
        ..Answer::default()
    })
}
