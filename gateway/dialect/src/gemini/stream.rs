//! Reads a stream: each event is a whole answer object that holds what is new. Nothing says that a
//! block begins or ends, and nothing that the stream is complete but the reason why each candidate
//! ended; so that reason is told when the provider closes.

use super::chunk::{self, CallIds, Chunk, ChunkCandidate};
use super::{cite, usage, words};
use crate::convert::{Malformed, ReadStream};
use crate::neutral::{Block, Content, Delta, Event, Part, Signature};
use crate::sse;
use contract::usage::Tokens;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Candidates that a stream may have.
pub(super) const CANDIDATES_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Reader {
    started: bool,
    ids: CallIds,
    blocks: usize,
    candidates: Vec<State>,
    tokens: Option<Tokens>,
    blocked: bool,
}

#[derive(Debug, Default)]
struct State {
    index: usize,
    open: Option<Open>,
    /// Bytes of text before the open block.
    text_before: usize,
    calls: bool,
    finish: Option<String>,
}

/// A block of text that goes on until something else comes.
#[derive(Debug)]
struct Open {
    block: usize,
    thought: bool,
    bytes: usize,
}

impl ReadStream for Reader {
    fn read(&mut self, event: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let Some(data) = sse::data(event) else { return Ok(()) };
        let data = data.trim_ascii();
        if data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let chunk: Chunk<'_> = serde_json::from_slice(data)?;
        if let Some(error) = chunk.error {
            out.push(error_of(error));
            return Ok(());
        }
        if !self.started {
            self.started = true;
            let id = chunk::text(chunk.response_id);
            self.ids = CallIds::of(&id);
            out.push(Event::Start { id, model: chunk::text(chunk.model_version), created: None });
        }
        let tokens = chunk.usage_metadata.and_then(|raw| usage::read(raw.get().as_bytes()));
        if let Some(tokens) = tokens.filter(|tokens| self.tokens != Some(*tokens)) {
            self.tokens = Some(tokens);
            out.push(Event::Tokens(tokens));
        }
        self.blocked |= chunk.prompt_feedback.is_some_and(|f| f.block_reason.is_some());
        for raw in chunk.candidates.unwrap_or_default() {
            self.candidate(raw, out)?;
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        let whole = self.candidates.iter().all(|state| state.finish.is_some());
        if !self.started || !whole || (self.candidates.is_empty() && !self.blocked) {
            return;
        }
        if self.candidates.is_empty() {
            out.push(Event::Stop { candidate: 0, stop: crate::neutral::Stop::Filtered });
        }
        for state in &mut self.candidates {
            state.close(out);
            let word = state.finish.take().unwrap_or_default();
            let stop = words::stop(&word, state.calls);
            out.push(Event::Stop { candidate: state.index, stop });
        }
        out.push(Event::End);
        self.started = false;
    }
}

impl Reader {
    fn candidate(&mut self, raw: &RawValue, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let told: ChunkCandidate<'_> = serde_json::from_str(raw.get())?;
        let index = told.index.unwrap_or(0);
        if index >= CANDIDATES_MAX {
            return Err(Malformed("more candidates than a stream may have".into()));
        }
        let at = self.candidates.iter().position(|state| state.index == index);
        let at = at.unwrap_or_else(|| {
            self.candidates.push(State { index, ..State::default() });
            self.candidates.len() - 1
        });
        let Some(state) = self.candidates.get_mut(at) else { return Ok(()) };
        for raw in told.content.and_then(|content| content.parts).unwrap_or_default() {
            let chunk::Read { content, signature } = chunk::part(raw, &mut self.ids)?;
            state.part(content, signature, &mut self.blocks, out);
        }
        let placed = cite::read(told.grounding_metadata, told.citation_metadata);
        let chances = told.logprobs_result.map(chunk::Logprobs::chances).unwrap_or_default();
        if !placed.is_empty() || !chances.is_empty() {
            let block = state.text(false, &mut self.blocks, out);
            if !chances.is_empty() {
                out.push(Event::Delta { block, delta: Delta::Logprobs(chances) });
            }
            for cite::Placed { mut citation, .. } in placed {
                // Places are counted over the whole answer; a block's begin where it does.
                let before = state.text_before;
                citation.span = citation.span.and_then(|(from, to)| {
                    Some((from.checked_sub(before)?, to.checked_sub(before)?))
                });
                out.push(Event::Delta { block, delta: Delta::Citation(citation) });
            }
        }
        if let Some(word) = told.finish_reason {
            state.finish = Some(word);
        }
        Ok(())
    }
}

impl State {
    fn part(
        &mut self,
        content: Content,
        signature: Option<Signature>,
        blocks: &mut usize,
        out: &mut Vec<Event>,
    ) {
        let (thought, text) = match content {
            Content::Text { text, .. } => (false, text),
            Content::Thinking(text) => (true, text),
            // A signature without text signs the thoughts that are open.
            Content::HiddenThinking if self.open.as_ref().is_some_and(|open| open.thought) => {
                (true, String::new())
            }
            content => return self.whole(content, signature, blocks, out),
        };
        if text.is_empty() && signature.is_none() {
            return;
        }
        let block = self.text(thought, blocks, out);
        if !text.is_empty() {
            if let Some(open) = &mut self.open {
                open.bytes += text.len();
            }
            out.push(Event::Delta { block, delta: Delta::Text(text) });
        }
        if let Some(signature) = signature {
            out.push(Event::Delta { block, delta: Delta::Signature(signature) });
            self.close(out);
        }
    }

    /// The open block of texts, or of thoughts; opens one if there is none.
    fn text(&mut self, thought: bool, blocks: &mut usize, out: &mut Vec<Event>) -> usize {
        if let Some(open) = self.open.as_ref().filter(|open| open.thought == thought) {
            return open.block;
        }
        self.close(out);
        let block = *blocks;
        *blocks += 1;
        let what = if thought { Block::Thinking } else { Block::Text };
        out.push(Event::Open { block, candidate: self.index, what });
        self.open = Some(Open { block, thought, bytes: 0 });
        block
    }

    /// What comes in one piece.
    fn whole(
        &mut self,
        content: Content,
        signature: Option<Signature>,
        blocks: &mut usize,
        out: &mut Vec<Event>,
    ) {
        self.close(out);
        let block = *blocks;
        *blocks += 1;
        let (what, input) = match content {
            Content::ToolCall(call) => {
                self.calls = true;
                (
                    Block::ToolCall { id: call.id, name: call.name, kind: call.kind },
                    Some(call.input),
                )
            }
            content => (Block::Whole(Part::new(content)), None),
        };
        out.push(Event::Open { block, candidate: self.index, what });
        // Ahead of the input: some callers are told of it before the call.
        if let Some(signature) = signature {
            out.push(Event::Delta { block, delta: Delta::Signature(signature) });
        }
        if let Some(input) = input {
            out.push(Event::Delta { block, delta: Delta::Input(input) });
        }
        out.push(Event::Close { block });
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if let Some(open) = self.open.take() {
            if !open.thought {
                self.text_before += open.bytes;
            }
            out.push(Event::Close { block: open.block });
        }
    }
}

fn error_of(raw: &RawValue) -> Event {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Status {
        message: String,
        status: String,
    }
    let Status { message, status } = serde_json::from_str(raw.get()).unwrap_or_default();
    Event::Error { kind: status, message }
}
