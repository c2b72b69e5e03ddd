//! The blocks of a stream that is read. What no other dialect knows is held until it is whole;
//! everything else goes on as it comes.

use super::proof::Carried;
use super::told::{Change, Opening};
use super::{JSON_TOOL, WIRE, blocks, proof};
use crate::convert::Malformed;
use crate::neutral::{Block, CallKind, Content, Delta, Event, Native, Part, Signature};
use serde_json::Value;
use serde_json::value::RawValue;

/// The blocks told so far, of which the last may be open.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Blocks begun.
    count: usize,
    open: Option<Open>,
    /// A signature for the piece that comes next.
    carried: Option<Signature>,
    /// A tool of the caller's was called.
    calls: bool,
    /// The tool that stands for the answer was.
    answered: bool,
}

/// The block that is being told.
#[derive(Debug)]
struct Open {
    /// Its number in the provider's count.
    index: u64,
    /// Its number in ours.
    block: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    /// Thinking of which nothing is told yet: it may only carry another's signature.
    Silent,
    Thinking,
    Call {
        /// Something of the input was told.
        told: bool,
        /// The call is the answer, and its input the answer's text.
        answer: bool,
    },
    Hidden,
    /// Told when it is whole: what it began as, and the text of its input.
    Held {
        value: Value,
        input: String,
    },
}

impl Pieces {
    /// Whether the only call was the answer itself.
    pub(super) const fn only_answered(&self) -> bool {
        self.answered && !self.calls
    }

    pub(super) fn open(
        &mut self,
        index: u64,
        raw: &RawValue,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let opening: Opening<'_> = serde_json::from_str(raw.get())?;
        let (what, kind) = match opening.kind.as_ref() {
            "text" => (Some(Block::Text), Kind::Text),
            "thinking" => (None, Kind::Silent),
            "redacted_thinking" => {
                let mut part = Part::new(Content::HiddenThinking);
                part.signature = Some(Signature::unpacked(&opening.data, WIRE));
                (Some(Block::Whole(part)), Kind::Hidden)
            }
            "tool_use" if opening.name == JSON_TOOL => {
                self.answered = true;
                (Some(Block::Text), Kind::Call { told: false, answer: true })
            }
            "tool_use" => {
                self.calls = true;
                let (id, name) = (opening.id, opening.name);
                let call = Block::ToolCall { id, name, kind: CallKind::Function };
                (Some(call), Kind::Call { told: false, answer: false })
            }
            _ => {
                let value = serde_json::from_str(raw.get())?;
                (None, Kind::Held { value, input: String::new() })
            }
        };
        let block = match what {
            Some(what) => self.begin(what, out),
            None => self.count,
        };
        self.open = Some(Open { index, block, kind });
        // Imitations tell something of a block where it begins.
        if !opening.text.is_empty() {
            self.text("text_delta", opening.text, out)?;
        }
        if !opening.thinking.is_empty() {
            self.text("thinking_delta", opening.thinking, out)?;
        }
        if !opening.signature.is_empty() {
            self.sign(&opening.signature, out);
        }
        for citation in opening.citations.into_iter().flatten() {
            let citation = blocks::citation(citation);
            out.push(Event::Delta { block, delta: Delta::Citation(citation) });
        }
        if let (Some(open), Some(input)) = (self.open.as_mut(), opening.input)
            && !is_empty_object(input.get())
        {
            open.input(input.get(), out);
        }
        Ok(())
    }

    /// Begins a block: its number. A signature that was carried to it goes with it.
    fn begin(&mut self, what: Block, out: &mut Vec<Event>) -> usize {
        let block = self.count;
        self.count += 1;
        let thinks = matches!(what, Block::Thinking);
        out.push(Event::Open { block, candidate: 0, what });
        if let Some(signature) = self.carried.take_if(|_| !thinks) {
            out.push(Event::Delta { block, delta: Delta::Signature(signature) });
        }
        block
    }

    pub(super) fn delta(
        &mut self,
        index: u64,
        delta: Change<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let open = self.open.as_mut().filter(|open| open.index == index);
        let open = open.ok_or(Malformed("a delta of a block that is not open".into()))?;
        match delta.kind.as_ref() {
            "text_delta" => self.text("text_delta", delta.text.into_owned(), out),
            "thinking_delta" => self.text("thinking_delta", delta.thinking.into_owned(), out),
            "input_json_delta" => {
                open.input(&delta.partial_json, out);
                Ok(())
            }
            "signature_delta" => {
                self.sign(&delta.signature, out);
                Ok(())
            }
            "citations_delta" => {
                let citation = delta.citation.ok_or(Malformed("a citation without one".into()))?;
                let delta = Delta::Citation(blocks::citation(citation));
                out.push(Event::Delta { block: open.block, delta });
                Ok(())
            }
            kind => Err(Malformed(format!("a delta of the kind `{kind}`").into())),
        }
    }

    fn text(&mut self, kind: &str, text: String, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let open = match self.open.as_ref().map(|open| &open.kind) {
            Some(Kind::Silent) if kind == "thinking_delta" => {
                if text.is_empty() {
                    return Ok(());
                }
                self.speak(out)
            }
            Some(Kind::Thinking) if kind == "thinking_delta" => self.open.as_ref(),
            Some(Kind::Text) if kind == "text_delta" => self.open.as_ref(),
            _ => None,
        };
        let open = open.ok_or(Malformed(format!("a {kind} in another kind of block").into()))?;
        out.push(Event::Delta { block: open.block, delta: Delta::Text(text) });
        Ok(())
    }

    /// Begins the thinking that is open.
    fn speak(&mut self, out: &mut Vec<Event>) -> Option<&Open> {
        let block = self.begin(Block::Thinking, out);
        let open = self.open.as_mut()?;
        (open.block, open.kind) = (block, Kind::Thinking);
        Some(open)
    }

    /// The signature of the thinking that is open, or one that it carries for another piece.
    fn sign(&mut self, text: &str, out: &mut Vec<Event>) {
        let signature = Signature::unpacked(text, WIRE);
        match self.open.as_ref().map(|open| &open.kind) {
            Some(Kind::Silent) => match proof::carried(&signature) {
                Carried::Nothing => {
                    self.speak(out);
                }
                Carried::Ahead(signature) => {
                    self.carried = Some(signature);
                    return;
                }
                // Its piece is told already.
                Carried::Behind(signature) => {
                    let mut part = Part::new(Content::HiddenThinking);
                    part.signature = Some(signature);
                    let block = self.begin(Block::Whole(part), out);
                    out.push(Event::Close { block });
                    return;
                }
            },
            Some(Kind::Thinking) => {}
            _ => return,
        }
        if let Some(open) = &self.open {
            out.push(Event::Delta { block: open.block, delta: Delta::Signature(signature) });
        }
    }

    pub(super) fn close(&mut self, out: &mut Vec<Event>) {
        let Some(open) = self.open.take() else { return };
        let mut block = open.block;
        match open.kind {
            Kind::Silent => return,
            // An empty object is told as nothing at all.
            Kind::Call { told: false, answer } => {
                let text = "{}".to_owned();
                let delta = if answer { Delta::Text(text) } else { Delta::Input(text) };
                out.push(Event::Delta { block, delta });
            }
            Kind::Held { mut value, input } => {
                if let (Ok(input), Some(value)) =
                    (serde_json::from_str::<Value>(&input), value.as_object_mut())
                {
                    value.insert("input".into(), input);
                }
                let part = Part::new(Content::Native(Native { wire: WIRE, value }));
                block = self.begin(Block::Whole(part), out);
            }
            _ => {}
        }
        out.push(Event::Close { block });
    }
}

impl Open {
    fn input(&mut self, fragment: &str, out: &mut Vec<Event>) {
        match &mut self.kind {
            Kind::Call { told, answer } if !fragment.is_empty() => {
                *told = true;
                let text = fragment.to_owned();
                let delta = if *answer { Delta::Text(text) } else { Delta::Input(text) };
                out.push(Event::Delta { block: self.block, delta });
            }
            Kind::Held { input, .. } => input.push_str(fragment),
            _ => {}
        }
    }
}

fn is_empty_object(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'{' | b'}') || byte.is_ascii_whitespace())
        || text == "null"
}
