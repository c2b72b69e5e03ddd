//! Bodies and streams that somebody got wrong, or made wrong: a sentence for each.

use crate::{PROVIDER, address, callers, providers};
use bytes::Bytes;
use contract::error::ErrorCode;
use dialect::convert::Framing;
use dialect::json::walk_object;
use dialect::loss::Losses;
use dialect::neutral::Event;
use dialect::openai::read_call;
use dialect::sse::{Events, Verdict};
use dialect::{Invalid, Ways, Wire};
use serde_json::json;
use std::collections::VecDeque;
use std::path::Path;

/// A question in a dialect of callers.
fn question(wire: Wire, said: &str) -> String {
    match wire {
        Wire::Responses => {
            format!(r#"{{"model":"m","input":[{{"role":"user","content":{said}}}]}}"#)
        }
        Wire::Gemini => {
            format!(r#"{{"contents":[{{"role":"user","parts":[{{"text":{said}}}]}}]}}"#)
        }
        _ => format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":{said}}}]}}"#
        ),
    }
}

fn with(wire: Wire, name: &str, value: &str) -> String {
    question(wire, r#""Hi""#).replacen('{', &format!(r#"{{"{name}":{value},"#), 1)
}

fn no_json(refused: &Invalid) -> bool {
    refused.code == ErrorCode::RequestNotJson && refused.detail.chars().any(|c| c.is_ascii_digit())
}

#[test]
fn a_question_is_read_in_every_dialect() {
    for (wire, caller) in callers() {
        let body = question(wire, r#""Hi""#);
        assert!(caller.read_request(body.as_bytes(), &address(wire)).is_ok(), "{wire}");
    }
}

#[test]
fn text_that_is_no_unicode_is_no_json() {
    for (wire, caller) in callers() {
        for said in
            [b"\"\xff\"".as_slice(), b"\"\xed\xa0\x80\"", br#""\ud800""#, br#""\udc00\ud800""#]
        {
            let (head, tail) = question(wire, "|")
                .split_once('|')
                .map(|(h, t)| (h.to_owned(), t.to_owned()))
                .unwrap();
            let body = [head.as_bytes(), said, tail.as_bytes()].concat();
            let refused = caller.read_request(&body, &address(wire)).unwrap_err();
            assert!(no_json(&refused), "{wire}: {refused:?}");
        }
    }
}

#[test]
fn a_number_beyond_all_bounds_is_refused_by_name() {
    for (wire, caller) in callers() {
        let (field, body): (&str, fn(&str) -> String) = match wire {
            Wire::Gemini => ("generationConfig", |n| format!(r#"{{"maxOutputTokens":{n}}}"#)),
            Wire::Responses => ("max_output_tokens", str::to_owned),
            _ => ("max_completion_tokens", str::to_owned),
        };
        let field =
            if matches!(wire, Wire::Messages | Wire::Cohere) { "max_tokens" } else { field };
        for number in ["1e30", "-1", "1e999", "99999999999999999999999", "1.5"] {
            let mut text = with(wire, field, &body(number));
            if field == "max_tokens" {
                text = text.replacen(r#""max_tokens":9,"#, "", 1);
            }
            let refused = caller.read_request(text.as_bytes(), &address(wire)).unwrap_err();
            let named = refused.param.as_deref().is_some_and(|param| param.starts_with(field));
            // What no number type holds is refused by the parser, by its place.
            assert!(named || no_json(&refused), "{wire}, {number}: {refused:?}");
        }
    }
}

#[test]
fn a_field_given_twice_is_read_once_and_a_model_given_twice_is_refused_where_it_passes() {
    for (wire, caller) in callers().filter(|(wire, _)| *wire != Wire::Gemini) {
        let twice = with(wire, "model", r#""other""#);
        assert!(caller.read_request(twice.as_bytes(), &address(wire)).is_ok(), "{wire}");
        let refused = read_call(twice.as_bytes(), wire, &address(wire)).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("model"), "{wire}");
    }
}

#[test]
fn a_schema_that_refers_to_itself_reaches_every_provider_or_is_refused_by_name() {
    let schema = json!({
        "type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "self": {"$ref": "#"}},
        "$defs": {"node": {"$ref": "#/$defs/other"}, "other": {"$ref": "#/$defs/node"}},
    });
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": schema}});
    let body = with(Wire::Chat, "tools", &json!([tool]).to_string());
    let chat = Wire::Chat.inbound().unwrap();
    let request = chat.read_request(body.as_bytes(), &address(Wire::Chat)).unwrap();
    for (to, provider) in providers() {
        match provider.write_request(&request, &PROVIDER, &mut Losses::new(to)) {
            Ok(body) => assert!(walk_object(&body, |_| ()).is_ok(), "{to}"),
            Err(refused) => assert!(refused.param.is_some(), "{to}: {refused}"),
        }
    }
}

/// An image's bytes, in each dialect of callers that has images, and where they are.
fn image(wire: Wire, data: &str) -> (String, &'static str) {
    let url = format!("data:image/png;base64,{data}");
    let (part, at) = match wire {
        Wire::Chat | Wire::Cohere => (
            json!([{"type": "image_url", "image_url": {"url": url}}]),
            "messages[0].content[0].image_url.url",
        ),
        Wire::Responses => {
            (json!([{"type": "input_image", "image_url": url}]), "input[0].content[0].image_url")
        }
        Wire::Messages => (
            json!([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}]),
            "messages[0].content[0].source.data",
        ),
        _ => {
            let part = json!({"inlineData": {"mimeType": "image/png", "data": data}});
            let body = json!({"contents": [{"role": "user", "parts": [part]}]});
            return (body.to_string(), "contents[0].parts[0].inlineData.data");
        }
    };
    (question(wire, &part.to_string()), at)
}

#[test]
fn base64_that_is_none_is_refused_where_it_is() {
    for (wire, caller) in callers() {
        for data in ["@@@@", "AAAAA", "iVBOR w0K", "\u{1F980}"] {
            let (body, at) = image(wire, data);
            let refused = caller.read_request(body.as_bytes(), &address(wire)).unwrap_err();
            assert_eq!(refused.param.as_deref(), Some(at), "{wire}, {data}: {refused}");
        }
    }
}

#[test]
fn an_image_that_is_none_is_the_providers_to_judge() {
    for (wire, caller) in callers() {
        let (body, _) = image(wire, "bm90IGFuIGltYWdl");
        let request = caller.read_request(body.as_bytes(), &address(wire)).unwrap();
        for (to, provider) in providers() {
            let sent = provider.write_request(&request, &PROVIDER, &mut Losses::new(to));
            let told = String::from_utf8(sent.unwrap_or_default()).unwrap();
            assert!(told.is_empty() || told.contains("bm90IGFuIGltYWdl"), "{wire} to {to}");
        }
    }
}

#[test]
fn a_word_that_is_newer_than_us_passes_to_its_own_dialect_byte_for_byte() {
    for (wire, _) in callers() {
        let body = Bytes::from(with(wire, "brand_new", r#"{"mode": "newest", "n": 1.50}"#));
        let ask = read_call(&body, wire, &address(wire)).unwrap();
        let sent = Ways::default().pass_request(wire, &body, &ask, "m");
        assert_eq!(sent, body, "{wire}");
    }
}

/// A golden stream of server-sent events, by its provider's dialect.
fn stream(wire: Wire) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::fs::read_to_string(folder.join(wire.as_str()).join("stream.stream")).unwrap()
}

/// What a stream tells, in pieces of so many bytes.
fn told(wire: Wire, text: &str, size: usize) -> Vec<Event> {
    let mut reader = wire.outbound().unwrap().stream_reader();
    let (mut events, mut frames) = (Vec::new(), Events::new(8 << 20));
    for piece in text.as_bytes().chunks(size) {
        let judge = |event: &[u8]| {
            reader.read(event, &mut events).unwrap();
            Verdict::Drop
        };
        frames.push(Bytes::copy_from_slice(piece), &mut VecDeque::new(), judge).unwrap();
    }
    if !events.contains(&Event::End) {
        reader.close(&mut events);
    }
    events.retain(|event| *event != Event::Ping);
    events
}

#[test]
fn a_stream_says_the_same_however_its_lines_end_and_wherever_it_is_cut() {
    let sse = providers().filter(|(_, provider)| provider.framing() == Framing::Sse);
    for (wire, _) in sse {
        let text = stream(wire).replace("\r\n", "\n");
        let meant = told(wire, &text, usize::MAX);
        assert!(meant.contains(&Event::End), "{wire}");
        let commented = text.replace("\n\n", "\n\n: a comment\n\n");
        for (how, text) in [
            ("CR LF", text.replace('\n', "\r\n")),
            ("CR", text.replace('\n', "\r")),
            ("a mark of the byte order", format!("\u{feff}{text}")),
            ("comments", commented),
        ] {
            // Single bytes cut code points.
            for size in [1, 7, usize::MAX] {
                assert_eq!(told(wire, &text, size), meant, "{wire}, {how}, {size}");
            }
        }
    }
}

#[test]
fn an_event_of_five_megabytes_is_read_whole_and_one_beyond_the_bound_is_refused() {
    let long = "\u{e9}".repeat(5 << 19);
    let chunk =
        json!({"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": long}}]});
    let text = format!("data: {chunk}\n\n");
    let events = told(Wire::Chat, &text, 64 << 10);
    let said: usize = events
        .iter()
        .map(|event| match event {
            Event::Delta { delta: dialect::neutral::Delta::Text(text), .. } => text.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(said, 5 << 20);
    let mut frames = Events::new(1 << 20);
    let pushed = frames.push(text.into(), &mut VecDeque::new(), |_| Verdict::Keep);
    assert!(pushed.is_err());
}

#[test]
fn a_page_of_a_proxy_is_an_error_without_a_sentence_and_no_answer() {
    let page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
    for (wire, provider) in providers() {
        assert!(provider.read_answer(page).is_err(), "{wire}");
        assert_eq!(provider.read_error(502, page).message, None, "{wire}");
        let mut reader = provider.stream_reader();
        let mut events = Vec::new();
        let _ = reader.read(page, &mut events);
        reader.close(&mut events);
        assert!(!events.contains(&Event::End), "{wire}: {events:?}");
    }
}
