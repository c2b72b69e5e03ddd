use super::*;
use crate::convert::{Pass as _, Seen};
use crate::neutral::{Block, CallKind, Delta, Part, Signature, Stop};
use contract::usage::Tokens;
use serde_json::json;

fn tokens() -> Tokens {
    Tokens { input: 20, cached_input: 5, output: 8, reasoning: 4, ..Tokens::default() }
}

/// All text of a candidate's parts, thoughts in brackets.
fn text_of(chunks: &[Value]) -> String {
    let parts = chunks
        .iter()
        .filter_map(|chunk| chunk["candidates"][0]["content"]["parts"].as_array())
        .flatten();
    parts
        .filter_map(|part| {
            let text = part["text"].as_str()?;
            Some(if part["thought"] == true { format!("[{text}]") } else { text.to_owned() })
        })
        .collect()
}

#[test]
fn the_order_of_events_is_kept() {
    let events = read_stream(&golden("reasoning.stream"));
    let text = |text: &str| Delta::Text(text.to_owned());
    let signature = Signature {
        wire: Wire::Gemini,
        value: "CskBdGhvdWdodC1zaWduYXR1cmUtb2YtdGhlLWFuc3dlcg==".to_owned(),
    };
    let early = Tokens { input: 20, cached_input: 5, ..Tokens::default() };
    assert_eq!(
        events,
        [
            Event::Start {
                id: "k3WqaKe1Nq6pxN8P0ofRiAI".to_owned(),
                model: "gemini-2.5-flash".to_owned(),
                created: None
            },
            Event::Tokens(early),
            Event::Open { block: 0, candidate: 0, what: Block::Thinking },
            Event::Delta { block: 0, delta: text("The user wants") },
            Event::Delta { block: 0, delta: text(" weather.") },
            Event::Close { block: 0 },
            Event::Open { block: 1, candidate: 0, what: Block::Text },
            Event::Delta { block: 1, delta: text("It is 21 °C") },
            Event::Tokens(tokens()),
            Event::Delta { block: 1, delta: text(" in Paris.") },
            Event::Delta { block: 1, delta: Delta::Signature(signature) },
            Event::Close { block: 1 },
            Event::Stop { candidate: 0, stop: Stop::End },
            Event::End,
        ]
    );
}

#[test]
fn a_stream_read_and_written_says_the_same() {
    for case in ["stream", "tools", "parallel_tools", "structured", "image", "reasoning"] {
        let bytes = golden(&format!("{case}.stream"));
        let events = read_stream(&bytes);
        let written = write_stream(&events);
        let strip = |event: &Vec<u8>| {
            serde_json::from_slice::<Value>(event.strip_prefix(b"data: ").unwrap()).unwrap()
        };
        let was: Vec<Value> = events_of(&bytes).iter().map(strip).collect();
        assert_eq!(text_of(&written).replace("][", ""), text_of(&was).replace("][", ""), "{case}");
        let last = written.last().unwrap();
        assert_eq!(last["candidates"][0]["finishReason"], "STOP", "{case}");
        assert_eq!(last["usageMetadata"]["thoughtsTokenCount"], 4, "{case}");
        assert_eq!(last["usageMetadata"]["promptTokenCount"], 25, "{case}");
        let calls = |chunks: &[Value]| -> Vec<Value> {
            chunks
                .iter()
                .filter_map(|chunk| chunk["candidates"][0]["content"]["parts"].as_array())
                .flatten()
                .filter(|part| part.get("functionCall").is_some())
                .map(|part| json!([part["functionCall"]["args"], part["thoughtSignature"]]))
                .collect()
        };
        assert_eq!(calls(&written), calls(&was), "{case}");
        // Once more through the reader: the blocks are the same.
        let framed: String = written.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
        let strip = |events: Vec<Event>| -> Vec<Event> {
            events.into_iter().filter(|event| !matches!(event, Event::Tokens(_))).collect()
        };
        assert_eq!(strip(read_stream(framed.as_bytes())), strip(events), "{case}");
    }
}

#[test]
fn a_cut_stream_has_no_end() {
    let events = read_stream(&golden("cut.stream"));
    assert!(!events.contains(&Event::End));
    assert!(!events.iter().any(|event| matches!(event, Event::Stop { .. })));
    let written = write_stream(&events);
    assert!(written.iter().all(|chunk| chunk["candidates"][0].get("finishReason").is_none()));
}

#[test]
fn a_call_in_fragments_is_sent_whole_and_a_cut_one_told_of() {
    let start = Event::Start { id: String::new(), model: String::new(), created: None };
    let what =
        Block::ToolCall { id: "c".to_owned(), name: "f".to_owned(), kind: CallKind::Function };
    let input = |text: &str| Event::Delta { block: 0, delta: Delta::Input(text.to_owned()) };
    let mut events = vec![
        start,
        Event::Open { block: 0, candidate: 0, what },
        input("{\"city\": \"Pa"),
        input("ris\"}"),
        Event::Close { block: 0 },
        Event::Stop { candidate: 0, stop: Stop::ToolUse },
        Event::End,
    ];
    let written = write_stream(&events);
    assert_eq!(written.len(), 2);
    let call = json!({"id": "c", "name": "f", "args": {"city": "Paris"}});
    assert_eq!(written[0]["candidates"][0]["content"]["parts"], json!([{"functionCall": call}]));
    assert_eq!(
        (&written[0]["modelVersion"], &written[0]["responseId"]),
        (&json!("m"), &json!("req_1"))
    );
    assert_eq!(written[1]["candidates"], json!([{"finishReason": "STOP", "index": 0}]));

    events.remove(3);
    let written = write_stream(&events);
    assert_eq!(written.len(), 1);
    assert_eq!(written[0]["candidates"][0]["finishReason"], "MALFORMED_FUNCTION_CALL");
}

#[test]
fn several_candidates_keep_apart() {
    let chunk = |index: usize, text: &str, finish: Option<&str>| {
        let mut candidate = json!({"content": {"parts": [{"text": text}]}, "index": index});
        if let Some(word) = finish {
            candidate["finishReason"] = word.into();
        }
        format!("data: {}\n\n", json!({"candidates": [candidate]}))
    };
    let half = chunk(0, "a", None) + &chunk(1, "b", None) + &chunk(0, "c", Some("STOP"));
    assert!(!read_stream(half.as_bytes()).contains(&Event::End));
    let events = read_stream((half + &chunk(1, "d", Some("MAX_TOKENS"))).as_bytes());
    let of = |block| -> String {
        events
            .iter()
            .filter_map(|event| match event {
                Event::Delta { block: b, delta: Delta::Text(text) } if *b == block => {
                    Some(text.as_str())
                }
                _ => None,
            })
            .collect()
    };
    assert_eq!((of(0), of(1)), ("ac".to_owned(), "bd".to_owned()));
    let written = write_stream(&events);
    let reasons: Vec<&Value> = written.last().unwrap()["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|candidate| &candidate["finishReason"])
        .collect();
    assert_eq!(reasons, ["STOP", "MAX_TOKENS"]);
}

#[test]
fn a_blocked_prompt_ends_a_stream_without_content() {
    let chunk = json!({"promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 3}});
    let events = read_stream(format!("data: {chunk}\n\n").as_bytes());
    let stop = Event::Stop { candidate: 0, stop: Stop::Filtered };
    assert_eq!(events[events.len() - 2..], [stop, Event::End]);
}

#[test]
fn an_error_within_a_stream_is_told_in_both_directions() {
    let error = json!({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}});
    let events = read_stream(format!("data: {error}\n\n").as_bytes());
    let told = Event::Error { kind: "UNAVAILABLE".to_owned(), message: "overloaded".to_owned() };
    assert_eq!(events, [told]);
    assert_eq!(write_stream(&events), [error]);
}

#[test]
fn what_comes_whole_is_one_block() {
    let image = json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}});
    let code = json!({"executableCode": {"language": "PYTHON", "code": "1"}});
    let chunk =
        json!({"candidates": [{"content": {"parts": [image, code]}, "finishReason": "STOP"}]});
    let events = read_stream(format!("data: {chunk}\n\n").as_bytes());
    let wholes: Vec<&Part> = events
        .iter()
        .filter_map(|event| match event {
            Event::Open { what: Block::Whole(part), .. } => Some(part),
            _ => None,
        })
        .collect();
    assert_eq!(wholes.len(), 2);
    let written = write_stream(&events);
    assert_eq!(written[0]["candidates"][0]["content"]["parts"], json!([image]));
    assert_eq!(written[1]["candidates"][0]["content"]["parts"], json!([code]));
}

#[test]
fn a_watcher_knows_content_usage_and_the_end() {
    let mut watcher = Gemini.watch();
    let see = |watcher: &mut Box<dyn crate::convert::WatchStream>, json: Value| {
        watcher.see(format!("data: {json}\n\n").as_bytes())
    };
    let empty = json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "index": 0}],
        "usageMetadata": {"promptTokenCount": 7}});
    assert_eq!(see(&mut watcher, empty), Seen::Chunk { content: false });
    assert_eq!(watcher.reported().tokens.unwrap().input, 7);
    assert!(!watcher.may_end());
    assert_eq!(watcher.see(b": ping\n\n"), Seen::Silent);
    assert_eq!(watcher.see(b"data: <html>\n\n"), Seen::Malformed);
    assert_eq!(see(&mut watcher, json!({"error": {"code": 500}})), Seen::Error);
    let call = json!({"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]});
    assert_eq!(see(&mut watcher, call), Seen::Chunk { content: true });
    let second = json!({"candidates": [{"index": 1}]});
    assert_eq!(see(&mut watcher, second), Seen::Chunk { content: false });
    let ends = |index: u32| json!({"candidates": [{"finishReason": "STOP", "index": index}]});
    see(&mut watcher, ends(0));
    assert!(!watcher.may_end());
    see(&mut watcher, ends(1));
    assert!(watcher.may_end());
    for case in ["stream", "tools", "reasoning"] {
        let mut watcher = Gemini.watch();
        for event in events_of(&golden(&format!("{case}.stream"))) {
            assert!(matches!(watcher.see(&event), Seen::Chunk { .. }));
        }
        assert!(watcher.may_end(), "{case}");
        assert_eq!(watcher.reported().tokens, Some(tokens()), "{case}");
    }
}
