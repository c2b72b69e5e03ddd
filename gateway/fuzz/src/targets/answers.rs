//! Answers of a dialect: read, and told to every caller, whose own reader understands them.

use super::{callers, must_be_json};
use crate::Knobs;
use dialect::convert::Caller;
use dialect::neutral::{Format, Request, Schema, Tool, ToolKind};
use dialect::{Wire, native};

/// What may have been asked: nothing special, output by a schema, a tool that takes any text.
pub fn asked(knobs: Knobs) -> Request {
    let model = "m".to_owned();
    match knobs.pick(4) {
        0 => Request {
            model,
            format: Format::Schema(Schema {
                name: "weather".to_owned(),
                description: None,
                schema: serde_json::json!({"type": "object"}),
                strict: None,
            }),
            ..Request::default()
        },
        1 => Request {
            model,
            tools: vec![Tool {
                name: "get_weather".to_owned(),
                description: None,
                kind: ToolKind::Custom { format: None },
                cache: None,
            }],
            ..Request::default()
        },
        _ => Request { model, ..Request::default() },
    }
}

pub fn caller(asked: &Request, knobs: Knobs) -> Caller<'_> {
    Caller { asked, id: "req_1", now: 1_760_000_000, stream_usage: knobs.0 & 8 == 8 }
}

pub fn run(wire: Wire, knobs: Knobs, text: &[u8]) {
    if let Some(pass) = wire.pass()
        && let Ok(reported) = pass.read_usage(text)
    {
        let _ = reported.tokens.map(|tokens| tokens.total());
    }
    let _ = native::read_usage(text).tokens.map(|tokens| tokens.total());
    let Some(provider) = wire.outbound() else { return };
    let Ok(answer) = provider.read_answer(text) else { return };
    if let Some(tokens) = answer.tokens {
        let _ = tokens.total();
    }
    let asked = asked(knobs);
    for (to, writer) in callers(knobs) {
        let Some(reader) = to.outbound() else { continue };
        let body = writer.write_answer(&answer, &caller(&asked, knobs));
        must_be_json(to.as_str(), &body);
        if serde_json::from_slice::<serde_json::Value>(&body).is_ok() {
            let again = reader.read_answer(&body);
            let what = body.escape_ascii();
            assert!(again.is_ok(), "{to} wrote what it cannot read: {again:?}: {what}");
        }
    }
}
