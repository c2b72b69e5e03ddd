//! What is open in a stream, and how it closes: with all of it told once more, whole.

use super::super::answer;
use super::write::{Writer, input_delta};
use crate::neutral::{CallKind, Signature, TokenChance, ToolCall};
use bytes::BytesMut;
use serde_json::{Value, json};

/// The item that is open.
#[derive(Debug)]
pub(super) enum Item {
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
pub(super) struct Text {
    pub(super) refusal: bool,
    pub(super) text: String,
    pub(super) notes: Vec<Value>,
    pub(super) logprobs: Vec<TokenChance>,
    pub(super) signature: Option<Signature>,
}

impl Writer {
    /// A block is complete; a message stays open for the next text.
    pub(super) fn close(&mut self, out: &mut BytesMut) {
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
                    self.tell.event("response.reasoning_summary_text.done", "text", &whole, out);
                    self.tell.event("response.reasoning_summary_part.done", "part", &part, out);
                }
                self.tell.item_done(&answer::reasoning(&id, &text, signature.as_ref()), out);
            }
            Item::Call { id, mut call, signature } => {
                if call.kind == CallKind::Function && call.input.trim_ascii().is_empty() {
                    call.input.push_str("{}");
                    self.tell.piece(input_delta(call.kind), "{}", b"", out);
                }
                let (kind, member) = match call.kind {
                    CallKind::Function => ("response.function_call_arguments.done", "arguments"),
                    CallKind::Custom => ("response.custom_tool_call_input.done", "input"),
                };
                self.tell.event(kind, member, &call.input.as_str().into(), out);
                self.tell.item_done(&answer::tool_call(&id, "completed", &call), out);
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
            self.tell.event("response.refusal.done", "refusal", &whole, out);
            answer::refusal(&text)
        } else {
            let place = format!(",\"logprobs\":{}", answer::logprobs(&logprobs));
            self.tell.event_at(&place, ("response.output_text.done", "text"), &whole, out);
            answer::text(&text, &notes, &logprobs)
        };
        self.tell.event("response.content_part.done", "part", &part, out);
        parts.push(part);
        signature
    }

    /// Closes the message that is open, if one is.
    pub(super) fn close_message(&mut self, out: &mut BytesMut) {
        if let Item::Message { id, parts, .. } = std::mem::replace(&mut self.item, Item::None) {
            self.tell.item_done(&answer::message(&id, "completed", &parts), out);
        }
    }

    /// The signature of the item just written.
    fn of_last(&mut self, signature: Option<Signature>, out: &mut BytesMut) {
        if let Some(signature) = signature {
            let item = answer::of_last(&self.tell.ids.id("rs", self.tell.items), &signature);
            self.tell.item_added(&item, out);
            self.tell.item_done(&item, out);
        }
    }
}
