//! Reads streams. The service opens only blocks of tools by an event of their own; texts and
//! reasoning begin with their first piece.

use super::events::{self, Told};
use super::{JSON_TOOL, answer, usage};
use crate::convert::{Malformed, ReadStream};
use crate::neutral::{Block, CallKind, Delta, Event};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

#[derive(Debug, Default)]
pub(super) struct Reader {
    open: Option<Open>,
    /// Blocks told so far.
    blocks: usize,
    started: bool,
    /// A tool of the caller's was called.
    calls: bool,
    stopped: bool,
    ended: bool,
}

#[derive(Debug)]
struct Open {
    /// The service's number of it.
    index: u64,
    /// Ours.
    block: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    Text,
    Thinking {
        signature: String,
    },
    Call,
    /// Our own tool: its input is the text that the caller asked for.
    Json,
    /// Told whole, at its end.
    Hidden(Vec<String>),
    Image {
        format: String,
        bytes: String,
    },
    Native {
        value: Value,
        input: String,
        content: Vec<Value>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    #[serde(default)]
    content_block_index: u64,
    start: Start,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    tool_use: Option<ToolStart>,
    image: Option<ImageStart>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolStart {
    tool_use_id: String,
    name: String,
    r#type: Option<String>,
}

#[derive(Deserialize)]
struct ImageStart {
    #[serde(default)]
    format: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece {
    #[serde(default)]
    content_block_index: u64,
    delta: Pieces,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pieces {
    text: Option<String>,
    tool_use: Option<Input>,
    reasoning_content: Option<Reasoning>,
    citation: Option<Value>,
    image: Option<ImagePiece>,
    tool_result: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    input: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning {
    text: Option<String>,
    signature: Option<String>,
    redacted_content: Option<String>,
}

#[derive(Deserialize)]
struct ImagePiece {
    source: Option<ImageSource>,
}

#[derive(Deserialize)]
struct ImageSource {
    bytes: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stopped {
    #[serde(default)]
    stop_reason: String,
    additional_model_response_fields: Option<Value>,
}

impl ReadStream for Reader {
    fn read(&mut self, event: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        if self.ended {
            return Ok(());
        }
        let (name, payload) = match events::read(event) {
            Told::Event(name, payload) => (name, payload),
            Told::Error { kind, message } => {
                self.ended = true;
                out.push(Event::Error { kind: kind.into_owned(), message });
                return Ok(());
            }
            // Another dialect's, or a newer one's.
            Told::Piece(_) => return Ok(()),
            Told::Malformed => return Err(Malformed("a message that cannot be read".into())),
        };
        match name.as_ref() {
            // After the stop, no more is said.
            "contentBlockDelta" | "contentBlockStart" if self.stopped => {}
            "contentBlockDelta" => self.piece(parse(&payload)?, out),
            "contentBlockStart" => self.start_block(parse(&payload)?, out),
            "contentBlockStop" => self.close_block(out),
            "messageStart" => self.start(out),
            "messageStop" => self.stop(&parse(&payload)?, out),
            "metadata" => {
                self.start(out);
                out.extend(usage::of_answer(&payload)?.map(Event::Tokens));
                self.close(out);
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if self.stopped && !self.ended {
            self.ended = true;
            out.push(Event::End);
        }
    }
}

fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Malformed> {
    Ok(serde_json::from_slice(payload)?)
}

impl Reader {
    fn start(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            out.push(Event::Start { id: String::new(), model: String::new(), created: None });
        }
    }

    fn start_block(&mut self, told: Started, out: &mut Vec<Event>) {
        let index = told.content_block_index;
        match told.start {
            Start { tool_use: Some(ToolStart { tool_use_id: id, name, r#type: None }), .. } => {
                if name == JSON_TOOL {
                    self.open(index, What::Json, Some(Block::Text), out);
                } else {
                    self.calls = true;
                    let block = Block::ToolCall { id, name, kind: CallKind::Function };
                    self.open(index, What::Call, Some(block), out);
                }
            }
            Start { tool_use: Some(ToolStart { tool_use_id, name, r#type }), .. } => {
                let value = json!({ "toolUse": {
                    "toolUseId": tool_use_id, "name": name, "type": r#type } });
                self.open_native(index, value, out);
            }
            Start { image: Some(ImageStart { format }), .. } => {
                let what = What::Image { format, bytes: String::new() };
                self.open(index, what, None, out);
            }
            Start { other, .. } => self.open_native(index, Value::Object(other), out),
        }
    }

    fn open_native(&mut self, index: u64, value: Value, out: &mut Vec<Event>) {
        let what = What::Native { value, input: String::new(), content: Vec::new() };
        self.open(index, what, None, out);
    }

    /// Opens a block, after closing the one before. One that is told whole is told at its end.
    fn open(&mut self, index: u64, what: What, told: Option<Block>, out: &mut Vec<Event>) {
        self.start(out);
        self.close_block(out);
        let block = self.blocks;
        self.blocks += 1;
        self.open = Some(Open { index, block, what });
        if let Some(what) = told {
            out.push(Event::Open { block, candidate: 0, what });
        }
    }

    fn piece(&mut self, told: Piece, out: &mut Vec<Event>) {
        let (index, delta) = (told.content_block_index, told.delta);
        if let Some(text) = delta.text
            && !text.is_empty()
        {
            let block = self.text_block(index, out);
            out.push(Event::Delta { block, delta: Delta::Text(text) });
        }
        if let Some(value) = delta.citation {
            let block = self.text_block(index, out);
            let delta = Delta::Citation(answer::citation(value, None));
            out.push(Event::Delta { block, delta });
        }
        if let Some(Input { input: piece }) = delta.tool_use
            && !piece.is_empty()
        {
            self.input(piece, out);
        }
        if let Some(told) = delta.reasoning_content {
            self.reasoning(index, told, out);
        }
        match self.open.as_mut().map(|open| &mut open.what) {
            Some(What::Image { bytes, .. }) => {
                let piece = delta.image.and_then(|image| image.source?.bytes);
                bytes.push_str(piece.as_deref().unwrap_or_default());
            }
            Some(What::Native { content, .. }) => {
                content.extend(delta.tool_result.into_iter().flatten())
            }
            _ => {}
        }
    }

    /// The text block with the service's number `index`, opened if it is not.
    fn text_block(&mut self, index: u64, out: &mut Vec<Event>) -> usize {
        match &self.open {
            Some(open) if open.index == index && matches!(open.what, What::Text) => open.block,
            _ => {
                self.open(index, What::Text, Some(Block::Text), out);
                self.blocks - 1
            }
        }
    }

    /// A piece of a tool's input. Without a tool, it belongs to nothing.
    fn input(&mut self, piece: String, out: &mut Vec<Event>) {
        let Some(open) = &mut self.open else { return };
        let delta = match &mut open.what {
            What::Call => Delta::Input(piece),
            What::Json => Delta::Text(piece),
            What::Native { input, .. } => return input.push_str(&piece),
            _ => return,
        };
        out.push(Event::Delta { block: open.block, delta });
    }

    fn reasoning(&mut self, index: u64, told: Reasoning, out: &mut Vec<Event>) {
        let hidden = told.redacted_content.is_some();
        let here = |what: &What| match what {
            What::Thinking { .. } => !hidden,
            What::Hidden(_) => hidden,
            _ => false,
        };
        let open = self.open.as_ref().is_some_and(|open| open.index == index && here(&open.what));
        if !open && hidden {
            self.open(index, What::Hidden(Vec::new()), None, out);
        } else if !open {
            let what = What::Thinking { signature: String::new() };
            self.open(index, what, Some(Block::Thinking), out);
        }
        let Some(open) = &mut self.open else { return };
        match &mut open.what {
            What::Hidden(pieces) => pieces.extend(told.redacted_content),
            What::Thinking { signature } => {
                signature.push_str(told.signature.as_deref().unwrap_or_default());
                if let Some(text) = told.text.filter(|text| !text.is_empty()) {
                    out.push(Event::Delta { block: open.block, delta: Delta::Text(text) });
                }
            }
            _ => {}
        }
    }

    fn close_block(&mut self, out: &mut Vec<Event>) {
        let Some(Open { block, what, .. }) = self.open.take() else { return };
        let whole = match what {
            What::Text | What::Call | What::Json => None,
            What::Thinking { signature } => {
                if !signature.is_empty() {
                    let delta = Delta::Signature(answer::signature(signature));
                    out.push(Event::Delta { block, delta });
                }
                None
            }
            What::Hidden(pieces) => Some(answer::hidden(joined(pieces))),
            What::Image { format, bytes } => Some(answer::image(&format, bytes)),
            What::Native { value, input, content } => {
                Some(answer::native(completed(value, &input, content)))
            }
        };
        if let Some(part) = whole {
            out.push(Event::Open { block, candidate: 0, what: Block::Whole(part) });
        }
        out.push(Event::Close { block });
    }

    fn stop(&mut self, told: &Stopped, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        self.start(out);
        self.close_block(out);
        let sequence = answer::sequence(told.additional_model_response_fields.as_ref());
        let stop = answer::stop(&told.stop_reason, sequence, self.calls);
        out.push(Event::Stop { candidate: 0, stop });
    }
}

/// Base64 of the bytes that came in pieces, each encoded by itself.
fn joined(mut pieces: Vec<String>) -> String {
    if pieces.len() == 1 {
        return pieces.pop().unwrap_or_default();
    }
    let bytes: Vec<u8> =
        pieces.iter().filter_map(|piece| STANDARD.decode(piece).ok()).flatten().collect();
    STANDARD.encode(bytes)
}

/// What a tool of the vendor's was given, or answered, put into its block.
fn completed(mut value: Value, input: &str, content: Vec<Value>) -> Value {
    if let Some(call) = value.get_mut("toolUse").and_then(Value::as_object_mut) {
        let input = serde_json::from_str(input).unwrap_or_else(|_| json!({}));
        call.insert("input".to_owned(), input);
    }
    if let Some(result) = value.get_mut("toolResult").and_then(Value::as_object_mut) {
        result.insert("content".to_owned(), content.into());
    }
    value
}
