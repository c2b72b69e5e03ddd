//! Reads a stream. Blocks are told when they begin; a block of text stays open until another
//! begins, because citations of it may come after its end.

use super::answer::{Call, Chance, call_id, citation, stop};
use super::sign;
use super::usage::Usage;
use crate::convert::{Malformed, ReadStream};
use crate::neutral::{Block, CallKind, Content, Delta, Event, Part, Signature};
use crate::{Reported, sse};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Default)]
pub(super) struct Reader {
    started: bool,
    id: String,
    blocks: usize,
    calls: usize,
    open: Option<Open>,
    ended: bool,
}

#[derive(Debug)]
enum Open {
    /// The text so far, in which citations count characters.
    Text(String),
    Thinking,
    Plan,
    Hidden,
    Call,
}

#[derive(Debug, Deserialize)]
struct Told {
    #[serde(rename = "type")]
    kind: Option<String>,
    id: Option<String>,
    delta: Option<ToldDelta>,
    logprobs: Option<Chance>,
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ToldDelta {
    message: Option<ToldMessage>,
    finish_reason: Option<String>,
    usage: Option<Usage>,
    error: Option<String>,
}

/// The lists of a whole answer are single things here, but empty lists at the start.
#[derive(Debug, Deserialize)]
struct ToldMessage {
    content: Option<One<Piece>>,
    tool_plan: Option<String>,
    tool_calls: Option<One<Call>>,
    citations: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum One<T> {
    Is(T),
    Others(Vec<T>),
}

impl<T> One<T> {
    fn only(self) -> Option<T> {
        match self {
            Self::Is(one) => Some(one),
            Self::Others(list) => list.into_iter().next(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Piece {
    #[serde(rename = "type")]
    kind: Option<String>,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    encrypted: Option<String>,
}

impl ReadStream for Reader {
    fn read(&mut self, event: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let Some(data) = sse::data(event) else { return Ok(()) };
        let data = data.trim_ascii();
        if data.is_empty() || data == b"[DONE]" || self.ended {
            return Ok(());
        }
        let told: Told = serde_json::from_slice(data)?;
        let Some(kind) = told.kind else {
            // An error is a message without a kind.
            let message = told.message.ok_or(Malformed("an event without a type".into()))?;
            out.push(Event::Error { kind: String::new(), message });
            return Ok(());
        };
        if !self.started {
            self.started = true;
            self.id = told.id.unwrap_or_default();
            out.push(Event::Start { id: self.id.clone(), model: String::new(), created: None });
        }
        let (message, end) = match told.delta {
            Some(ToldDelta { message, finish_reason, usage, error }) => {
                (message, (finish_reason, usage, error))
            }
            None => (None, (None, None, None)),
        };
        if kind == "message-end" {
            self.end(end, out);
            return Ok(());
        }
        let Some(message) = message else { return Ok(()) };
        match kind.as_str() {
            "content-start" | "content-delta" => {
                self.content(&kind, message.content.and_then(One::only), out);
                if let Some(chance) = told.logprobs {
                    let block = self.text(out);
                    out.push(delta(block, Delta::Logprobs(vec![chance.neutral()])));
                }
            }
            "tool-plan-delta" => {
                self.thinking(Open::Plan, &message.tool_plan.unwrap_or_default(), out);
            }
            "tool-call-start" | "tool-call-delta" => {
                self.call(&kind, message.tool_calls.and_then(One::only), out)?;
            }
            "citation-start" => {
                let values = match message.citations {
                    Some(Value::Array(values)) => values,
                    Some(value) => vec![value],
                    None => Vec::new(),
                };
                for value in values {
                    let block = self.text(out);
                    if let Some(Open::Text(text)) = &self.open {
                        out.push(delta(block, Delta::Citation(citation(value, text))));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if self.ended {
            out.push(Event::End);
        }
    }
}

const fn delta(block: usize, delta: Delta) -> Event {
    Event::Delta { block, delta }
}

impl Reader {
    fn content(&mut self, kind: &str, piece: Option<Piece>, out: &mut Vec<Event>) {
        let Some(Piece { kind: what, text, thinking, signature, encrypted }) = piece else {
            return;
        };
        let signature = signature.as_deref().and_then(sign::of);
        if kind == "content-start" {
            let silent = what.as_deref() == Some("thinking")
                && thinking.as_deref().unwrap_or_default().is_empty();
            if matches!(self.open, Some(Open::Plan)) && silent && signature.is_some() {
                self.sign(signature, out);
                self.shut(out);
                return;
            }
            self.shut(out);
        }
        if let Some(signature) = encrypted.as_deref().and_then(sign::of) {
            let part = Part { signature: Some(signature), ..Part::new(Content::HiddenThinking) };
            self.begin(Open::Hidden, Block::Whole(part), out);
            return;
        }
        match (what.as_deref(), thinking, text) {
            (Some("thinking"), thinking, _) => {
                self.thinking(Open::Thinking, &thinking.unwrap_or_default(), out);
            }
            (_, Some(thinking), _) => self.thinking(Open::Thinking, &thinking, out),
            (_, None, Some(text)) => {
                let block = self.text(out);
                if let (Some(Open::Text(all)), false) = (&mut self.open, text.is_empty()) {
                    all.push_str(&text);
                    out.push(delta(block, Delta::Text(text)));
                }
            }
            (_, None, None) => {}
        }
        self.sign(signature, out);
    }

    /// The signature of what is open.
    fn sign(&self, signature: Option<Signature>, out: &mut Vec<Event>) {
        if let (Some(signature), true) = (signature, self.open.is_some()) {
            out.push(delta(self.blocks - 1, Delta::Signature(signature)));
        }
    }

    /// More of a thought or of a plan; begins one if none is open.
    fn thinking(&mut self, what: Open, text: &str, out: &mut Vec<Event>) {
        if !matches!(self.open, Some(Open::Thinking | Open::Plan)) {
            self.begin(what, Block::Thinking, out);
        }
        if !text.is_empty() {
            out.push(delta(self.blocks - 1, Delta::Text(text.to_owned())));
        }
    }

    /// The open block of text; opens one if there is none.
    fn text(&mut self, out: &mut Vec<Event>) -> usize {
        if !matches!(self.open, Some(Open::Text(_))) {
            self.begin(Open::Text(String::new()), Block::Text, out);
        }
        self.blocks - 1
    }

    fn call(
        &mut self,
        kind: &str,
        call: Option<Call>,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let Some(call) = call else { return Ok(()) };
        let signature = call.signature.as_deref().and_then(sign::of);
        let function = call.function;
        let (name, input) = function.map_or((None, None), |f| (f.name, f.arguments));
        if kind == "tool-call-start" {
            let name = name.ok_or(Malformed("a call without a name".into()))?;
            let id = call.id.unwrap_or_else(|| call_id(&self.id, self.calls));
            self.calls += 1;
            self.begin(Open::Call, Block::ToolCall { id, name, kind: CallKind::Function }, out);
        }
        if matches!(self.open, Some(Open::Call)) {
            self.sign(signature, out);
        }
        let input = input.filter(|input| !input.is_empty());
        match (input, &self.open) {
            (None, _) => {}
            (Some(input), Some(Open::Call)) => {
                out.push(delta(self.blocks - 1, Delta::Input(input)));
            }
            (Some(_), _) => return Err(Malformed("arguments of no call".into())),
        }
        Ok(())
    }

    fn begin(&mut self, open: Open, what: Block, out: &mut Vec<Event>) {
        self.shut(out);
        out.push(Event::Open { block: self.blocks, candidate: 0, what });
        self.blocks += 1;
        self.open = Some(open);
    }

    fn shut(&mut self, out: &mut Vec<Event>) {
        if self.open.take().is_some() {
            out.push(Event::Close { block: self.blocks - 1 });
        }
    }

    fn end(
        &mut self,
        (word, usage, error): (Option<String>, Option<Usage>, Option<String>),
        out: &mut Vec<Event>,
    ) {
        usage.as_ref().map_or(Reported::NOTHING, Usage::reported).tell(out);
        let word = word.unwrap_or_else(|| "COMPLETE".to_owned());
        if let Some(message) = error.or_else(|| (word == "ERROR").then(String::new)) {
            out.push(Event::Error { kind: word, message });
            return;
        }
        self.shut(out);
        out.push(Event::Stop { candidate: 0, stop: stop(&word) });
        self.ended = true;
    }
}
