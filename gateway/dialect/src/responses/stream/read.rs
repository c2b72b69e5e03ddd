//! Reads a stream, piece by piece; `whole` reads what comes at once. A block stays open until the next one opens, because what belongs to it may
//! come after the event that calls it done: its citations, its signature.
//!
//! Servers that speak this dialect leave events out: what was not streamed is read from the item
//! when it is done, and from the response when that is complete.

use super::super::answer::{Said, read_logprobs};
use super::super::{cite, error};
use crate::convert::{Malformed, ReadStream};
use crate::neutral::{Block, CallKind, Delta, Event};
use crate::sse;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What of an event is read.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    pub(super) output_index: usize,
    #[serde(default)]
    content_index: usize,
    #[serde(default)]
    summary_index: usize,
    delta: Option<String>,
    text: Option<String>,
    refusal: Option<String>,
    #[serde(borrow)]
    logprobs: Option<&'a RawValue>,
    #[serde(borrow)]
    annotation: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) item: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

/// Reads a stream.
#[derive(Debug, Default)]
pub(in super::super) struct Reader {
    started: bool,
    pub(super) ended: bool,
    /// Blocks opened so far.
    pub(super) blocks: usize,
    pub(super) open: Option<Open>,
    pub(super) said: Said,
}

/// The block that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) block: usize,
    kind: Kind,
    item: usize,
    /// The part of a message, or the summary of a reasoning item.
    index: usize,
    /// Of a text, because citations count its characters; of the others only whether there is any.
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Refusal,
    Thinking,
    Call,
    Whole,
}

impl ReadStream for Reader {
    fn read(&mut self, event: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let Some(data) = sse::data(event) else { return Ok(()) };
        let data = data.trim_ascii();
        if self.ended || data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let chunk: Chunk<'_> = serde_json::from_slice(data)?;
        match &*chunk.kind {
            "response.output_text.delta" => self.delta(Kind::Text, chunk, out),
            "response.refusal.delta" => self.delta(Kind::Refusal, chunk, out),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.delta(Kind::Thinking, chunk, out)
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.input(chunk.output_index, chunk.delta.unwrap_or_default(), out)
            }
            "response.output_text.done" => self.late(Kind::Text, chunk.text.clone(), chunk, out),
            "response.refusal.done" => self.late(Kind::Refusal, chunk.refusal.clone(), chunk, out),
            "response.output_text.annotation.added" => self.annotation(chunk, out),
            "response.output_item.added" => self.item_added(chunk, out),
            "response.output_item.done" => self.item_done(chunk, out),
            "response.created" | "response.queued" | "response.in_progress" => {
                self.start(Some(&part(chunk.response)?), out);
                Ok(())
            }
            "response.completed" | "response.incomplete" => {
                let response = part(chunk.response)?;
                self.finish(response, chunk.kind.trim_start_matches("response."), out);
                Ok(())
            }
            "response.failed" => {
                let response = part(chunk.response)?;
                self.fail(response.get("error").unwrap_or(&Value::Null), out);
                Ok(())
            }
            "error" => {
                let event: Value = serde_json::from_slice(data)?;
                self.fail(event.get("error").unwrap_or(&event), out);
                Ok(())
            }
            // Progress of what only this vendor knows, and whatever is newer than this program.
            _ => Ok(()),
        }
    }

    /// A whole stream has its end mark.
    fn close(&mut self, _out: &mut Vec<Event>) {}
}

/// A member of an event, which must be there.
pub(super) fn part(raw: Option<&RawValue>) -> Result<Value, Malformed> {
    let raw = raw.ok_or(Malformed(Cow::Borrowed("the event lacks what it is about")))?;
    Ok(serde_json::from_str(raw.get())?)
}

impl Reader {
    pub(super) fn start(&mut self, response: Option<&Value>, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let text = |name: &str| response?.get(name)?.as_str().map(str::to_owned);
        let created = response.and_then(|response| response.get("created_at")?.as_f64());
        #[expect(clippy::cast_possible_truncation, reason = "a second within the next aeons")]
        let created = created.map(|seconds| seconds as i64);
        let (id, model) = (text("id").unwrap_or_default(), text("model").unwrap_or_default());
        out.push(Event::Start { id, model, created });
    }

    pub(super) fn open(
        &mut self,
        kind: Kind,
        item: usize,
        index: usize,
        what: Block,
        out: &mut Vec<Event>,
    ) {
        self.start(None, out);
        self.close_block(out);
        let block = self.blocks;
        self.blocks += 1;
        out.push(Event::Open { block, candidate: 0, what });
        self.open = Some(Open { block, kind, item, index, text: String::new() });
    }

    pub(super) fn close_block(&mut self, out: &mut Vec<Event>) {
        if let Some(open) = self.open.take() {
            out.push(Event::Close { block: open.block });
        }
    }

    /// The open block, if it is of this kind and this item.
    pub(super) fn of_item(&mut self, kind: Kind, item: usize) -> Option<&mut Open> {
        self.open.as_mut().filter(|open| open.kind == kind && open.item == item)
    }

    /// A piece of a text, of a refusal or of reasoning.
    fn delta(
        &mut self,
        kind: Kind,
        chunk: Chunk<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let mut text = chunk.delta.unwrap_or_default();
        let (item, thinking) = (chunk.output_index, kind == Kind::Thinking);
        let index = if thinking { chunk.summary_index } else { chunk.content_index };
        let open = self.of_item(kind, item);
        match open {
            Some(open) if open.index == index => {}
            // Several summaries are one thought.
            Some(open) if thinking => {
                open.index = index;
                text.insert_str(0, "\n\n");
            }
            _ => {
                let what = match kind {
                    Kind::Refusal => Block::Refusal,
                    Kind::Thinking => Block::Thinking,
                    _ => Block::Text,
                };
                self.said.refusal |= kind == Kind::Refusal;
                self.open(kind, item, index, what, out);
            }
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        if !text.is_empty() {
            open.text.push_str(&text);
            out.push(Event::Delta { block: open.block, delta: Delta::Text(text) });
        }
        if let Some(raw) = chunk.logprobs.filter(|raw| raw.get().len() > 4) {
            let chances = read_logprobs(&serde_json::from_str(raw.get())?);
            if !chances.is_empty() {
                out.push(Event::Delta { block: open.block, delta: Delta::Logprobs(chances) });
            }
        }
        Ok(())
    }

    /// A whole text, for those who got none of its pieces.
    fn late(
        &mut self,
        kind: Kind,
        whole: Option<String>,
        chunk: Chunk<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let known = self
            .of_item(kind, chunk.output_index)
            .is_some_and(|open| open.index == chunk.content_index && !open.text.is_empty());
        if known { Ok(()) } else { self.delta(kind, Chunk { delta: whole, ..chunk }, out) }
    }

    /// A piece of a call's input.
    pub(super) fn input(
        &mut self,
        item: usize,
        text: String,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let Some(open) = self.of_item(Kind::Call, item) else {
            return Err(Malformed("arguments of a call that is not open".into()));
        };
        if !text.is_empty() {
            open.text.push_str(&text);
            out.push(Event::Delta { block: open.block, delta: Delta::Input(text) });
        }
        Ok(())
    }

    fn annotation(&mut self, chunk: Chunk<'_>, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let Some(open) = self.of_item(Kind::Text, chunk.output_index) else {
            return Err(Malformed("an annotation of a text that is not open".into()));
        };
        let delta = Delta::Citation(cite::read(part(chunk.annotation)?, &open.text));
        out.push(Event::Delta { block: open.block, delta });
        Ok(())
    }

    /// Only calls are told before they have content.
    fn item_added(&mut self, chunk: Chunk<'_>, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let item = part(chunk.item)?;
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, input) = match text("type") {
            "function_call" => (CallKind::Function, text("arguments")),
            "custom_tool_call" => (CallKind::Custom, text("input")),
            _ => return Ok(()),
        };
        let (id, name) = (text("call_id").to_owned(), text("name").to_owned());
        self.said.call = true;
        self.open(Kind::Call, chunk.output_index, 0, Block::ToolCall { id, name, kind }, out);
        self.input(chunk.output_index, input.to_owned(), out)
    }

    fn fail(&mut self, told: &Value, out: &mut Vec<Event>) {
        let told = error::read_error_object(0, told);
        self.ended = true;
        out.push(Event::Error {
            kind: told.kind.unwrap_or_else(|| "server_error".to_owned()),
            message: told.message.unwrap_or_else(|| "The provider ended the answer.".to_owned()),
        });
    }
}
