//! Requests of a dialect: read, and told to whoever can be asked.

use super::{PROVIDER, must_be_json, speakers};
use crate::Knobs;
use dialect::Wire;
use dialect::convert::{Address, Inbound};
use dialect::loss::Losses;
use dialect::neutral::Request;

pub fn run(wire: Wire, knobs: Knobs, text: &[u8]) {
    let Some(caller) = wire.inbound() else { return };
    let addressed = Address { model: Some("m"), stream: Some(knobs.0 & 1 == 1) };
    let at = if wire == Wire::Gemini { addressed } else { Address::default() };
    match caller.read_request(text, &at) {
        Ok(request) => told(&request, knobs),
        Err(invalid) => {
            assert!(!invalid.detail.is_empty(), "a refusal says why");
        }
    }
}

fn told(request: &Request, knobs: Knobs) {
    for (to, provider) in speakers(knobs) {
        let mut losses = Losses::new(to);
        match provider.write_request(request, &PROVIDER, &mut losses) {
            Ok(body) => {
                must_be_json(to.as_str(), &body);
                if let Some(reader) = to.inbound() {
                    read_again(to, reader, &body);
                }
            }
            Err(invalid) => assert!(invalid.param.is_some(), "{to} names no field: {invalid}"),
        }
        assert!(losses.header().is_ascii(), "a header is ASCII");
        let _ = provider.path(PROVIDER.model, request.stream);
    }
}

/// Whoever speaks a dialect understands it: what is written can be read. Other hosts leave the
/// model to the address.
fn read_again(to: Wire, reader: &dyn Inbound, body: &[u8]) {
    let at = Address { model: Some("m"), stream: None };
    let model = serde_json::from_slice::<serde_json::Value>(body);
    // Nested deeper than a parser goes.
    let Ok(model) = model else { return };
    if to != Wire::Gemini && model.get("model").is_none() {
        return;
    }
    let again = reader.read_request(body, &at);
    assert!(again.is_ok(), "{to} wrote what it cannot read: {again:?}: {}", body.escape_ascii());
}
