//! Reads a stream. Blocks that no other dialect knows are held until they are whole; everything
//! else goes on as it comes.

use super::usage::Usage;
use super::{Host, JSON_TOOL, WIRE, answer, blocks};
use crate::convert::{Malformed, ReadStream};
use crate::neutral::{Block, CallKind, Content, Delta, Event, Native, Part, Signature, Stop};
use crate::{eventstream, sse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Debug)]
pub(super) struct Reader {
    host: Host,
    /// Blocks begun so far.
    blocks: usize,
    open: Option<Open>,
    usage: Usage,
    /// A tool of the caller's was called, and not only the one that stands for the answer.
    calls: bool,
    stopped: bool,
    ended: bool,
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

#[derive(Deserialize)]
struct Told<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    delta: Option<Change<'a>>,
    #[serde(borrow)]
    content_block: Option<&'a RawValue>,
    message: Option<Start>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    error: Option<Fault>,
}

/// The delta of a block or of the message.
#[derive(Deserialize)]
struct Change<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    #[serde(borrow, default)]
    partial_json: Cow<'a, str>,
    #[serde(borrow, default)]
    thinking: Cow<'a, str>,
    #[serde(borrow, default)]
    signature: Cow<'a, str>,
    citation: Option<Value>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    id: String,
    #[serde(default)]
    model: String,
    usage: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    message: String,
}

/// How a block begins.
#[derive(Deserialize)]
struct Opening<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    text: String,
    citations: Option<Vec<Value>>,
    #[serde(default)]
    thinking: String,
    #[serde(default)]
    signature: String,
    #[serde(default)]
    data: String,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

impl Reader {
    pub(super) const fn new(host: Host) -> Self {
        Self {
            host,
            blocks: 0,
            open: None,
            usage: Usage {
                input: None,
                cache_read: None,
                cache_write: None,
                output: None,
                thinking: None,
            },
            calls: false,
            stopped: false,
            ended: false,
        }
    }

    fn told(&mut self, data: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let told: Told<'_> = serde_json::from_slice(data)?;
        match told.kind.as_ref() {
            "content_block_delta" => {
                let delta = told.delta.ok_or(Malformed("a delta without one".into()))?;
                self.delta(told.index, delta, out)?;
            }
            "content_block_start" => {
                let block = told.content_block.ok_or(Malformed("a block without one".into()))?;
                self.close_block(out);
                self.open(told.index, block, out)?;
            }
            "content_block_stop" => self.close_block(out),
            "ping" => out.push(Event::Ping),
            "message_start" => {
                let start = told.message.ok_or(Malformed("a start without a message".into()))?;
                out.push(Event::Start { id: start.id, model: start.model, created: None });
                self.used(start.usage.as_deref(), out);
            }
            "message_delta" => {
                self.close_block(out);
                if let Some(delta) = told.delta {
                    self.stop(delta, out);
                }
                self.used(told.usage, out);
            }
            "message_stop" => {
                self.close_block(out);
                self.end(out);
            }
            "error" => {
                let fault = told.error.ok_or(Malformed("an error without one".into()))?;
                out.push(Event::Error { kind: fault.kind, message: fault.message });
            }
            _ => return Err(Malformed(format!("an event of the kind `{}`", told.kind).into())),
        }
        Ok(())
    }

    fn used(&mut self, usage: Option<&RawValue>, out: &mut Vec<Event>) {
        let Some(usage) = usage else { return };
        self.usage = self.usage.and(Usage::read(usage.get().as_bytes()));
        out.extend(self.usage.tokens().map(Event::Tokens));
    }

    fn stop(&mut self, delta: Change<'_>, out: &mut Vec<Event>) {
        let Some(word) = delta.stop_reason else { return };
        let stop = match answer::stop(&word, delta.stop_sequence) {
            // The only call was the answer.
            Stop::ToolUse if !self.calls && self.blocks > 0 => Stop::End,
            stop => stop,
        };
        if !self.stopped {
            self.stopped = true;
            out.push(Event::Stop { candidate: 0, stop });
        }
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        if !self.ended {
            self.ended = true;
            out.push(Event::End);
        }
    }

    fn open(&mut self, index: u64, raw: &RawValue, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let opening: Opening<'_> = serde_json::from_str(raw.get())?;
        let block = self.blocks;
        let (what, kind) = match opening.kind.as_ref() {
            "text" => (Some(Block::Text), Kind::Text),
            "thinking" => (Some(Block::Thinking), Kind::Thinking),
            "redacted_thinking" => {
                let mut part = Part::new(Content::HiddenThinking);
                part.signature = Some(Signature::unpacked(&opening.data, WIRE));
                (Some(Block::Whole(part)), Kind::Hidden)
            }
            "tool_use" if opening.name == JSON_TOOL => {
                (Some(Block::Text), Kind::Call { told: false, answer: true })
            }
            "tool_use" => {
                self.calls = true;
                let call = Block::ToolCall {
                    id: opening.id,
                    name: opening.name,
                    kind: CallKind::Function,
                };
                (Some(call), Kind::Call { told: false, answer: false })
            }
            _ => {
                let value = serde_json::from_str(raw.get())?;
                (None, Kind::Held { value, input: String::new() })
            }
        };
        self.blocks += 1;
        out.extend(what.map(|what| Event::Open { block, candidate: 0, what }));
        let mut open = Open { index, block, kind };
        // Imitations tell a block where it begins.
        let text = opening.text + &opening.thinking;
        if !text.is_empty() && matches!(open.kind, Kind::Text | Kind::Thinking) {
            out.push(Event::Delta { block, delta: Delta::Text(text) });
        }
        for citation in opening.citations.into_iter().flatten() {
            out.push(Event::Delta { block, delta: Delta::Citation(blocks::citation(citation)) });
        }
        if matches!(open.kind, Kind::Thinking) && !opening.signature.is_empty() {
            let signature = Signature::unpacked(&opening.signature, WIRE);
            out.push(Event::Delta { block, delta: Delta::Signature(signature) });
        }
        if let (Kind::Call { .. }, Some(input)) = (&open.kind, opening.input)
            && !is_empty_object(input.get())
        {
            open.input(input.get(), out);
        }
        self.open = Some(open);
        Ok(())
    }

    fn delta(
        &mut self,
        index: u64,
        delta: Change<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let open = self.open.as_mut().filter(|open| open.index == index);
        let open = open.ok_or(Malformed("a delta of a block that is not open".into()))?;
        let block = open.block;
        let delta = match delta.kind.as_ref() {
            "text_delta" if matches!(open.kind, Kind::Text) => Delta::Text(delta.text.into_owned()),
            "thinking_delta" if matches!(open.kind, Kind::Thinking) => {
                Delta::Text(delta.thinking.into_owned())
            }
            "input_json_delta" => {
                open.input(&delta.partial_json, out);
                return Ok(());
            }
            "signature_delta" if matches!(open.kind, Kind::Thinking) => {
                Delta::Signature(Signature::unpacked(&delta.signature, WIRE))
            }
            "citations_delta" => match delta.citation {
                Some(citation) => Delta::Citation(blocks::citation(citation)),
                None => return Err(Malformed("a citation without one".into())),
            },
            kind => {
                return Err(Malformed(format!("a delta of the kind `{kind}`").into()));
            }
        };
        out.push(Event::Delta { block, delta });
        Ok(())
    }

    fn close_block(&mut self, out: &mut Vec<Event>) {
        let Some(open) = self.open.take() else { return };
        let block = open.block;
        match open.kind {
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
                out.push(Event::Open { block, candidate: 0, what: Block::Whole(part) });
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

impl ReadStream for Reader {
    fn read(&mut self, event: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        if self.ended {
            return Ok(());
        }
        if self.host == Host::Bedrock {
            return match unwrapped(event)? {
                Ok(data) => self.told(&data, out),
                Err(error) => {
                    out.push(error);
                    Ok(())
                }
            };
        }
        let Some(data) = sse::data(event) else { return Ok(()) };
        if data.trim_ascii() == b"[DONE]" {
            self.close(out);
            return Ok(());
        }
        self.told(&data, out)
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if self.stopped {
            self.end(out);
        }
    }
}

/// The event in a message of Bedrock's, or the exception that it is.
fn unwrapped(message: &[u8]) -> Result<Result<Vec<u8>, Event>, Malformed> {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        bytes: Cow<'a, str>,
    }
    let message =
        eventstream::read(message).ok_or(Malformed("a message without headers".into()))?;
    if message.kind == eventstream::Kind::Event {
        let chunk: Chunk<'_> = serde_json::from_slice(message.payload)?;
        let data = STANDARD.decode(chunk.bytes.as_bytes());
        return data.map(Ok).map_err(|error| Malformed(error.to_string().into()));
    }
    let told: Value = serde_json::from_slice(message.payload).unwrap_or_default();
    let text = told.get("message").and_then(Value::as_str).unwrap_or(message.text);
    Ok(Err(Event::Error { kind: message.name.to_owned(), message: text.to_owned() }))
}
