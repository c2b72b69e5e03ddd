//! Reads a stream, chunk by chunk. Blocks are opened and closed here: the dialect only tells whose
//! turn a fragment is.
//!
//! A call's fragments are told apart by `index`, and by `id` where servers give every call the
//! index 0. Fragments of a call after another one has begun cannot be placed: the stream is broken
//! off rather than mixed up.

use crate::Wire;
use crate::convert::{Malformed, ReadStream};
use crate::neutral::{Block, CallKind, Content, Delta, Event, Part, Signature, Stop};
use crate::openai::chat::said::{
    self, Called, Choice, Said, Sent, Text, arguments, call_id, string,
};
use crate::openai::chat::{annotation, error, reasoning};
use crate::openai::usage::read_usage;
use crate::sse;
use serde_json::Value;
use serde_json::value::RawValue;

/// Reads the stream of any provider of this dialect.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    started: bool,
    ended: bool,
    id: String,
    /// Blocks opened so far.
    blocks: usize,
    candidates: Vec<Candidate>,
    /// Where a search model found what it says, as last told: it repeats it in every chunk.
    results: String,
    urls: String,
}

#[derive(Debug, Default)]
struct Candidate {
    open: Option<(usize, Kind)>,
    calls: Vec<Call>,
    /// A call that has no name yet.
    unnamed: Option<Unnamed>,
    /// The text of the open block of thinking, or of text while it may be cited.
    text: String,
    refused: bool,
    begun: bool,
    stopped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    Thinking,
    Call,
}

#[derive(Debug)]
struct Call {
    index: Option<usize>,
    id: String,
}

#[derive(Debug)]
struct Unnamed {
    input: String,
    signature: Option<Signature>,
}

impl ReadStream for Reader {
    fn read(&mut self, event: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let Some(data) = sse::data(event) else {
            if event.starts_with(b":") {
                out.push(Event::Ping);
            }
            return Ok(());
        };
        let data = data.trim_ascii();
        if data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.end(out);
            return Ok(());
        }
        let sent: Sent<'_> = serde_json::from_slice(data)?;
        if error::is_error(&sent) {
            let read = error::read(0, data);
            out.push(Event::Error {
                kind: read.kind.unwrap_or_default(),
                message: read.message.unwrap_or_default(),
            });
            return Ok(());
        }
        self.chunk(sent, out);
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        let mut begun = self.candidates.iter().filter(|candidate| candidate.begun).peekable();
        if begun.peek().is_some() && begun.all(|candidate| candidate.stopped) {
            self.end(out);
        }
    }
}

impl Reader {
    fn chunk(&mut self, sent: Sent<'_>, out: &mut Vec<Event>) {
        let choices = sent.choices.unwrap_or_default();
        let usage = sent.usage.map(|usage| read_usage(usage.get().as_bytes())).unwrap_or_default();
        if !self.started && (!choices.is_empty() || usage.tokens.is_some()) {
            self.started = true;
            self.id = Text::owned(sent.id);
            out.push(Event::Start {
                id: self.id.clone(),
                model: Text::owned(sent.model),
                created: sent.created.and_then(|created| created.as_i64()),
            });
        }
        keep(&mut self.results, sent.search_results);
        keep(&mut self.urls, sent.citations);
        for choice in choices {
            self.choice(choice, out);
        }
        usage.tell(out);
    }

    fn choice(&mut self, choice: Choice<'_>, out: &mut Vec<Event>) {
        let n = choice.index.unwrap_or(0);
        // More than any provider gives; the number of another kind of server.
        if n > 127 {
            return;
        }
        if self.candidates.len() <= n {
            self.candidates.resize_with(n + 1, Candidate::default);
        }
        let Some(candidate) = self.candidates.get_mut(n) else { return };
        if candidate.stopped {
            return;
        }
        candidate.begun = true;
        let mut at = At { n, candidate, blocks: &mut self.blocks, answer: &self.id, out };
        if let Some(said) = choice.delta.or(choice.message) {
            at.said(said, choice.logprobs);
        }
        let Some(reason) = choice.finish_reason else { return };
        if at.is(Kind::Text) {
            for citation in said::citations(Some(&self.results), Some(&self.urls)) {
                at.delta(Delta::Citation(citation));
            }
        }
        at.stop(&reason.0, choice.stop_reason);
    }

    /// The end, and what was left open.
    fn end(&mut self, out: &mut Vec<Event>) {
        // An end mark before anything else ends nothing: such a stream was cut.
        if self.ended || !self.started {
            return;
        }
        self.ended = true;
        for (n, candidate) in self.candidates.iter_mut().enumerate() {
            if candidate.begun && !candidate.stopped {
                let (blocks, answer) = (&mut self.blocks, self.id.as_str());
                At { n, candidate, blocks, answer, out }.stop("", None);
            }
        }
        out.push(Event::End);
    }
}

fn keep(kept: &mut String, raw: Option<&RawValue>) {
    if let Some(raw) = raw.map(RawValue::get)
        && raw != kept
    {
        raw.clone_into(kept);
    }
}

/// One candidate while a chunk of it is read.
struct At<'r> {
    n: usize,
    candidate: &'r mut Candidate,
    blocks: &'r mut usize,
    answer: &'r str,
    out: &'r mut Vec<Event>,
}

impl At<'_> {
    fn said(&mut self, mut said: Said<'_>, logprobs: Option<&RawValue>) {
        let shown = said.thinking().filter(|text| !text.is_empty());
        let details = said.reasoning_details.take().unwrap_or_default();
        let told = shown.is_some();
        if let Some(text) = shown {
            self.text(Kind::Thinking, text);
        }
        for item in details {
            self.detail(item, told);
        }
        for part in said.parts() {
            match part.content {
                Content::Text { text, .. } => self.text(Kind::Text, text),
                Content::Thinking(text) => self.text(Kind::Thinking, text),
                _ => self.whole(part),
            }
        }
        if let Some(text) = string(said.refusal).filter(|text| !text.is_empty()) {
            self.candidate.refused = true;
            self.text(Kind::Refusal, text);
        }
        for note in said.annotations.unwrap_or_default() {
            self.open(Kind::Text, || Block::Text);
            let citation = annotation::read(note, &self.candidate.text);
            self.delta(Delta::Citation(citation));
        }
        for piece in said.images.unwrap_or_default() {
            if let Some(media) = said::image(&piece) {
                self.whole(Part::new(Content::Image(media)));
            }
        }
        if let Some(chances) = said::logprobs(logprobs).filter(|chances| !chances.is_empty()) {
            if self.candidate.open.is_none() {
                self.open(Kind::Text, || Block::Text);
            }
            self.delta(Delta::Logprobs(chances));
        }
        for call in said.tool_calls.unwrap_or_default() {
            self.call(call);
        }
        if let Some(function) = said.function_call {
            let (index, id) = (Some(0), None);
            self.call(Called {
                index,
                id,
                function: Some(function),
                custom: None,
                extra_content: None,
            });
        }
    }

    fn is(&self, kind: Kind) -> bool {
        self.candidate.open.is_some_and(|(_, open)| open == kind)
    }

    fn text(&mut self, kind: Kind, text: String) {
        if text.is_empty() {
            return;
        }
        self.open(kind, || match kind {
            Kind::Refusal => Block::Refusal,
            Kind::Thinking => Block::Thinking,
            Kind::Text | Kind::Call => Block::Text,
        });
        if kind != Kind::Refusal {
            self.candidate.text.push_str(&text);
        }
        self.delta(Delta::Text(text));
    }

    fn open(&mut self, kind: Kind, what: impl FnOnce() -> Block) {
        if self.is(kind) && kind != Kind::Call {
            return;
        }
        self.close();
        let block = *self.blocks;
        *self.blocks += 1;
        self.candidate.open = Some((block, kind));
        self.candidate.text.clear();
        self.out.push(Event::Open { block, candidate: self.n, what: what() });
    }

    fn delta(&mut self, delta: Delta) {
        if let Some((block, _)) = self.candidate.open {
            self.out.push(Event::Delta { block, delta });
        }
    }

    fn close(&mut self) {
        if let Some((block, _)) = self.candidate.open.take() {
            self.out.push(Event::Close { block });
        }
    }

    fn whole(&mut self, part: Part) {
        self.close();
        let block = *self.blocks;
        *self.blocks += 1;
        self.out.push(Event::Open { block, candidate: self.n, what: Block::Whole(part) });
        self.out.push(Event::Close { block });
    }

    /// An item of `reasoning_details`. Its text is a fragment, and `told` already where the chunk
    /// shows it a second time; its signature comes once, with the last.
    fn detail(&mut self, mut item: Value, told: bool) {
        let Some(part) = reasoning::part_of(item.clone()) else { return };
        let Content::Thinking(text) = part.content else {
            return self.whole(part);
        };
        // A gateway like this one signs with the whole text, which came before in fragments.
        let again =
            part.signature.is_some() && self.is(Kind::Thinking) && self.candidate.text == text;
        if !told && !again {
            self.text(Kind::Thinking, text);
        }
        let Some(mut signature) = part.signature else { return };
        self.open(Kind::Thinking, || Block::Thinking);
        if signature.wire == Wire::Chat {
            // What goes back is the item with its whole text.
            let name = if item.get("summary").is_some() { "summary" } else { "text" };
            if let Some(item) = item.as_object_mut() {
                item.insert(name.to_owned(), self.candidate.text.as_str().into());
            }
            signature.value = item.to_string();
        }
        self.delta(Delta::Signature(signature));
        self.close();
    }

    fn call(&mut self, called: Called<'_>) {
        let signature = called.signature();
        let (name, input, kind) = match (called.function, called.custom) {
            (Some(function), _) => {
                (Text::owned(function.name), arguments(function.arguments), CallKind::Function)
            }
            (None, Some(custom)) => {
                let input = string(custom.input).unwrap_or_default();
                (Text::owned(custom.name), input, CallKind::Custom)
            }
            (None, None) => (String::new(), String::new(), CallKind::Function),
        };
        let id = Text::owned(called.id);
        if self.is_new(called.index, &id, !name.is_empty()) {
            let n = self.candidate.calls.len();
            let id = if id.is_empty() { call_id(self.answer, n) } else { id };
            self.candidate.calls.push(Call { index: called.index, id });
            self.close();
            self.candidate.unnamed = Some(Unnamed { input: String::new(), signature: None });
        } else if called.index.is_some_and(|index| self.is_past(index)) {
            self.out.push(Event::Error {
                kind: "malformed".to_owned(),
                message: "The provider mixed up the fragments of several tool calls.".to_owned(),
            });
            return;
        }
        let Some(mut waiting) = self.candidate.unnamed.take() else {
            self.input(input, signature);
            return;
        };
        waiting.input.push_str(&input);
        waiting.signature = signature.or(waiting.signature);
        if name.is_empty() {
            self.candidate.unnamed = Some(waiting);
            return;
        }
        self.named(name, kind, waiting);
    }

    fn named(&mut self, name: String, kind: CallKind, waiting: Unnamed) {
        let id = self.candidate.calls.last().map(|call| call.id.clone()).unwrap_or_default();
        self.open(Kind::Call, || Block::ToolCall { id, name, kind });
        self.input(waiting.input, waiting.signature);
    }

    fn input(&mut self, input: String, signature: Option<Signature>) {
        if !self.is(Kind::Call) {
            return;
        }
        if !input.is_empty() {
            self.delta(Delta::Input(input));
        }
        if let Some(signature) = signature {
            self.delta(Delta::Signature(signature));
        }
    }

    /// Whether a fragment begins a call: by a new index, else by a new id, and where there is
    /// neither, by a name when the last call has one.
    fn is_new(&self, index: Option<usize>, id: &str, named: bool) -> bool {
        let Some(last) = self.candidate.calls.last() else { return true };
        if !id.is_empty() && self.candidate.calls.iter().any(|call| call.id == id) {
            return false;
        }
        match index {
            Some(index) => {
                !self.candidate.calls.iter().any(|call| call.index == Some(index))
                    || (!id.is_empty() && last.id != id)
            }
            None => !id.is_empty() || (named && self.candidate.unnamed.is_none()),
        }
    }

    /// Whether fragments of this index belong to a call before the last.
    fn is_past(&self, index: usize) -> bool {
        self.candidate.calls.last().is_some_and(|call| call.index.is_some_and(|last| last != index))
    }

    fn stop(&mut self, word: &str, sequence: Option<&RawValue>) {
        if let Some(waiting) = self.candidate.unnamed.take() {
            self.named(String::new(), CallKind::Function, waiting);
        }
        self.close();
        self.candidate.stopped = true;
        let calls = !self.candidate.calls.is_empty();
        let stop: Stop = said::stop(word, sequence, calls, self.candidate.refused);
        self.out.push(Event::Stop { candidate: self.n, stop });
    }
}
