//! Bodies that pass: the scanner agrees with a parser, and a body that is sent on differs from what
//! came in the model's name alone.

use crate::Knobs;
use bytes::Bytes;
use contract::usage::Operation;
use dialect::convert::Address;
use dialect::messages::Host;
use dialect::openai::{self, Ask, StreamOptions};
use dialect::{Ways, Wire, json, stored};
use serde_json::Value;

/// Levels that the parser reads; the scanner reads more.
const PARSED_DEPTH: usize = 127;

pub fn scan(text: &[u8]) {
    let mut members = 0_usize;
    let walked = json::walk_object(text, |member| {
        members += 1;
        let _ = (member.name(text), json::whole_number(member.raw(text)));
    });
    let parsed: Result<Value, _> = serde_json::from_slice(text);
    if let Ok(Value::Object(object)) = &parsed {
        assert!(walked.is_ok(), "JSON that is refused: {walked:?}");
        assert!(members >= object.len(), "members that are not shown");
    }
    // A parser of values refuses halves of surrogate pairs and deep nesting too; one that looks
    // at the form alone must not.
    if walked.is_ok() && std::str::from_utf8(text).is_ok() && depth(text) < PARSED_DEPTH {
        let form: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(text);
        assert!(form.is_ok(), "what is no JSON is taken: {form:?}");
    }
    for wire in Wire::ALL {
        let refused = stored::refuse(wire, text);
        assert!(walked.is_ok() || refused.is_err() || !looks(wire), "{wire} takes what is no JSON");
    }
}

/// Whether a dialect's bodies are looked into at all.
fn looks(wire: Wire) -> bool {
    stored::refuse(wire, b"").is_err()
}

fn depth(text: &[u8]) -> usize {
    text.iter().filter(|byte| matches!(byte, b'{' | b'[')).count()
}

pub fn ask(knobs: Knobs, text: &[u8]) {
    let body = Bytes::copy_from_slice(text);
    for wire in Wire::ALL.into_iter().filter(|wire| wire.inbound().is_some()) {
        for at in [Address::default(), Address { model: Some("m"), stream: Some(true) }] {
            let Ok(ask) = openai::read_call(text, wire, &at) else { continue };
            passed(wire, &body, &ask, knobs);
        }
    }
    for operation in [Operation::Chat, Operation::Embeddings] {
        if let Ok(ask) = openai::read_request(text, operation) {
            passed(Wire::Chat, &body, &ask, knobs);
        }
    }
}

fn passed(wire: Wire, body: &Bytes, ask: &Ask, knobs: Knobs) {
    let chats = openai::PROVIDERS.get(knobs.pick(openai::PROVIDERS.len()));
    for host in [Host::Direct, Host::Vertex, Host::Bedrock] {
        let quirks = chats.map(|(_, chat)| chat.quirks).unwrap_or_default();
        let sent = Ways { quirks, host }.pass_request(wire, body, ask, "an\"other");
        super::must_be_json(wire.as_str(), &sent);
        let same_host = wire != Wire::Messages || host == Host::Direct;
        if same_host && (!ask.stream || ask.stream_options == StreamOptions::Asked) {
            only_the_model_differs(body, &sent, ask);
        }
    }
}

/// Byte for byte.
fn only_the_model_differs(body: &[u8], sent: &[u8], ask: &Ask) {
    let before = body.get(..ask.model_at.start).unwrap_or_default();
    let after = body.get(ask.model_at.end..).unwrap_or_default();
    assert!(sent.starts_with(before) && sent.ends_with(after), "{}", sent.escape_ascii());
    let added = if ask.model_at.is_empty() { 0 } else { r#""an\"other""#.len() };
    assert_eq!(sent.len(), before.len() + after.len() + added);
}
