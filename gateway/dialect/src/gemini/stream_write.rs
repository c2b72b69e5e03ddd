//! Writes a stream: one event a delta, each an answer object with one part. Calls are sent whole,
//! once their arguments are; reasons for the end and the usage come last, in one event.

use super::answer::{cut_message, finish_reason, signed, write_logprobs, write_part};
use super::cite;
use super::error;
use super::sign;
use super::usage;
use super::wire::{Call, Known, WirePart, args};
use crate::convert::{Caller, WriteStream};
use crate::neutral::{Block, Citation, Delta, Event, Part, Signature, Stop};
use bytes::{BufMut, BytesMut};
use contract::usage::Tokens;
use serde::Serialize;
use serde_json::{Map, Value, json};

#[derive(Debug)]
pub(super) struct Writer {
    /// The caller's own names, where the provider tells none.
    model: String,
    id: String,
    /// What ends every event.
    tail: Vec<u8>,
    open: Vec<Open>,
    stops: Vec<Ended>,
    cited: Vec<Cited>,
    cuts: Vec<(usize, String)>,
    /// Whether the last block was one of text: the last event then has an empty one, as Gemini's.
    ends_in_text: bool,
    tokens: Option<Tokens>,
}

#[derive(Debug)]
struct Open {
    block: usize,
    candidate: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    Thinking,
    Call { id: String, name: String, input: String, signature: Option<Signature> },
    Whole(Part),
}

#[derive(Debug)]
struct Ended {
    candidate: usize,
    stop: Stop,
}

#[derive(Debug)]
struct Cited {
    candidate: usize,
    citation: Citation,
}

impl Writer {
    pub(super) fn new(to: &Caller<'_>) -> Self {
        Self {
            model: to.asked.model.clone(),
            id: to.id.to_owned(),
            tail: Vec::new(),
            open: Vec::new(),
            stops: Vec::new(),
            cited: Vec::new(),
            cuts: Vec::new(),
            ends_in_text: false,
            tokens: None,
        }
    }
}

impl WriteStream for Writer {
    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Start { id, model, .. } => {
                let or = |own: &str, other: &str| {
                    Value::from(if own.is_empty() { other } else { own }).to_string()
                };
                let (model, id) = (or(model, &self.model), or(id, &self.id));
                self.tail = format!(r#","modelVersion":{model},"responseId":{id}}}"#).into_bytes();
                self.tail.extend_from_slice(b"\n\n");
            }
            Event::Open { block, candidate, what } => self.open(*block, *candidate, what),
            Event::Delta { block, delta } => self.delta(*block, delta, out),
            Event::Close { block } => self.close(*block, out),
            Event::Stop { candidate, stop } => {
                self.stops.push(Ended { candidate: *candidate, stop: stop.clone() });
            }
            Event::Tokens(tokens) => self.tokens = Some(*tokens),
            Event::End => self.end(out),
            // A comment is no JSON, and Google's own SDK takes every line for some.
            Event::Ping | Event::Units(_) => {}
            Event::Error { kind, message } => {
                out.put_slice(b"data: ");
                out.put_slice(&error::told(kind, message));
                out.put_slice(b"\n\n");
            }
        }
    }
}

impl Writer {
    fn open(&mut self, block: usize, candidate: usize, what: &Block) {
        let kind = match what {
            Block::Text | Block::Refusal => Kind::Text,
            Block::Thinking => Kind::Thinking,
            Block::ToolCall { id, name, .. } => Kind::Call {
                id: id.clone(),
                name: name.clone(),
                input: String::new(),
                signature: None,
            },
            Block::Whole(part) => Kind::Whole(part.clone()),
        };
        self.ends_in_text = matches!(kind, Kind::Text);
        self.open.push(Open { block, candidate, kind });
    }

    fn delta(&mut self, block: usize, delta: &Delta, out: &mut BytesMut) {
        let Some(open) = self.open.iter_mut().find(|open| open.block == block) else { return };
        let (candidate, tail) = (open.candidate, &self.tail);
        match (delta, &mut open.kind) {
            (Delta::Text(text), Kind::Text) => {
                event(out, candidate, tail, |out| text_part(out, text, b"}"));
            }
            (Delta::Text(text), Kind::Thinking) => {
                event(out, candidate, tail, |out| text_part(out, text, br#","thought":true}"#));
            }
            (Delta::Input(fragment), Kind::Call { input, .. }) => input.push_str(fragment),
            (Delta::Signature(new), Kind::Call { signature, .. }) => *signature = Some(new.clone()),
            (Delta::Signature(new), Kind::Whole(part)) => part.signature = Some(new.clone()),
            (Delta::Signature(new), kind) => {
                let thought = matches!(kind, Kind::Thinking);
                event(out, candidate, tail, |out| json_of(out, &signed(new, thought)));
            }
            (Delta::Citation(citation), _) => {
                self.cited.push(Cited { candidate, citation: citation.clone() });
            }
            (Delta::Logprobs(chances), _) => {
                let logprobs = json!([{"index": candidate, "content": {"role": "model"},
                    "logprobsResult": write_logprobs(chances)}]);
                out.put_slice(br#"data: {"candidates":"#);
                json_of(out, &logprobs);
                out.put_slice(tail);
            }
            (Delta::Text(_) | Delta::Input(_), _) => {}
        }
    }

    fn close(&mut self, block: usize, out: &mut BytesMut) {
        let Some(at) = self.open.iter().position(|open| open.block == block) else { return };
        let Open { candidate, kind, .. } = self.open.remove(at);
        match &kind {
            Kind::Text | Kind::Thinking => {}
            Kind::Call { id, name, input, signature } => match args(input) {
                Some(args) => {
                    let thought_signature = signature.as_ref().map(sign::written);
                    let call = Some(Call { id, name, args });
                    let part: WirePart<'_> =
                        Known { function_call: call, thought_signature, ..Known::default() }.into();
                    event(out, candidate, &self.tail, |out| json_of(out, &part));
                }
                None => self.cuts.push((candidate, cut_message(name, input))),
            },
            Kind::Whole(part) => {
                if let Some(part) = write_part(part) {
                    event(out, candidate, &self.tail, |out| json_of(out, &part));
                }
            }
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        let stops = std::mem::take(&mut self.stops);
        let candidates: Vec<Value> = stops.iter().map(|ended| self.last(ended)).collect();
        out.put_slice(br#"data: {"candidates":"#);
        json_of(out, &candidates);
        if let Some(tokens) = &self.tokens {
            out.put_slice(br#","usageMetadata":"#);
            json_of(out, &usage::write(tokens));
        }
        out.put_slice(&self.tail);
    }

    /// What the last event tells of a candidate.
    fn last(&self, ended: &Ended) -> Value {
        let mut last = Map::new();
        if self.ends_in_text {
            last.insert("content".to_owned(), json!({"parts": [{"text": ""}], "role": "model"}));
        }
        let cut = self.cuts.iter().find(|(candidate, _)| *candidate == ended.candidate);
        let reason = finish_reason(&ended.stop, cut.is_some());
        last.insert("finishReason".to_owned(), reason.into());
        last.insert("index".to_owned(), ended.candidate.into());
        if let Some((_, message)) = cut {
            last.insert("finishMessage".to_owned(), message.as_str().into());
        }
        let cited = self.cited.iter().filter(|cited| cited.candidate == ended.candidate);
        if let Some(grounding) = cite::write(cited.map(|cited| (0, &cited.citation))) {
            last.insert("groundingMetadata".to_owned(), grounding);
        }
        last.into()
    }
}

/// One event with one part.
fn event(out: &mut BytesMut, candidate: usize, tail: &[u8], part: impl FnOnce(&mut BytesMut)) {
    out.put_slice(br#"data: {"candidates":[{"content":{"parts":["#);
    part(out);
    out.put_slice(br#"],"role":"model"},"index":"#);
    out.put_slice(itoa::Buffer::new().format(candidate).as_bytes());
    out.put_slice(b"}]");
    out.put_slice(tail);
}

fn text_part(out: &mut BytesMut, text: &str, end: &[u8]) {
    out.put_slice(br#"{"text":"#);
    json_of(out, text);
    out.put_slice(end);
}

fn json_of<T: Serialize + ?Sized>(out: &mut BytesMut, value: &T) {
    // Strings and maps of strings always serialise, and memory takes them all.
    serde_json::to_writer(out.writer(), value).unwrap_or_default();
}
