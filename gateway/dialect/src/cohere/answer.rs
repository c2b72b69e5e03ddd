//! Reads whole answers, and what streams have in common with them.

use super::sign;
use super::usage::Usage;
use crate::convert::Malformed;
use crate::neutral::{
    Answer, CallKind, Candidate, Citation, Content, Native, Part, Stop, TokenChance, ToolCall,
    TopToken,
};
use crate::{Reported, Wire};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
struct Whole {
    #[serde(default)]
    id: String,
    finish_reason: Option<String>,
    message: Option<Message>,
    usage: Option<Usage>,
    logprobs: Option<Vec<Chance>>,
}

#[derive(Debug, Deserialize)]
struct Message {
    content: Option<Vec<Value>>,
    tool_plan: Option<String>,
    tool_calls: Option<Vec<Call>>,
    citations: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Call {
    pub(super) id: Option<String>,
    pub(super) function: Option<Function>,
    /// Of a provider that carries signatures as we do.
    pub(super) signature: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Function {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

/// The log-probability of a piece of text, of one token or of several.
#[derive(Debug, Deserialize)]
pub(super) struct Chance {
    text: Option<String>,
    logprobs: Option<Vec<f64>>,
}

impl Chance {
    pub(super) fn neutral(self) -> TokenChance {
        let token = TopToken {
            token: self.text.unwrap_or_default(),
            logprob: self.logprobs.unwrap_or_default().iter().sum(),
            bytes: Value::Null,
        };
        TokenChance { token, top: Vec::new() }
    }
}

pub(super) fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let whole: Whole = serde_json::from_slice(body)?;
    let message = whole.message.ok_or(Malformed("an answer without a message".into()))?;
    let blocks = message.content.unwrap_or_default();
    let mut said = blocks.into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
    for citation in message.citations.unwrap_or_default() {
        cite(&mut said, citation);
    }
    let plan = message.tool_plan.filter(|plan| !plan.is_empty());
    let mut parts = sign::planned(plan, said);
    for (n, call) in message.tool_calls.unwrap_or_default().into_iter().enumerate() {
        let function = call.function.ok_or(Malformed("a call without a function".into()))?;
        let signature = call.signature.as_deref().and_then(sign::of);
        let call = Content::ToolCall(ToolCall {
            id: call.id.unwrap_or_else(|| call_id(&whole.id, n)),
            name: function.name.ok_or(Malformed("a call without a name".into()))?,
            input: function.arguments.unwrap_or_default(),
            kind: CallKind::Function,
        });
        parts.push(Part { signature, ..Part::new(call) });
    }
    let candidate = Candidate {
        parts,
        stop: stop(whole.finish_reason.as_deref().unwrap_or("COMPLETE")),
        logprobs: whole.logprobs.map(|all| all.into_iter().map(Chance::neutral).collect()),
        native: None,
    };
    let used = whole.usage.as_ref().map_or(Reported::NOTHING, Usage::reported);
    Ok(Answer {
        id: whole.id,
        candidates: vec![candidate],
        tokens: used.tokens,
        units: used.units,
        ..Answer::default()
    })
}

pub(super) fn call_id(answer: &str, n: usize) -> String {
    if answer.is_empty() { format!("call_{n}") } else { format!("call_{answer}_{n}") }
}

/// A block of an answer.
fn part(mut block: Value) -> Result<Part, Malformed> {
    let mut take = |name: &str| match block.get_mut(name).map(Value::take) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Malformed("a block of content without its text".into())),
    };
    let kind = take("type")?;
    let content = match kind.as_str() {
        "text" => Content::Text { text: take("text")?, citations: Vec::new() },
        "thinking" => match take(sign::HIDDEN) {
            Ok(hidden) => {
                let signature = sign::of(&hidden);
                return Ok(Part { signature, ..Part::new(Content::HiddenThinking) });
            }
            Err(_) => Content::Thinking(take("thinking")?),
        },
        other => {
            if let Value::Object(map) = &mut block {
                map.insert("type".to_owned(), other.into());
            }
            return Ok(Part::new(Content::Native(Native { wire: Wire::Cohere, value: block })));
        }
    };
    let signature = take(sign::SIGNATURE).ok().as_deref().and_then(sign::of);
    Ok(Part { signature, ..Part::new(content) })
}

/// Puts a citation to the block that it names, else to the first text.
pub(super) fn cite(blocks: &mut [Part], value: Value) {
    let index = value.get("content_index").and_then(Value::as_u64).and_then(|n| n.try_into().ok());
    let is_text = |part: &Part| matches!(part.content, Content::Text { .. });
    let named = index.filter(|n: &usize| blocks.get(*n).is_some_and(is_text));
    let found = named.or_else(|| blocks.iter().position(is_text));
    let found = found.and_then(|n| blocks.get_mut(n));
    if let Some(Content::Text { text, citations }) = found.map(|part| &mut part.content) {
        let citation = citation(value, text);
        citations.push(citation);
    }
}

/// A citation of `text`, in which the provider counts characters.
pub(super) fn citation(value: Value, text: &str) -> Citation {
    let number =
        |name: &str| value.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let byte = |n: usize| {
        let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        ends.into_iter().nth(n)
    };
    let span = number("start").and_then(byte).zip(number("end").and_then(byte));
    let source = |name: &str| {
        let document = value.pointer("/sources/0/document")?;
        document.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    let (url, title) = (source("url"), source("title"));
    let native = Native { wire: Wire::Cohere, value: value.clone() };
    Citation { url, title, quote: None, span, native }
}

pub(super) fn stop(word: &str) -> Stop {
    match word {
        "COMPLETE" => Stop::End,
        "STOP_SEQUENCE" => Stop::Sequence(None),
        "MAX_TOKENS" => Stop::MaxTokens,
        "TOOL_CALL" => Stop::ToolUse,
        "ERROR_TOXIC" => Stop::Filtered,
        "ERROR_LIMIT" => Stop::ContextFull,
        other => Stop::Other(other.to_owned()),
    }
}
