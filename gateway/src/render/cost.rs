//! What a call cost, told to a caller that asked for it with `x-tollgate-include-cost: 1`: in
//! headers of a whole answer, in a stream before its end mark.

use crate::admit::Shape;
use contract::money::{Nanos, Usd};
use contract::usage::Tokens;
use dialect::{Wire, eventstream};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt::Write as _;

const COST: HeaderName = HeaderName::from_static("x-tollgate-cost-usd");
const TOKENS: HeaderName = HeaderName::from_static("x-tollgate-tokens");

/// Puts cost and tokens by class on a whole answer.
pub fn tell(headers: &mut HeaderMap, cost: Nanos, tokens: &Tokens) {
    let mut text = String::new();
    for (class, count) in classes(tokens) {
        let before = if text.is_empty() { "" } else { ", " };
        // A string takes whatever is written.
        let _ = write!(text, "{before}{class}={count}");
    }
    let cost = Usd(cost).to_string();
    for (name, text) in [(COST, cost), (TOKENS, text)] {
        // Digits, names and signs fit into a header.
        headers.extend(HeaderValue::from_str(&text).ok().map(|value| (name, value)));
    }
}

/// The same for a stream, in its framing. Readers of server-sent events skip it, for there it is a
/// comment: `: tollgate {"cost_usd":"0.0001","tokens":{"input":9,"output":3}}`. Where there are none
/// it is an event, a line or an element with the one member `tollgate`.
#[must_use]
pub fn event(shape: Shape, cost: Nanos, tokens: &Tokens) -> Vec<u8> {
    let told = json(cost, tokens);
    match shape {
        Shape::Of(Wire::Converse) => eventstream::write_event("tollgate", told.as_bytes()),
        Shape::Of(Wire::Ollama) => format!("{{\"tollgate\":{told}}}\n").into_bytes(),
        Shape::GeminiList => format!("data: {{\"tollgate\":{told}}}\n\n").into_bytes(),
        Shape::Of(_) | Shape::Inference => format!(": tollgate {told}\n\n").into_bytes(),
    }
}

fn json(cost: Nanos, tokens: &Tokens) -> String {
    let mut text = format!("{{\"cost_usd\":\"{}\",\"tokens\":{{", Usd(cost));
    for (nth, (class, count)) in classes(tokens).enumerate() {
        let before = if nth == 0 { "" } else { "," };
        let _ = write!(text, "{before}\"{class}\":{count}");
    }
    text.push_str("}}");
    text
}

/// Input and output, and each other class that there is any of.
fn classes(tokens: &Tokens) -> impl Iterator<Item = (&'static str, u64)> {
    let Tokens {
        input,
        cached_input,
        cache_write,
        cache_write_1h,
        audio_input,
        image_input,
        output,
        reasoning,
        audio_output,
        image_output,
    } = *tokens;
    [
        ("input", input),
        ("cached_input", cached_input),
        ("cache_write", cache_write),
        ("cache_write_1h", cache_write_1h),
        ("audio_input", audio_input),
        ("image_input", image_input),
        ("output", output),
        ("reasoning", reasoning),
        ("audio_output", audio_output),
        ("image_output", image_output),
    ]
    .into_iter()
    .filter(|(class, count)| *count > 0 || matches!(*class, "input" | "output"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_and_tokens_are_told_alike_in_headers_and_in_every_framing() {
        let tokens = Tokens { input: 9, cached_input: 4, ..Tokens::default() };
        let mut headers = HeaderMap::new();
        tell(&mut headers, Nanos(120_000), &tokens);
        assert_eq!(headers[TOKENS], "input=9, cached_input=4, output=0");
        assert_eq!(headers[COST], "0.00012");
        let told = r#"{"cost_usd":"0.00012","tokens":{"input":9,"cached_input":4,"output":0}}"#;
        let event = |shape| event(shape, Nanos(120_000), &tokens);
        for wire in [Wire::Chat, Wire::Responses, Wire::Messages, Wire::Gemini, Wire::Cohere] {
            assert_eq!(event(Shape::Of(wire)), format!(": tollgate {told}\n\n").as_bytes());
        }
        let line = format!("{{\"tollgate\":{told}}}\n");
        assert_eq!(event(Shape::Of(Wire::Ollama)), line.as_bytes());
        let element = format!("data: {{\"tollgate\":{told}}}\n\n");
        assert_eq!(event(Shape::GeminiList), element.as_bytes());
        let frame = event(Shape::Of(Wire::Converse));
        assert_eq!(frame, eventstream::write_event("tollgate", told.as_bytes()));
    }
}
