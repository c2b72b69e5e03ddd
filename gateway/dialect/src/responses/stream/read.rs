//! Reads a stream. A block stays open until the next one opens, because what belongs to it may
//! come after the event that calls it done: its citations, its signature.
//!
//! Servers that speak this dialect leave events out: what was not streamed is read from the item
//! when it is done, and from the response when that is complete.

use super::super::answer::{Said, read_answer_items, read_item, read_logprobs, read_stop};
use super::super::carry::{self, Carried};
use super::super::{cite, error, usage};
use crate::convert::{Malformed, ReadStream};
use crate::neutral::{Block, CallKind, Content, Delta, Event, Part, ToolCall};
use crate::sse;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What of an event is read.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    output_index: usize,
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
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

/// Reads a stream.
#[derive(Debug, Default)]
pub(in super::super) struct Reader {
    started: bool,
    ended: bool,
    /// Blocks opened so far.
    blocks: usize,
    open: Option<Open>,
    said: Said,
}

/// The block that is open.
#[derive(Debug)]
struct Open {
    block: usize,
    kind: Kind,
    item: usize,
    /// The part of a message, or the summary of a reasoning item.
    index: usize,
    /// Of a text, because citations count its characters; of the others only whether there is any.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
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
                self.input(chunk, out)
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
fn part(raw: Option<&RawValue>) -> Result<Value, Malformed> {
    let raw = raw.ok_or(Malformed(Cow::Borrowed("the event lacks what it is about")))?;
    Ok(serde_json::from_str(raw.get())?)
}

impl Reader {
    fn start(&mut self, response: Option<&Value>, out: &mut Vec<Event>) {
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

    fn open(&mut self, kind: Kind, item: usize, index: usize, what: Block, out: &mut Vec<Event>) {
        self.start(None, out);
        self.close_block(out);
        let block = self.blocks;
        self.blocks += 1;
        out.push(Event::Open { block, candidate: 0, what });
        self.open = Some(Open { block, kind, item, index, text: String::new() });
    }

    fn close_block(&mut self, out: &mut Vec<Event>) {
        if let Some(open) = self.open.take() {
            out.push(Event::Close { block: open.block });
        }
    }

    /// The open block, if it is of this kind and this item.
    fn of_item(&mut self, kind: Kind, item: usize) -> Option<&mut Open> {
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
    fn input(&mut self, chunk: Chunk<'_>, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let text = chunk.delta.unwrap_or_default();
        let Some(open) = self.of_item(Kind::Call, chunk.output_index) else {
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
        self.input(Chunk { delta: Some(input.to_owned()), ..chunk }, out)
    }

    fn item_done(&mut self, chunk: Chunk<'_>, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let item = part(chunk.item)?;
        let index = chunk.output_index;
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let streamed = match text("type").unwrap_or_default() {
            "reasoning" => {
                let sealed = text("encrypted_content");
                match sealed.map(|sealed| carry::read(text("id"), sealed)) {
                    Some(Carried::OfLast(signature)) if self.open.is_some() => {
                        self.signature(signature, out);
                        return Ok(());
                    }
                    Some(Carried::Own(signature))
                        if self.of_item(Kind::Thinking, index).is_some() =>
                    {
                        self.signature(signature, out);
                        return Ok(());
                    }
                    _ => self.of_item(Kind::Thinking, index).is_some(),
                }
            }
            kind @ ("function_call" | "custom_tool_call") => {
                let input = if kind == "function_call" { "arguments" } else { "input" };
                let input = text(input).unwrap_or_default().to_owned();
                match self.of_item(Kind::Call, index) {
                    Some(open) if open.text.is_empty() => {
                        return self.input(Chunk { delta: Some(input), ..chunk }, out);
                    }
                    open => open.is_some(),
                }
            }
            "message" => [Kind::Text, Kind::Refusal]
                .into_iter()
                .any(|kind| self.of_item(kind, index).is_some()),
            _ => false,
        };
        if !streamed {
            self.whole_item(item, index, out);
        }
        Ok(())
    }

    fn signature(&mut self, signature: crate::neutral::Signature, out: &mut Vec<Event>) {
        if let Some(open) = &self.open {
            out.push(Event::Delta { block: open.block, delta: Delta::Signature(signature) });
        }
    }

    /// An item of which nothing was streamed.
    fn whole_item(&mut self, item: Value, index: usize, out: &mut Vec<Event>) {
        let (mut parts, mut logprobs) = (Vec::new(), Vec::new());
        read_item(item, &mut parts, &mut logprobs);
        for part in parts {
            self.whole_part(part, index, out);
        }
        if let Some(open) = self.of_item(Kind::Text, index).filter(|_| !logprobs.is_empty()) {
            out.push(Event::Delta { block: open.block, delta: Delta::Logprobs(logprobs) });
        }
    }

    fn whole_part(&mut self, part: Part, item: usize, out: &mut Vec<Event>) {
        self.said.note(&part.content);
        let index = self.blocks;
        let Part { content, signature, cache } = part;
        let (kind, what, deltas) = match content {
            Content::Text { text, citations } => {
                let citations = citations.into_iter().map(Delta::Citation);
                let deltas = [Delta::Text(text)].into_iter().chain(citations).collect();
                (Kind::Text, Block::Text, deltas)
            }
            Content::Refusal(text) => (Kind::Refusal, Block::Refusal, vec![Delta::Text(text)]),
            Content::Thinking(text) => (Kind::Thinking, Block::Thinking, vec![Delta::Text(text)]),
            Content::ToolCall(ToolCall { id, name, input, kind }) => {
                (Kind::Call, Block::ToolCall { id, name, kind }, vec![Delta::Input(input)])
            }
            content => {
                let part = Part { content, signature, cache };
                return self.open(Kind::Whole, item, index, Block::Whole(part), out);
            }
        };
        self.open(kind, item, index, what, out);
        let Some(open) = &mut self.open else { return };
        for delta in deltas.into_iter().chain(signature.map(Delta::Signature)) {
            if let Delta::Text(text) | Delta::Input(text) = &delta {
                open.text.push_str(text);
            }
            out.push(Event::Delta { block: open.block, delta });
        }
    }

    fn finish(&mut self, mut response: Value, status: &str, out: &mut Vec<Event>) {
        self.start(Some(&response), out);
        if self.blocks == 0 {
            for (index, item) in read_answer_items(&mut response).into_iter().enumerate() {
                self.whole_item(item, index, out);
            }
        }
        self.close_block(out);
        if let Some(tokens) = response.get("usage").and_then(usage::read) {
            out.push(Event::Tokens(tokens));
        }
        let reason = response.pointer("/incomplete_details/reason").and_then(Value::as_str);
        out.push(Event::Stop { candidate: 0, stop: read_stop(status, reason, self.said) });
        out.push(Event::End);
        self.ended = true;
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
