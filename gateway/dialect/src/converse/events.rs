//! What a message of a stream holds: an event of Converse by its name, or an error. The answer
//! that InvokeModel streams is wrapped once more; it is unwrapped here, so that what passes can be
//! metered.

use crate::eventstream::{self, Kind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Debug, PartialEq)]
pub(super) enum Told<'a> {
    /// An event's name and its JSON.
    Event(Cow<'a, str>, Cow<'a, [u8]>),
    /// A piece that InvokeModel streams, in the model's own shape.
    Piece(Vec<u8>),
    /// The service breaks the stream off.
    Error { kind: Cow<'a, str>, message: String },
    /// Not readable.
    Malformed,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    bytes: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(rename = "originalMessage")]
    original: Option<String>,
}

/// Reads a whole message, as [`eventstream::Events`] shows it.
pub(super) fn read(message: &[u8]) -> Told<'_> {
    let Some(message) = eventstream::read(message) else { return Told::Malformed };
    match message.kind {
        Kind::Event if message.name == "chunk" => unwrap(message.payload),
        Kind::Event => Told::Event(message.name.into(), message.payload.into()),
        Kind::Exception | Kind::Error => {
            let failure: Option<Failure> = serde_json::from_slice(message.payload).ok();
            let said = failure.and_then(|f| f.message.or(f.original)).unwrap_or_default();
            let message_text = if said.is_empty() { message.text.to_owned() } else { said };
            Told::Error { kind: message.name.into(), message: message_text }
        }
    }
}

/// Amazon's own models stream events of Converse here, each as an object's only member besides
/// the metrics of the invocation; others their own.
fn unwrap(payload: &[u8]) -> Told<'static> {
    let decoded = serde_json::from_slice::<Chunk<'_>>(payload)
        .ok()
        .and_then(|chunk| STANDARD.decode(chunk.bytes.as_bytes()).ok());
    let Some(piece) = decoded else { return Told::Malformed };
    let event = serde_json::from_slice::<BTreeMap<Cow<'_, str>, &RawValue>>(&piece).ok().and_then(
        |members| {
            let (name, value) = members.into_iter().find(|(name, _)| is_event(name))?;
            Some((name.into_owned(), value.get().as_bytes().to_vec()))
        },
    );
    match event {
        Some((name, value)) => Told::Event(name.into(), value.into()),
        None => Told::Piece(piece),
    }
}

fn is_event(name: &str) -> bool {
    matches!(
        name,
        "messageStart"
            | "contentBlockStart"
            | "contentBlockDelta"
            | "contentBlockStop"
            | "messageStop"
            | "metadata"
    )
}
