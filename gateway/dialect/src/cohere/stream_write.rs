//! Writes a stream as the vendor does: `message-start`, blocks and calls one after the other,
//! citations before the end of their block, each kind with its own numbers, then `message-end` with the
//! reason and what was used.
//!
//! A block is begun when something of it is told: no text is empty, and a call's signature goes
//! with its name.

use super::answer_write::{block, chance, citation, plans, signed, stop_word};
use super::put::{put_end, put_event, put_index, put_json, put_start};
use super::{WIRE, sign, usage};
use crate::convert::{Caller, WriteStream};
use crate::neutral::{Block, Content, Delta, Event, Part, Signature, Stop};
use bytes::{BufMut as _, BytesMut};
use contract::usage::Tokens;
use serde_json::{Value, json};

#[derive(Debug)]
pub(super) struct Writer {
    /// What the stream is called where the provider does not say.
    id: String,
    started: bool,
    /// The thought that begins the answer is a plan; false once anything is told.
    plans: bool,
    /// Blocks of content written so far.
    blocks: usize,
    calls: usize,
    citations: usize,
    open: Option<Open>,
    stop: Option<Stop>,
    tokens: Option<Tokens>,
}

#[derive(Debug)]
struct Open {
    block: usize,
    what: What,
    begun: bool,
    signature: Option<Signature>,
}

#[derive(Debug)]
enum What {
    /// Its text so far, in which citations are placed.
    Text(String),
    Thinking,
    Plan,
    Call {
        id: String,
        name: String,
        told: bool,
    },
    Whole(Box<Part>),
}

impl Writer {
    pub(super) fn new(to: &Caller<'_>) -> Self {
        Self {
            id: to.id.to_owned(),
            started: false,
            plans: plans(to),
            blocks: 0,
            calls: 0,
            citations: 0,
            open: None,
            stop: None,
            tokens: None,
        }
    }

    fn start(&mut self, id: &str, out: &mut BytesMut) {
        if self.started {
            return;
        }
        self.started = true;
        let id = if id.is_empty() { &self.id } else { id };
        let message = json!({
            "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": [],
        });
        let start = json!({"id": id, "type": "message-start", "delta": {"message": message}});
        put_event(out, "message-start", &start);
    }

    fn open(&mut self, block: usize, what: &Block, out: &mut BytesMut) {
        self.close(out);
        let plans = std::mem::take(&mut self.plans);
        let what = match what {
            Block::Text | Block::Refusal => What::Text(String::new()),
            Block::Thinking if plans => What::Plan,
            Block::Thinking => What::Thinking,
            Block::ToolCall { id, name, .. } => {
                What::Call { id: id.clone(), name: name.clone(), told: false }
            }
            Block::Whole(part) => What::Whole(Box::new(part.clone())),
        };
        self.open = Some(Open { block, what, begun: false, signature: None });
    }

    /// Begins what is open, if that is still to be done.
    fn begin(&mut self, out: &mut BytesMut) {
        let Some(open) = self.open.as_mut().filter(|open| !open.begun) else { return };
        open.begun = true;
        match &open.what {
            What::Text(_) => {
                put_start(out, self.blocks, &json!({"type": "text", "text": ""}));
            }
            What::Thinking => {
                put_start(out, self.blocks, &json!({"type": "thinking", "thinking": ""}));
            }
            What::Call { id, name, .. } => {
                let function = json!({"name": name, "arguments": ""});
                let call = json!({"id": id, "type": "function", "function": function});
                let call = signed(call, sign::SIGNATURE, open.signature.take().as_ref());
                put_index(out, "tool-call-start", self.calls);
                out.put_slice(br#","delta":{"message":{"tool_calls":"#);
                put_json(out, &call);
                out.put_slice(b"}}}\n\n");
            }
            What::Plan | What::Whole(_) => {}
        }
    }

    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        match delta {
            Delta::Text(text) | Delta::Input(text) if text.is_empty() => {}
            Delta::Text(text) | Delta::Input(text) => {
                self.begin(out);
                self.piece(text, out);
            }
            Delta::Signature(signature) => {
                if let Some(open) = self.open.as_mut() {
                    open.signature = Some(signature.clone());
                }
            }
            Delta::Citation(note) => {
                self.begin(out);
                if let Some(Open { what: What::Text(text), .. }) = &self.open {
                    let note = citation(note, text, self.blocks);
                    put_index(out, "citation-start", self.citations);
                    out.put_slice(br#","delta":{"message":{"citations":"#);
                    put_json(out, &note);
                    out.put_slice(b"}}}\n\n");
                    put_end(out, "citation-end", self.citations);
                    self.citations += 1;
                }
            }
            Delta::Logprobs(chances) => {
                self.begin(out);
                if !matches!(&self.open, Some(Open { what: What::Text(_), .. })) {
                    return;
                }
                for told in chances {
                    put_index(out, "content-delta", self.blocks);
                    out.put_slice(br#","delta":{"message":{"content":{"text":""}}},"logprobs":"#);
                    put_json(out, &chance(told));
                    out.put_slice(b"}\n\n");
                }
            }
        }
    }

    /// A piece of what is open.
    fn piece(&mut self, text: &str, out: &mut BytesMut) {
        let Some(open) = &mut self.open else { return };
        let tail: &[u8] = match &mut open.what {
            What::Text(all) => {
                all.push_str(text);
                put_index(out, "content-delta", self.blocks);
                out.put_slice(br#","delta":{"message":{"content":{"text":"#);
                b"}}}}\n\n"
            }
            What::Thinking => {
                put_index(out, "content-delta", self.blocks);
                out.put_slice(br#","delta":{"message":{"content":{"thinking":"#);
                b"}}}}\n\n"
            }
            What::Plan => {
                out.put_slice(b"event: tool-plan-delta\ndata: ");
                out.put_slice(br#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"#);
                b"}}}\n\n"
            }
            What::Call { told, .. } => {
                *told = true;
                put_index(out, "tool-call-delta", self.calls);
                out.put_slice(br#","delta":{"message":{"tool_calls":{"function":{"arguments":"#);
                b"}}}}}\n\n"
            }
            What::Whole(_) => return,
        };
        put_json(out, text);
        out.put_slice(tail);
    }

    fn close(&mut self, out: &mut BytesMut) {
        let silent = |open: &Open| matches!(open.what, What::Call { told: false, .. });
        // A call without input is one all the same, and its arguments are always JSON.
        if self.open.as_ref().is_some_and(silent) {
            self.delta(&Delta::Input("{}".to_owned()), out);
        }
        if self.open.as_ref().is_some_and(|open| open.signature.is_some()) {
            self.begin(out);
        }
        let Some(Open { what, begun, signature, .. }) = self.open.take() else { return };
        match what {
            What::Text(_) | What::Thinking if begun => {
                let field = if matches!(what, What::Text(_)) { "text" } else { "thinking" };
                if let Some(signature) = &signature {
                    let piece = signed(json!({field: ""}), sign::SIGNATURE, Some(signature));
                    put_index(out, "content-delta", self.blocks);
                    out.put_slice(br#","delta":{"message":{"content":"#);
                    put_json(out, &piece);
                    out.put_slice(b"}}}\n\n");
                }
                self.end_block(out);
            }
            What::Call { .. } => {
                if let Some(signature) = &signature {
                    let piece = json!({sign::SIGNATURE: signature.packed(WIRE)});
                    put_index(out, "tool-call-delta", self.calls);
                    out.put_slice(br#","delta":{"message":{"tool_calls":"#);
                    put_json(out, &piece);
                    out.put_slice(b"}}}\n\n");
                }
                put_end(out, "tool-call-end", self.calls);
                self.calls += 1;
            }
            What::Plan => {
                let carried = signature.map(|signature| Part {
                    signature: Some(signature),
                    ..Part::new(Content::Thinking(String::new()))
                });
                self.whole(carried.as_ref().and_then(block), out);
            }
            What::Whole(part) => {
                let part =
                    Part { signature: signature.or_else(|| part.signature.clone()), ..*part };
                self.whole(block(&part), out);
            }
            What::Text(_) | What::Thinking => {}
        }
    }

    /// A block that is told at once.
    fn whole(&mut self, block: Option<Value>, out: &mut BytesMut) {
        if let Some(block) = block {
            put_start(out, self.blocks, &block);
            self.end_block(out);
        }
    }

    fn end_block(&mut self, out: &mut BytesMut) {
        put_end(out, "content-end", self.blocks);
        self.blocks += 1;
    }

    fn end(&mut self, out: &mut BytesMut) {
        let stop = self.stop.take().unwrap_or(Stop::End);
        let mut delta = json!({"finish_reason": stop_word(&stop, self.calls > 0)});
        if let (Some(tokens), Some(map)) = (&self.tokens, delta.as_object_mut()) {
            map.insert("usage".to_owned(), usage::write(tokens));
        }
        put_event(out, "message-end", &json!({"type": "message-end", "delta": delta}));
    }
}

impl WriteStream for Writer {
    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Start { id, .. } => return self.start(id, out),
            Event::Tokens(tokens) => return self.tokens = Some(*tokens),
            // A comment: the dialect has no event for it.
            Event::Ping => return out.put_slice(b": ping\n\n"),
            Event::Error { message, .. } => {
                let delta = json!({"finish_reason": "ERROR", "error": message});
                let event = json!({"type": "message-end", "delta": delta});
                return put_event(out, "message-end", &event);
            }
            _ => self.start("", out),
        }
        match event {
            // An answer of this dialect has one candidate.
            Event::Open { candidate: 0, block, what } => self.open(*block, what, out),
            Event::Delta { block, delta } if self.is_open(*block) => self.delta(delta, out),
            Event::Close { block } if self.is_open(*block) => self.close(out),
            Event::Stop { candidate: 0, stop } => self.stop = Some(stop.clone()),
            Event::End => {
                self.close(out);
                self.end(out);
            }
            _ => {}
        }
    }
}

impl Writer {
    fn is_open(&self, block: usize) -> bool {
        self.open.as_ref().is_some_and(|open| open.block == block)
    }
}
