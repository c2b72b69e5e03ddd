//! Writes a stream: the life of the response, of each item in it and of each part of an item, with
//! events numbered from 0. Texts that follow each other are parts of one message, so a message
//! closes when something else opens.

use super::super::answer::{self, Envelope, Ids, State};
use super::super::{carry, cite, error};
use super::close::{Item, Text};
use super::tell::Teller;
use crate::convert::{Caller, WriteStream};
use crate::neutral::{Block, CallKind, Content, Delta, Event, Signature, Stop, ToolCall};
use bytes::{BufMut as _, BytesMut};
use serde_json::json;

/// Writes a stream.
#[derive(Debug)]
pub(in super::super) struct Writer {
    pub(super) tell: Teller,
    started: bool,
    ended: bool,
    pub(super) item: Item,
    /// The block that is being left out: one of a candidate that nobody asked for.
    skipped: Option<usize>,
    stop: Option<Stop>,
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
                self.tell.envelope.answered_by(id, model, *created);
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
            Event::Tokens(tokens) => self.tell.tokens = Some(*tokens),
            Event::End => self.end(out),
            Event::Units(_) => {}
            Event::Ping => out.put_slice(b": ping\n\n"),
            Event::Error { kind, message } => self.fail(kind, message, out),
        }
    }
}

impl Writer {
    pub(in super::super) fn new(to: &Caller<'_>) -> Self {
        Self {
            tell: Teller::new(Envelope::new(to), Ids::new(to.id)),
            started: false,
            ended: false,
            item: Item::None,
            skipped: None,
            stop: None,
        }
    }

    fn start(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.started, true) {
            self.tell.life("response.created", State::InProgress, out);
            self.tell.life("response.in_progress", State::InProgress, out);
        }
    }

    fn open(&mut self, what: &Block, out: &mut BytesMut) {
        match what {
            Block::Text => self.open_text(false, out),
            Block::Refusal => self.open_text(true, out),
            Block::Thinking => self.open_thinking(None, out),
            Block::ToolCall { id: call_id, name, kind } => {
                self.close_message(out);
                let id = self.tell.ids.id(answer::prefix(*kind), self.tell.items);
                let (call_id, name) = (call_id.clone(), name.clone());
                let call = ToolCall { id: call_id, name, input: String::new(), kind: *kind };
                self.tell.item_added(&answer::tool_call_begun(&id, &call), out);
                self.tell.at(&id, None);
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
                    if let Some(item) = answer::whole(part, &self.tell.ids, self.tell.items) {
                        self.tell.item_added(&item, out);
                        self.tell.item_done(&item, out);
                        self.item = Item::Whole(part.signature.clone());
                    }
                }
            },
        }
    }

    fn open_thinking(&mut self, signature: Option<Signature>, out: &mut BytesMut) {
        self.close_message(out);
        let bound = signature.as_ref().and_then(|signature| carry::write(signature).0);
        let id = bound.map_or_else(|| self.tell.ids.id("rs", self.tell.items), str::to_owned);
        self.tell.item_added(&answer::reasoning(&id, "", None), out);
        self.tell.at(&id, Some(("summary_index", 0)));
        self.item = Item::Thinking { id, text: String::new(), signature };
    }

    fn open_text(&mut self, refusal: bool, out: &mut BytesMut) {
        if !matches!(self.item, Item::Message { .. }) {
            let id = self.tell.ids.id("msg", self.tell.items);
            self.tell.item_added(&answer::message(&id, "in_progress", &[]), out);
            self.item = Item::Message { id, parts: Vec::new(), open: None };
        }
        let Item::Message { id, parts, open } = &mut self.item else { return };
        *open = Some(Text { refusal, ..Text::default() });
        let (id, index) = (id.clone(), parts.len());
        self.tell.at(&id, Some(("content_index", index)));
        let part = if refusal { answer::refusal("") } else { answer::text("", &[], &[]) };
        self.tell.event("response.content_part.added", "part", &part, out);
    }

    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        match (&mut self.item, delta) {
            (Item::Message { open: Some(open), .. }, Delta::Text(text)) => {
                open.text.push_str(text);
                if open.refusal {
                    self.tell.piece("response.refusal.delta", text, b"", out);
                } else {
                    self.tell.piece("response.output_text.delta", text, b",\"logprobs\":[]", out);
                }
            }
            (Item::Message { open: Some(open), .. }, Delta::Citation(citation)) => {
                let note = cite::write(citation, &open.text);
                let index = open.notes.len();
                open.notes.push(note.clone());
                let place = format!(",\"annotation_index\":{index}");
                let what = ("response.output_text.annotation.added", "annotation");
                self.tell.event_at(&place, what, &note, out);
            }
            (Item::Message { open: Some(open), .. }, Delta::Logprobs(chances)) => {
                open.logprobs.extend_from_slice(chances);
                let more = format!(",\"logprobs\":{}", answer::logprobs(chances));
                self.tell.piece("response.output_text.delta", "", more.as_bytes(), out);
            }
            (Item::Thinking { text: known, .. }, Delta::Text(text)) => {
                let first = known.is_empty();
                known.push_str(text);
                if first {
                    let part = json!({"type": "summary_text", "text": ""});
                    self.tell.event("response.reasoning_summary_part.added", "part", &part, out);
                }
                self.tell.piece("response.reasoning_summary_text.delta", text, b"", out);
            }
            (Item::Call { call, .. }, Delta::Input(text)) => {
                call.input.push_str(text);
                let kind = input_delta(call.kind);
                self.tell.piece(kind, text, b"", out);
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

    fn end(&mut self, out: &mut BytesMut) {
        self.close_message(out);
        let stop = self.stop.take().unwrap_or(Stop::End);
        let state = State::Stopped(&stop);
        let kind = if state.status() == "completed" {
            "response.completed"
        } else {
            "response.incomplete"
        };
        self.tell.life(kind, state, out);
        self.ended = true;
    }

    /// The SDKs differ in which of the two events they heed.
    fn fail(&mut self, kind: &str, message: &str, out: &mut BytesMut) {
        let told = json!({"type": kind, "code": kind, "message": message, "param": null});
        out.put_slice(error::event(self.tell.number, &told).as_bytes());
        self.tell.number += 1;
        if self.started {
            let limited = kind.contains("rate_limit");
            let code = if limited { "rate_limit_exceeded" } else { "server_error" };
            let error = json!({"code": code, "message": message});
            self.tell.life("response.failed", State::Failed(&error), out);
        }
        self.ended = true;
    }
}

pub(super) const fn input_delta(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Function => "response.function_call_arguments.delta",
        CallKind::Custom => "response.custom_tool_call_input.delta",
    }
}
