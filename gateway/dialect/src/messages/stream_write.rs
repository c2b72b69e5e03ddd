//! Writes a stream as the vendor's SDKs put it together: `message_start`, blocks one after the
//! other with their numbers, then the stop reason and what was used, then `message_stop`.
//!
//! A block is begun when something of it is told, so that no text is empty, and so that the
//! signature of a call may go ahead of it.

use super::{JSON_TOOL, WIRE, answer, error, proof, put, usage};
use crate::convert::{Caller, WriteStream};
use crate::neutral::{Block, Content, Delta, Event, Part, Signature, Stop};
use bytes::{BufMut as _, BytesMut};
use contract::usage::Tokens;
use serde_json::{Value, json};

#[derive(Debug)]
pub(super) struct Writer {
    /// What the stream is called where the provider does not say.
    id: String,
    model: String,
    begun: bool,
    /// Blocks written so far.
    blocks: usize,
    open: Option<Open>,
    calls: bool,
    stop: Option<Stop>,
    tokens: Option<Tokens>,
}

#[derive(Debug)]
struct Open {
    block: usize,
    what: Block,
    /// Its number, once it is begun.
    index: Option<usize>,
    /// Of a piece that has no field for it.
    signature: Option<Signature>,
}

impl Writer {
    pub(super) fn new(to: &Caller<'_>) -> Self {
        Self {
            id: to.id.to_owned(),
            model: to.asked.model.clone(),
            begun: false,
            blocks: 0,
            open: None,
            calls: false,
            stop: None,
            tokens: None,
        }
    }

    fn start(&mut self, id: &str, model: &str, out: &mut BytesMut) {
        if self.begun {
            return;
        }
        self.begun = true;
        let id = if id.is_empty() { &self.id } else { id };
        let model = if model.is_empty() { &self.model } else { model };
        let usage = usage::write(&self.tokens.unwrap_or_default());
        let message = json!({
            "id": id, "type": "message", "role": "assistant", "model": model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": usage,
        });
        put_event(out, "message_start", &json!({"type": "message_start", "message": message}));
    }

    /// Writes a block that is told at once.
    fn whole(&mut self, block: &Value, out: &mut BytesMut) {
        put_start(out, self.blocks, block);
        put_stop(out, self.blocks);
        self.blocks += 1;
    }

    /// Writes the block that carries a signature, in the pieces that every SDK looks for it in.
    fn carrier(&mut self, text: &str, out: &mut BytesMut) {
        put_start(out, self.blocks, &put::thinking("", ""));
        put_piece(out, self.blocks, Piece::Signature, text);
        put_stop(out, self.blocks);
        self.blocks += 1;
    }

    /// Begins the open block, if that is still to be done: its number.
    fn begin(&mut self, out: &mut BytesMut) -> Option<usize> {
        let open = self.open.as_mut()?;
        if open.index.is_some() {
            return open.index;
        }
        let block = match &open.what {
            Block::Text | Block::Refusal => put::text("", Vec::new()),
            Block::Thinking => put::thinking("", ""),
            Block::ToolCall { id, name, .. } => {
                self.calls |= name != JSON_TOOL;
                put::tool_use(id, name, serde_json::Map::new())
            }
            Block::Whole(_) => return None,
        };
        let index = self.blocks;
        open.index = Some(index);
        self.blocks += 1;
        put_start(out, index, &block);
        Some(index)
    }

    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        let thinks = self.open.as_ref().is_some_and(|open| matches!(open.what, Block::Thinking));
        match delta {
            Delta::Text(text) | Delta::Input(text) if text.is_empty() => {}
            Delta::Text(text) => {
                let kind = if thinks { Piece::Thinking } else { Piece::Text };
                if let Some(index) = self.begin(out) {
                    put_piece(out, index, kind, text);
                }
            }
            Delta::Input(text) => {
                if let Some(index) = self.begin(out) {
                    put_piece(out, index, Piece::Input, text);
                }
            }
            Delta::Citation(citation) => {
                if let Some(index) = self.begin(out) {
                    let delta =
                        json!({"type": "citations_delta", "citation": put::citation(citation)});
                    let event =
                        json!({"type": "content_block_delta", "index": index, "delta": delta});
                    put_event(out, "content_block_delta", &event);
                }
            }
            Delta::Signature(signature) if thinks => {
                if let Some(index) = self.begin(out) {
                    put_piece(out, index, Piece::Signature, &signature.packed(WIRE));
                }
            }
            Delta::Signature(signature) => self.sign(signature, out),
            // No caller of this dialect can ask for them.
            Delta::Logprobs(_) => {}
        }
    }

    /// A signature of something that has no field for it: ahead of it, if it is not begun.
    fn sign(&mut self, signature: &Signature, out: &mut BytesMut) {
        let Some(open) = self.open.as_mut() else { return };
        match (&mut open.what, open.index) {
            (Block::Whole(part), _) => part.signature = Some(signature.clone()),
            (Block::ToolCall { .. }, None) => self.carrier(&proof::ahead(signature), out),
            _ => open.signature = Some(signature.clone()),
        }
    }

    fn close(&mut self, out: &mut BytesMut) {
        // A call without input is one all the same; a text without text is nothing.
        if self.open.as_ref().is_some_and(|open| matches!(open.what, Block::ToolCall { .. })) {
            self.begin(out);
        }
        let Some(open) = self.open.take() else { return };
        if let Some(index) = open.index {
            put_stop(out, index);
        }
        if let Some(signature) = &open.signature {
            self.carrier(&proof::behind(signature), out);
        }
        if let Block::Whole(part) = &open.what {
            self.part(part, out);
        }
    }

    fn part(&mut self, part: &Part, out: &mut BytesMut) {
        let thinks = matches!(part.content, Content::Thinking(_) | Content::HiddenThinking);
        if let Some(signature) = part.signature.as_ref().filter(|_| !thinks) {
            self.carrier(&proof::ahead(signature), out);
        }
        self.calls |= matches!(part.content, Content::ToolCall(_));
        if let Some(block) = put::answer(part) {
            self.whole(&block, out);
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        let stop = self.stop.take().unwrap_or(Stop::End);
        let delta = json!({
            "stop_reason": answer::stop_word(&stop, self.calls),
            "stop_sequence": answer::stop_sequence(&stop),
        });
        let usage = usage::write(&self.tokens.unwrap_or_default());
        let event = json!({"type": "message_delta", "delta": delta, "usage": usage});
        put_event(out, "message_delta", &event);
        out.put_slice(b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    }
}

impl WriteStream for Writer {
    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Start { id, model, .. } => return self.start(id, model, out),
            // What is known before the stream begins is told where it begins.
            Event::Tokens(tokens) => return self.tokens = Some(*tokens),
            Event::Units(_) => return,
            Event::Ping => return out.put_slice(b"event: ping\ndata: {\"type\": \"ping\"}\n\n"),
            Event::Error { kind, message } => {
                return out.put_slice(&error::stream_error(kind, message));
            }
            _ => self.start("", "", out),
        }
        match event {
            // An answer of this dialect has one candidate.
            Event::Open { candidate: 0, block, what } => {
                self.close(out);
                self.open =
                    Some(Open { block: *block, what: what.clone(), index: None, signature: None });
            }
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

/// The pieces that a stream is made of, by the thousand.
#[derive(Clone, Copy)]
enum Piece {
    Text,
    Thinking,
    Input,
    Signature,
}

fn put_piece(out: &mut BytesMut, index: usize, piece: Piece, text: &str) {
    put_index(out, "content_block_delta", index);
    out.put_slice(match piece {
        Piece::Text => br#","delta":{"type":"text_delta","text":"#,
        Piece::Thinking => br#","delta":{"type":"thinking_delta","thinking":"#.as_slice(),
        Piece::Input => br#","delta":{"type":"input_json_delta","partial_json":"#,
        Piece::Signature => br#","delta":{"type":"signature_delta","signature":"#,
    });
    put_json(out, text);
    out.put_slice(b"}}\n\n");
}

fn put_start(out: &mut BytesMut, index: usize, block: &Value) {
    put_index(out, "content_block_start", index);
    out.put_slice(br#","content_block":"#);
    put_json(out, block);
    out.put_slice(b"}\n\n");
}

fn put_stop(out: &mut BytesMut, index: usize) {
    put_index(out, "content_block_stop", index);
    out.put_slice(b"}\n\n");
}

fn put_index(out: &mut BytesMut, kind: &str, index: usize) {
    out.put_slice(b"event: ");
    out.put_slice(kind.as_bytes());
    out.put_slice(b"\ndata: {\"type\":\"");
    out.put_slice(kind.as_bytes());
    out.put_slice(br#"","index":"#);
    out.put_slice(itoa::Buffer::new().format(index).as_bytes());
}

fn put_event(out: &mut BytesMut, kind: &str, data: &Value) {
    out.put_slice(b"event: ");
    out.put_slice(kind.as_bytes());
    out.put_slice(b"\ndata: ");
    put_json(out, data);
    out.put_slice(b"\n\n");
}

fn put_json(out: &mut BytesMut, value: &(impl serde::Serialize + ?Sized)) {
    // Writing text and values of JSON to memory cannot fail.
    serde_json::to_writer(out.writer(), value).unwrap_or_default();
}
