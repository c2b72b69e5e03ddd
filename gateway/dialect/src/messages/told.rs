//! What an event of a stream tells, as it is on the wire, and Bedrock's envelope around it.

use crate::convert::Malformed;
use crate::eventstream;
use crate::neutral::Event;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// An event.
#[derive(Deserialize)]
pub(super) struct Told<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default)]
    pub(super) index: u64,
    #[serde(borrow)]
    pub(super) delta: Option<Change<'a>>,
    #[serde(borrow)]
    pub(super) content_block: Option<&'a RawValue>,
    pub(super) message: Option<Start>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    pub(super) error: Option<Fault>,
}

/// The delta of a block or of the message.
#[derive(Deserialize)]
pub(super) struct Change<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) text: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) partial_json: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) thinking: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) signature: Cow<'a, str>,
    pub(super) citation: Option<Value>,
    pub(super) stop_reason: Option<String>,
    pub(super) stop_sequence: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Start {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) model: String,
    pub(super) usage: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
pub(super) struct Fault {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) message: String,
}

/// How a block begins.
#[derive(Deserialize)]
pub(super) struct Opening<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) text: String,
    pub(super) citations: Option<Vec<Value>>,
    #[serde(default)]
    pub(super) thinking: String,
    #[serde(default)]
    pub(super) signature: String,
    #[serde(default)]
    pub(super) data: String,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
}

/// The event in a message of Bedrock's, or the exception that it is.
pub(super) fn unwrapped(message: &[u8]) -> Result<Result<Vec<u8>, Event>, Malformed> {
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
