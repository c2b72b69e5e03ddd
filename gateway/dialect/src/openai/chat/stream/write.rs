//! Writes a stream as the vendor's SDKs read it: a chunk with the role, the fragments, a chunk
//! with the reason of the end, usage where it was asked for, `[DONE]`.
//!
//! Each chunk is a constant head, the delta and a constant tail; only the fragment is escaped.

use crate::convert::{Caller, WriteStream};
use crate::neutral::{Block, CallKind, Content, Delta, Event, Part, Signature};
use crate::openai::chat::usage::Usage;
use crate::openai::chat::{annotation, answer, reasoning};
use bytes::{BufMut, BytesMut};
use contract::usage::Tokens;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Debug)]
pub(crate) struct Writer {
    /// `data: {"id":…,"choices":[`, made at the start.
    head: Vec<u8>,
    /// What follows the choices of every chunk.
    tail: &'static [u8],
    model: String,
    fallback: (String, i64),
    usage_asked: bool,
    tokens: Option<Tokens>,
    candidates: Vec<Candidate>,
    /// By block number, what is open.
    open: Vec<(usize, Open)>,
}

#[derive(Debug, Default)]
struct Candidate {
    greeted: bool,
    calls: usize,
    refusal: bool,
    details: usize,
    /// Characters of content so far, for citations.
    chars: usize,
}

#[derive(Debug)]
struct Open {
    candidate: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Its text so far, in which citations are placed.
    Text(String),
    Refusal,
    /// Its text so far, which its signature needs.
    Thinking(String),
    Call {
        index: usize,
        kind: CallKind,
    },
    Whole(Box<Part>),
}

impl Writer {
    pub(crate) fn new(to: &Caller<'_>) -> Self {
        Self {
            head: Vec::new(),
            tail: if to.stream_usage { b"],\"usage\":null}\n\n" } else { b"]}\n\n" },
            model: to.asked.model.clone(),
            fallback: (answer::id("", to), to.now),
            usage_asked: to.stream_usage,
            tokens: None,
            candidates: Vec::new(),
            open: Vec::new(),
        }
    }

    fn start(&mut self, id: &str, model: &str, created: Option<i64>) {
        let id = if id.is_empty() { &self.fallback.0 } else { id };
        let model = if model.is_empty() { &self.model } else { model };
        let head = Head {
            id,
            object: "chat.completion.chunk",
            created: created.unwrap_or(self.fallback.1),
            model,
            system_fingerprint: (),
        };
        let mut written = b"data: ".to_vec();
        written.extend(serde_json::to_vec(&head).unwrap_or_default());
        written.pop();
        written.extend_from_slice(b",\"choices\":[");
        self.head = written;
    }

    /// The candidate, which has been greeted with its role.
    fn candidate(&mut self, n: usize, out: &mut BytesMut) -> Option<&mut Candidate> {
        if self.head.is_empty() {
            self.start("", "", None);
        }
        if self.candidates.len() <= n {
            self.candidates.resize_with(n + 1, Candidate::default);
        }
        let candidate = self.candidates.get_mut(n)?;
        if !candidate.greeted {
            candidate.greeted = true;
            self.chunk(n, out, |out| {
                out.put_slice(br#""role":"assistant","content":"","refusal":null"#);
            });
        }
        self.candidates.get_mut(n)
    }

    /// One chunk of a candidate; `delta` writes the members of its delta.
    fn chunk(&self, candidate: usize, out: &mut BytesMut, delta: impl FnOnce(&mut BytesMut)) {
        out.put_slice(&self.head);
        self.index(candidate, out);
        out.put_slice(b"\"delta\":{");
        delta(out);
        out.put_slice(b"},\"logprobs\":null,\"finish_reason\":null}");
        out.put_slice(self.tail);
    }

    fn index(&self, candidate: usize, out: &mut BytesMut) {
        out.put_slice(b"{\"index\":");
        out.put_slice(itoa::Buffer::new().format(candidate).as_bytes());
        out.put_slice(b",");
    }

    fn open(&mut self, block: usize, candidate: usize, what: &Block, out: &mut BytesMut) {
        let Some(state) = self.candidate(candidate, out) else { return };
        let what = match what {
            Block::Text => What::Text(String::new()),
            Block::Refusal => {
                state.refusal = true;
                What::Refusal
            }
            Block::Thinking => What::Thinking(String::new()),
            Block::ToolCall { id, name, kind } => {
                let index = state.calls;
                state.calls += 1;
                self.chunk(candidate, out, |out| call_head(out, index, id, name, *kind));
                What::Call { index, kind: *kind }
            }
            Block::Whole(part) => What::Whole(Box::new(part.clone())),
        };
        self.open.push((block, Open { candidate, what }));
    }

    fn delta(&mut self, block: usize, delta: &Delta, out: &mut BytesMut) {
        let Some(at) = self.open.iter().position(|(known, _)| *known == block) else { return };
        let Some((_, open)) = self.open.get_mut(at) else { return };
        let candidate = open.candidate;
        match (delta, &mut open.what) {
            (Delta::Text(text), What::Text(said)) => {
                said.push_str(text);
                self.chunk(candidate, out, |out| member(out, "content", text));
            }
            (Delta::Text(text), What::Refusal) => {
                self.chunk(candidate, out, |out| member(out, "refusal", text));
            }
            (Delta::Text(text), What::Thinking(thought)) => {
                thought.push_str(text);
                self.chunk(candidate, out, |out| member(out, "reasoning_content", text));
            }
            (Delta::Input(text), What::Call { index, kind }) => {
                let (index, kind) = (*index, *kind);
                self.chunk(candidate, out, |out| call_input(out, index, text, kind));
            }
            (Delta::Citation(citation), What::Text(said)) => {
                let before = self.candidates.get(candidate).map_or(0, |state| state.chars);
                let note = annotation::write(citation, said, before);
                self.chunk(candidate, out, |out| member(out, "annotations", &[note]));
            }
            (Delta::Signature(signature), _) => self.signature(at, signature, out),
            (Delta::Logprobs(chances), _) => {
                out.put_slice(&self.head);
                self.index(candidate, out);
                out.put_slice(b"\"delta\":{},\"logprobs\":");
                json(out, &answer::chances(chances));
                out.put_slice(b",\"finish_reason\":null}");
                out.put_slice(self.tail);
            }
            (Delta::Text(_) | Delta::Input(_) | Delta::Citation(_), _) => {}
        }
    }

    fn signature(&mut self, at: usize, signature: &Signature, out: &mut BytesMut) {
        let Some((_, open)) = self.open.get_mut(at) else { return };
        let candidate = open.candidate;
        let content = match &mut open.what {
            What::Thinking(text) => Content::Thinking(text.clone()),
            What::Text(_) => Content::Text { text: String::new(), citations: Vec::new() },
            What::Call { index, .. } => {
                let extra = reasoning::extra_content(signature);
                // The vendor's SDK reads no piece of a call without `function`.
                let call = json!([{"index": *index, "function": {}, "extra_content": extra}]);
                return self.chunk(candidate, out, |out| member(out, "tool_calls", &call));
            }
            // Written when it closes.
            What::Whole(part) => {
                part.signature = Some(signature.clone());
                return;
            }
            What::Refusal => return,
        };
        let part = Part { signature: Some(signature.clone()), ..Part::new(content) };
        self.detail(candidate, &part, out);
    }

    fn detail(&mut self, candidate: usize, part: &Part, out: &mut BytesMut) {
        let Some(state) = self.candidates.get_mut(candidate) else { return };
        if let Some(item) = reasoning::detail(part, state.details) {
            state.details += 1;
            self.chunk(candidate, out, |out| member(out, "reasoning_details", &[item]));
        }
    }

    fn close(&mut self, block: usize, out: &mut BytesMut) {
        let Some(at) = self.open.iter().position(|(known, _)| *known == block) else { return };
        let (_, open) = self.open.swap_remove(at);
        match open.what {
            What::Text(said) => {
                if let Some(state) = self.candidates.get_mut(open.candidate) {
                    state.chars += said.chars().count();
                }
            }
            What::Whole(part) => match &part.content {
                Content::Image(media) => {
                    let image = answer::image(media);
                    self.chunk(open.candidate, out, |out| member(out, "images", &[image]));
                }
                _ => self.detail(open.candidate, &part, out),
            },
            What::Refusal | What::Thinking(_) | What::Call { .. } => {}
        }
    }
}

impl WriteStream for Writer {
    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Start { id, model, created } => {
                self.start(id, model, *created);
                self.candidate(0, out);
            }
            Event::Open { block, candidate, what } => self.open(*block, *candidate, what, out),
            Event::Delta { block, delta } => self.delta(*block, delta, out),
            Event::Close { block } => self.close(*block, out),
            Event::Stop { candidate, stop } => {
                let Some(state) = self.candidate(*candidate, out) else { return };
                let word = answer::finish_reason(stop, state.calls > 0, state.refusal);
                out.put_slice(&self.head);
                self.index(*candidate, out);
                out.put_slice(b"\"delta\":{},\"logprobs\":null,\"finish_reason\":\"");
                out.put_slice(word.as_bytes());
                out.put_slice(b"\"}");
                out.put_slice(self.tail);
            }
            Event::Tokens(tokens) => self.tokens = Some(*tokens),
            Event::End => {
                if let Some(tokens) = self.tokens.filter(|_| self.usage_asked) {
                    if self.head.is_empty() {
                        self.start("", "", None);
                    }
                    out.put_slice(&self.head);
                    out.put_slice(b"],\"usage\":");
                    json(out, &Usage::of(&tokens));
                    out.put_slice(b"}\n\n");
                }
                out.put_slice(b"data: [DONE]\n\n");
            }
            Event::Units(_) => {}
            Event::Ping => out.put_slice(b": ping\n\n"),
            Event::Error { kind, message } => {
                out.put_slice(b"data: ");
                let code: Option<&str> = None;
                let error = json!({"message": message, "type": kind, "param": null, "code": code});
                json(out, &json!({"error": error}));
                out.put_slice(b"\n\n");
            }
        }
    }
}

#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    system_fingerprint: (),
}

fn call_head(out: &mut BytesMut, index: usize, id: &str, name: &str, kind: CallKind) {
    let call: Value = match kind {
        CallKind::Function => json!([{"index": index, "id": id, "type": "function",
            "function": {"name": name, "arguments": ""}}]),
        CallKind::Custom => json!([{"index": index, "id": id, "type": "custom",
            "custom": {"name": name, "input": ""}}]),
    };
    member(out, "tool_calls", &call);
}

fn call_input(out: &mut BytesMut, index: usize, text: &str, kind: CallKind) {
    out.put_slice(b"\"tool_calls\":[{\"index\":");
    out.put_slice(itoa::Buffer::new().format(index).as_bytes());
    out.put_slice(match kind {
        CallKind::Function => b",\"function\":{\"arguments\":".as_slice(),
        CallKind::Custom => b",\"custom\":{\"input\":",
    });
    json(out, text);
    out.put_slice(b"}}]");
}

fn member(out: &mut BytesMut, name: &str, value: &(impl Serialize + ?Sized)) {
    out.put_slice(b"\"");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\":");
    json(out, value);
}

/// Strings, numbers and JSON values always serialise, and memory takes every byte.
fn json(out: &mut BytesMut, value: &(impl Serialize + ?Sized)) {
    let written = serde_json::to_writer((&mut *out).writer(), value);
    debug_assert!(written.is_ok(), "a value that is not JSON");
}
