//! Writes a stream: the life of the response, of each item in it and of each part of an item, with
//! events numbered from 0. Texts that follow each other are parts of one message, so a message
//! closes when something else opens.

use super::super::answer::{self, Envelope, Ids, State};
use super::super::{carry, cite, error};
use crate::convert::{Caller, WriteStream};
use crate::neutral::{
    Block, CallKind, Content, Delta, Event, Signature, Stop, TokenChance, ToolCall,
};
use bytes::{BufMut as _, BytesMut};
use contract::usage::Tokens;
use serde_json::{Value, json};

/// Writes a stream.
#[derive(Debug)]
pub(in super::super) struct Writer {
    envelope: Envelope,
    ids: Ids,
    /// Of the next event.
    number: u64,
    started: bool,
    ended: bool,
    /// Items that are done: JSON texts separated by commas, and how many.
    output: String,
    items: usize,
    item: Item,
    /// The block that is being left out: one of a candidate that nobody asked for.
    skipped: Option<usize>,
    /// Where pieces of the open part belong: JSON members, each with a comma before it.
    place: String,
    stop: Option<Stop>,
    tokens: Option<Tokens>,
}

/// The item that is open.
#[derive(Debug)]
enum Item {
    None,
    Message {
        id: String,
        parts: Vec<Value>,
        open: Option<Text>,
    },
    Thinking {
        id: String,
        text: String,
        signature: Option<Signature>,
    },
    Call {
        id: String,
        call: ToolCall,
        signature: Option<Signature>,
    },
    /// Written already; its signature may follow.
    Whole(Option<Signature>),
}

/// The part of a message that is open.
#[derive(Debug, Default)]
struct Text {
    refusal: bool,
    text: String,
    notes: Vec<Value>,
    logprobs: Vec<TokenChance>,
    signature: Option<Signature>,
}

impl WriteStream for Writer {
    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        if self.ended {
            return;
        }
        if !self.started
            && !matches!(event, Event::Start { .. } | Event::Ping | Event::Error { .. })
        {
            self.start(out);
        }
        match event {
            Event::Start { id, model, created } => {
                self.envelope.answered_by(id, model, *created);
                self.start(out);
            }
            Event::Open { block, candidate, what } => {
                if *candidate == 0 {
                    self.open(what, out);
                } else {
                    self.skipped = Some(*block);
                }
            }
            Event::Delta { block, delta } if self.skipped != Some(*block) => self.delta(delta, out),
            Event::Close { block } if self.skipped != Some(*block) => self.close(out),
            Event::Delta { .. } | Event::Close { .. } => {}
            Event::Stop { candidate: 0, stop } => self.stop = Some(stop.clone()),
            Event::Stop { .. } => {}
            Event::Tokens(tokens) => self.tokens = Some(*tokens),
            Event::End => self.end(out),
            Event::Ping => out.put_slice(b": ping\n\n"),
            Event::Error { kind, message } => self.fail(kind, message, out),
        }
    }
}

impl Writer {
    pub(in super::super) fn new(to: &Caller<'_>) -> Self {
        Self {
            envelope: Envelope::new(to),
            ids: Ids::new(to.id),
            number: 0,
            started: false,
            ended: false,
            output: String::new(),
            items: 0,
            item: Item::None,
            skipped: None,
            place: String::new(),
            stop: None,
            tokens: None,
        }
    }

    /// Writes an event up to its number; `close_event` ends it.
    fn open_event(&mut self, kind: &str, out: &mut BytesMut) {
        out.put_slice(b"event: ");
        out.put_slice(kind.as_bytes());
        out.put_slice(b"\ndata: {\"type\":\"");
        out.put_slice(kind.as_bytes());
        out.put_slice(b"\",\"sequence_number\":");
        out.put_slice(itoa::Buffer::new().format(self.number).as_bytes());
        self.number += 1;
    }

    fn close_event(out: &mut BytesMut) {
        out.put_slice(b"}\n\n");
    }

    /// An event about the open part, or the open item: where it is, and one more member.
    fn event(&mut self, kind: &str, member: &str, value: &Value, out: &mut BytesMut) {
        self.open_event(kind, out);
        out.put_slice(self.place.as_bytes());
        out.put_slice(format!(",\"{member}\":{value}").as_bytes());
        Self::close_event(out);
    }

    /// A piece of the open part.
    fn piece(&mut self, kind: &str, text: &str, more: &[u8], out: &mut BytesMut) {
        self.open_event(kind, out);
        out.put_slice(self.place.as_bytes());
        out.put_slice(b",\"delta\":");
        // Memory takes whatever is written.
        serde_json::to_writer(out.writer(), text).unwrap_or_default();
        out.put_slice(more);
        Self::close_event(out);
    }

    /// An event of the response's own life.
    fn life(&mut self, kind: &str, state: State<'_>, out: &mut BytesMut) {
        let response = self.envelope.write(state, &self.output, self.tokens.as_ref(), None);
        self.open_event(kind, out);
        out.put_slice(b",\"response\":");
        out.put_slice(response.as_bytes());
        Self::close_event(out);
    }

    fn start(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.started, true) {
            self.life("response.created", State::InProgress, out);
            self.life("response.in_progress", State::InProgress, out);
        }
    }

    /// An item is there.
    fn item_added(&mut self, item: &Value, out: &mut BytesMut) {
        self.place = format!(",\"output_index\":{}", self.items);
        self.event("response.output_item.added", "item", item, out);
    }

    /// An item is complete.
    fn item_done(&mut self, item: &Value, out: &mut BytesMut) {
        self.place = format!(",\"output_index\":{}", self.items);
        self.event("response.output_item.done", "item", item, out);
        if self.items > 0 {
            self.output.push(',');
        }
        self.output += &item.to_string();
        self.items += 1;
    }

    /// Where what follows belongs; `index` names the part of the item.
    fn at(&mut self, id: &str, index: Option<(&str, usize)>) {
        self.place = format!(",\"item_id\":{},\"output_index\":{}", Value::from(id), self.items);
        if let Some((name, index)) = index {
            self.place += &format!(",\"{name}\":{index}");
        }
    }

    fn open(&mut self, what: &Block, out: &mut BytesMut) {
        match what {
            Block::Text => self.open_text(false, out),
            Block::Refusal => self.open_text(true, out),
            Block::Thinking => self.open_thinking(None, out),
            Block::ToolCall { id: call_id, name, kind } => {
                self.close_message(out);
                let id = self.ids.id(answer::prefix(*kind), self.items);
                let (call_id, name) = (call_id.clone(), name.clone());
                let call = ToolCall { id: call_id, name, input: String::new(), kind: *kind };
                self.item_added(&answer::tool_call_begun(&id, &call), out);
                self.at(&id, None);
                self.item = Item::Call { id, call, signature: None };
            }
            Block::Whole(part) => match &part.content {
                Content::Thinking(text) => {
                    self.open_thinking(part.signature.clone(), out);
                    self.delta(&Delta::Text(text.clone()), out);
                }
                Content::HiddenThinking => self.open_thinking(part.signature.clone(), out),
                _ => {
                    self.close_message(out);
                    if let Some(item) = answer::whole(part, &self.ids, self.items) {
                        self.item_added(&item, out);
                        self.item_done(&item, out);
                    }
                    self.item = Item::Whole(part.signature.clone());
                }
            },
        }
    }

    fn open_thinking(&mut self, signature: Option<Signature>, out: &mut BytesMut) {
        self.close_message(out);
        let bound = signature.as_ref().and_then(|signature| carry::write(signature).0);
        let id = bound.map_or_else(|| self.ids.id("rs", self.items), str::to_owned);
        self.item_added(&answer::reasoning(&id, "", None), out);
        self.at(&id, Some(("summary_index", 0)));
        self.item = Item::Thinking { id, text: String::new(), signature };
    }

    fn open_text(&mut self, refusal: bool, out: &mut BytesMut) {
        if !matches!(self.item, Item::Message { .. }) {
            let id = self.ids.id("msg", self.items);
            self.item_added(&answer::message(&id, "in_progress", &[]), out);
            self.item = Item::Message { id, parts: Vec::new(), open: None };
        }
        let Item::Message { id, parts, open } = &mut self.item else { return };
        *open = Some(Text { refusal, ..Text::default() });
        let (id, index) = (id.clone(), parts.len());
        self.at(&id, Some(("content_index", index)));
        let part = if refusal { answer::refusal("") } else { answer::text("", &[], &[]) };
        self.event("response.content_part.added", "part", &part, out);
    }

    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        match (&mut self.item, delta) {
            (Item::Message { open: Some(open), .. }, Delta::Text(text)) => {
                open.text.push_str(text);
                if open.refusal {
                    self.piece("response.refusal.delta", text, b"", out);
                } else {
                    self.piece("response.output_text.delta", text, b",\"logprobs\":[]", out);
                }
            }
            (Item::Message { open: Some(open), .. }, Delta::Citation(citation)) => {
                let note = cite::write(citation, &open.text);
                let index = open.notes.len();
                open.notes.push(note.clone());
                let place = self.place.len();
                self.place += &format!(",\"annotation_index\":{index}");
                self.event("response.output_text.annotation.added", "annotation", &note, out);
                self.place.truncate(place);
            }
            (Item::Message { open: Some(open), .. }, Delta::Logprobs(chances)) => {
                open.logprobs.extend_from_slice(chances);
                let more = format!(",\"logprobs\":{}", answer::logprobs(chances));
                self.piece("response.output_text.delta", "", more.as_bytes(), out);
            }
            (Item::Thinking { text: known, .. }, Delta::Text(text)) => {
                let first = known.is_empty();
                known.push_str(text);
                if first {
                    let part = json!({"type": "summary_text", "text": ""});
                    self.event("response.reasoning_summary_part.added", "part", &part, out);
                }
                self.piece("response.reasoning_summary_text.delta", text, b"", out);
            }
            (Item::Call { call, .. }, Delta::Input(text)) => {
                call.input.push_str(text);
                let kind = input_delta(call.kind);
                self.piece(kind, text, b"", out);
            }
            (
                Item::Message { open: Some(Text { signature, .. }), .. }
                | Item::Thinking { signature, .. }
                | Item::Call { signature, .. }
                | Item::Whole(signature),
                Delta::Signature(told),
            ) => *signature = Some(told.clone()),
            // No block of this kind has such a piece.
            _ => {}
        }
    }

    /// A block is complete; a message stays open for the next text.
    fn close(&mut self, out: &mut BytesMut) {
        match std::mem::replace(&mut self.item, Item::None) {
            Item::Message { id, mut parts, open } => {
                let signature = open.and_then(|open| self.close_text(open, &mut parts, out));
                self.item = Item::Message { id, parts, open: None };
                if signature.is_some() {
                    self.close_message(out);
                }
                self.of_last(signature, out);
            }
            Item::Thinking { id, text, signature } => {
                if !text.is_empty() {
                    let (whole, part) =
                        (Value::from(text.as_str()), json!({"type": "summary_text", "text": text}));
                    self.event("response.reasoning_summary_text.done", "text", &whole, out);
                    self.event("response.reasoning_summary_part.done", "part", &part, out);
                }
                self.item_done(&answer::reasoning(&id, &text, signature.as_ref()), out);
            }
            Item::Call { id, mut call, signature } => {
                if call.kind == CallKind::Function && call.input.trim_ascii().is_empty() {
                    "{}".clone_into(&mut call.input);
                    self.piece(input_delta(call.kind), "{}", b"", out);
                }
                let (kind, member) = match call.kind {
                    CallKind::Function => ("response.function_call_arguments.done", "arguments"),
                    CallKind::Custom => ("response.custom_tool_call_input.done", "input"),
                };
                self.event(kind, member, &call.input.as_str().into(), out);
                self.item_done(&answer::tool_call(&id, "completed", &call), out);
                self.of_last(signature, out);
            }
            Item::Whole(signature) => self.of_last(signature, out),
            Item::None => {}
        }
    }

    fn close_text(
        &mut self,
        open: Text,
        parts: &mut Vec<Value>,
        out: &mut BytesMut,
    ) -> Option<Signature> {
        let Text { refusal, text, notes, logprobs, signature } = open;
        let whole = Value::from(text.as_str());
        let part = if refusal {
            self.event("response.refusal.done", "refusal", &whole, out);
            answer::refusal(&text)
        } else {
            let place = self.place.len();
            self.place += &format!(",\"logprobs\":{}", answer::logprobs(&logprobs));
            self.event("response.output_text.done", "text", &whole, out);
            self.place.truncate(place);
            answer::text(&text, &notes, &logprobs)
        };
        self.event("response.content_part.done", "part", &part, out);
        parts.push(part);
        signature
    }

    /// Closes the message that is open, if one is.
    fn close_message(&mut self, out: &mut BytesMut) {
        if let Item::Message { id, parts, .. } = std::mem::replace(&mut self.item, Item::None) {
            self.item_done(&answer::message(&id, "completed", &parts), out);
        }
    }

    /// The signature of the item just written.
    fn of_last(&mut self, signature: Option<Signature>, out: &mut BytesMut) {
        if let Some(signature) = signature {
            let item = answer::of_last(&self.ids.id("rs", self.items), &signature);
            self.item_added(&item, out);
            self.item_done(&item, out);
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.close_message(out);
        let stop = self.stop.take().unwrap_or(Stop::End);
        let state = State::Stopped(&stop);
        let kind = if state.status() == "completed" {
            "response.completed"
        } else {
            "response.incomplete"
        };
        self.life(kind, state, out);
        self.ended = true;
    }

    /// The SDKs differ in which of the two events they heed.
    fn fail(&mut self, kind: &str, message: &str, out: &mut BytesMut) {
        let told = json!({"type": kind, "code": kind, "message": message, "param": null});
        out.put_slice(error::event(self.number, &told).as_bytes());
        self.number += 1;
        if self.started {
            let limited = kind.contains("rate_limit");
            let code = if limited { "rate_limit_exceeded" } else { "server_error" };
            let error = json!({"code": code, "message": message});
            self.life("response.failed", State::Failed(&error), out);
        }
        self.ended = true;
    }
}

const fn input_delta(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Function => "response.function_call_arguments.delta",
        CallKind::Custom => "response.custom_tool_call_input.delta",
    }
}
