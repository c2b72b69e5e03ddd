//! Streams: read, written, and watched.

use super::{DIRECT, caller, golden};
use crate::Wire;
use crate::convert::{Inbound as _, Outbound as _, Pass as _, Seen};
use crate::eventstream;
use crate::messages::{Host, JSON_TOOL, Messages};
use crate::neutral::{Block, CallKind, Content, Delta, Event, Part, Request, Signature, Stop};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use contract::usage::Tokens;
use proptest::prelude::*;
use serde_json::{Value, json};

fn frames(stream: &str) -> Vec<String> {
    stream.split_inclusive("\n\n").map(str::to_owned).collect()
}

/// The events that a stream means, its close included.
fn read(stream: &str) -> Vec<Event> {
    let mut reader = DIRECT.stream_reader();
    let mut out = Vec::new();
    for frame in frames(stream) {
        reader.read(frame.as_bytes(), &mut out).unwrap();
    }
    reader.close(&mut out);
    out
}

fn write(events: &[Event]) -> String {
    let asked = Request { model: "asked".into(), ..Request::default() };
    let mut writer = DIRECT.stream_writer(&caller(&asked));
    let mut out = BytesMut::new();
    for event in events {
        writer.write(event, &mut out);
    }
    String::from_utf8(out.to_vec()).unwrap()
}

fn scene(name: &str) -> String {
    String::from_utf8(golden(&format!("{name}.stream"))).unwrap()
}

fn data(stream: &str) -> Vec<Value> {
    let datas = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    datas.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn start() -> Event {
    Event::Start { id: "x".into(), model: "m".into(), created: None }
}

fn event(kind: &str, data: &Value) -> String {
    format!("event: {kind}\ndata: {data}\n\n")
}

/// How a stream begins.
fn begin() -> String {
    let message = json!({"id": "x", "model": "m"});
    event("message_start", &json!({"type": "message_start", "message": message}))
}

/// What must hold of any stream that an SDK puts together.
fn assert_well_formed(stream: &str) {
    let events = data(stream);
    for (line, told) in stream.lines().filter(|l| l.starts_with("event: ")).zip(&events) {
        assert_eq!(line.strip_prefix("event: "), told["type"].as_str(), "{stream}");
    }
    let (mut open, mut next) = (None, 0);
    for (n, told) in events.iter().enumerate() {
        assert_eq!(n == 0, told["type"] == "message_start", "{stream}");
        match told["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!((open, told["index"].as_u64()), (None, Some(next)), "{stream}");
                (open, next) = (Some(next), next + 1);
            }
            "content_block_delta" => assert_eq!(told["index"].as_u64(), open, "{stream}"),
            "content_block_stop" => {
                assert_eq!(told["index"].as_u64(), open, "{stream}");
                open = None;
            }
            _ => {}
        }
    }
}

#[test]
fn every_scene_is_written_again_as_it_was_told() {
    for name in ["stream", "tools", "parallel_tools", "structured", "reasoning", "cut"] {
        let told = data(&scene(name));
        let again = write(&read(&scene(name)));
        assert_well_formed(&again);
        let silent = |told: &&Value| {
            told["type"] != "ping" && told.pointer("/delta/partial_json") != Some(&json!(""))
        };
        let again = data(&again);
        let (told, again): (Vec<_>, Vec<_>) =
            (told.iter().filter(silent).collect(), again.iter().filter(silent).collect());
        assert_eq!(told.len(), again.len(), "{name}");
        for (told, again) in told.iter().zip(again) {
            match told["type"].as_str().unwrap() {
                "message_start" => assert_eq!(told["message"]["id"], again["message"]["id"]),
                _ => assert_eq!(*told, again, "{name}"),
            }
        }
    }
}

#[test]
fn a_stream_means_its_blocks_its_usage_and_its_end() {
    let events = read(&scene("reasoning"));
    assert!(matches!(&events[0], Event::Start { id, .. } if id == "msg_01Tollgate"));
    assert!(events.contains(&Event::Open { block: 0, candidate: 0, what: Block::Thinking }));
    assert!(events.contains(&Event::Open { block: 1, candidate: 0, what: Block::Text }));
    assert!(events.iter().any(|event| matches!(event,
        Event::Delta { block: 0, delta: Delta::Signature(s) } if s.wire == Wire::Messages)));
    let used = Tokens { input: 20, cached_input: 5, output: 8, reasoning: 4, ..Tokens::default() };
    let tail = &events[events.len() - 3..];
    let stop = Event::Stop { candidate: 0, stop: Stop::End };
    assert_eq!(tail, [stop, Event::Tokens(used), Event::End]);
}

#[test]
fn a_stream_that_is_cut_has_no_end() {
    let events = read(&scene("cut"));
    assert!(!events.contains(&Event::End));
    let input = Delta::Input(r#"{"city": "Pa"#.into());
    assert_eq!(events.last(), Some(&Event::Delta { block: 1, delta: input }));
    assert!(!write(&events).contains("message_stop"));
    // Imitations leave the last event out.
    let whole = scene("stream");
    let (most, _) = whole.split_once("event: message_stop").unwrap();
    assert_eq!(read(most).last(), Some(&Event::End));
}

#[test]
fn a_stream_whose_start_was_lost_is_one_and_what_follows_its_stop_is_not() {
    let whole = scene("stream");
    let at = whole.find("event: content_block_start").unwrap();
    let events = read(&whole[at..]);
    assert_eq!(events[0], Event::Start { id: String::new(), model: String::new(), created: None });
    assert_eq!(events.last(), Some(&Event::End));
    let (most, end) = whole.split_once("event: message_stop").unwrap();
    let block = &most[at..most.find("event: content_block_stop").unwrap()];
    let mut late = read(&format!("{most}{block}event: message_stop{end}"));
    let mut events = read(&whole);
    late.retain(|event| *event != Event::Ping);
    events.retain(|event| *event != Event::Ping);
    assert_eq!(late, events);
    assert_eq!(read(&format!("event: message_stop{end}")), []);
}

#[test]
fn a_call_without_arguments_is_told_as_an_empty_object() {
    let stream = begin()
        + &event(
            "content_block_start",
            &json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}}}),
        )
        + &event("content_block_stop", &json!({"type": "content_block_stop", "index": 0}));
    let input = Event::Delta { block: 0, delta: Delta::Input("{}".into()) };
    assert_eq!(read(&stream)[2], input);
}

#[test]
fn the_tool_that_stands_for_the_answer_is_streamed_as_its_text() {
    let stream = scene("tools").replace("get_weather", JSON_TOOL);
    let events = read(&stream);
    assert!(events.contains(&Event::Open { block: 0, candidate: 0, what: Block::Text }));
    assert!(events.contains(&Event::Stop { candidate: 0, stop: Stop::End }));
    assert!(!events.iter().any(|e| matches!(e, Event::Delta { delta: Delta::Input(_), .. })));
}

#[test]
fn what_only_the_vendor_knows_is_held_until_it_is_whole() {
    let start = json!({"type": "content_block_start", "index": 0, "content_block":
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}});
    let delta = |text: &str| {
        event(
            "content_block_delta",
            &json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": text}}),
        )
    };
    let stop = event("content_block_stop", &json!({"type": "content_block_stop", "index": 0}));
    let events = read(
        &(begin()
            + &event("content_block_start", &start)
            + &delta("{\"query\":")
            + &delta("\"q\"}")
            + &stop),
    );
    let Event::Open { what: Block::Whole(part), .. } = &events[1] else { panic!("{events:?}") };
    let Content::Native(native) = &part.content else { panic!("{part:?}") };
    assert_eq!(native.value["input"], json!({"query": "q"}));
    assert_eq!(events.len(), 3);
    assert!(write(&events).contains("server_tool_use"));
}

#[test]
fn signatures_of_other_vendors_travel_and_come_back() {
    let foreign = Signature { wire: Wire::Gemini, value: "g".into() };
    let call = |block: usize| {
        let (id, name) = (format!("c{block}"), "f".to_owned());
        Event::Open {
            block,
            candidate: 0,
            what: Block::ToolCall { id, name, kind: CallKind::Function },
        }
    };
    let delta = |block: usize, delta: Delta| Event::Delta { block, delta };
    // Told before the input, as of a call that comes whole; and told behind it.
    for early in [true, false] {
        let signature = delta(0, Delta::Signature(foreign.clone()));
        let input = delta(0, Delta::Input("{\"a\":1}".into()));
        let mut events = vec![start(), call(0)];
        events.extend(if early { [signature, input] } else { [input, signature] });
        events.extend([Event::Close { block: 0 }, call(1), Event::Close { block: 1 }]);
        events.extend([Event::Stop { candidate: 0, stop: Stop::ToolUse }, Event::End]);
        let written = write(&events);
        assert_well_formed(&written);
        // As an SDK puts it together, and sends it back.
        let content = assembled(&written);
        assert_eq!(content.len(), 3);
        let history = json!({"model": "a", "messages": [
            {"role": "user", "content": "q"}, {"role": "assistant", "content": content}]});
        let parts = &super::read(&history).unwrap().turns[1].parts;
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].signature.as_ref(), Some(&foreign), "early: {early}");
        assert_eq!(parts[1].signature, None);
        // And as the next gateway in a chain reads it.
        let again = read(&written);
        assert!(again.iter().any(|event| match event {
            Event::Delta { delta: Delta::Signature(s), .. } => *s == foreign,
            Event::Open { what: Block::Whole(part), .. } =>
                part.signature.as_ref() == Some(&foreign),
            _ => false,
        }));
    }
}

/// The content that a stream adds up to.
fn assembled(stream: &str) -> Vec<Value> {
    let mut content: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    for told in data(stream) {
        match told["type"].as_str().unwrap() {
            "content_block_start" => {
                content.push(told["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let block = content.last_mut().unwrap();
                let delta = &told["delta"];
                for name in ["text", "thinking", "signature"] {
                    if let Some(text) = delta[name].as_str() {
                        block[name] = format!("{}{text}", block[name].as_str().unwrap()).into();
                    }
                }
                *inputs.last_mut().unwrap() += delta["partial_json"].as_str().unwrap_or_default();
            }
            _ => {}
        }
    }
    for (block, input) in content.iter_mut().zip(inputs) {
        if !input.is_empty() {
            block["input"] = serde_json::from_str(&input).unwrap();
        }
    }
    content
}

#[test]
fn a_writer_never_begins_an_empty_text_and_tells_usage_at_the_end() {
    let text = |block| Event::Open { block, candidate: 0, what: Block::Text };
    let used = Tokens { input: 3, output: 2, ..Tokens::default() };
    let mut hidden = Part::new(Content::HiddenThinking);
    hidden.signature = Some(Signature { wire: Wire::Responses, value: "h".into() });
    let written = write(&[
        start(),
        text(0),
        Event::Delta { block: 0, delta: Delta::Text(String::new()) },
        Event::Close { block: 0 },
        Event::Open { block: 1, candidate: 0, what: Block::Whole(hidden) },
        Event::Close { block: 1 },
        text(2),
        Event::Delta { block: 2, delta: Delta::Text("\u{e9}\"\n".into()) },
        Event::Close { block: 2 },
        Event::Stop { candidate: 0, stop: Stop::Sequence(Some("x".into())) },
        Event::Tokens(used),
        Event::End,
    ]);
    assert_well_formed(&written);
    let content = assembled(&written);
    assert_eq!(
        content[0],
        json!({"type": "redacted_thinking", "data": "tollgate.openai_responses.h"})
    );
    assert_eq!(content[1], json!({"type": "text", "text": "\u{e9}\"\n"}));
    let told = data(&written);
    let last = &told[told.len() - 2];
    assert_eq!(last["delta"], json!({"stop_reason": "stop_sequence", "stop_sequence": "x"}));
    assert_eq!(
        (&last["usage"]["input_tokens"], &last["usage"]["output_tokens"]),
        (&json!(3), &json!(2))
    );
}

#[test]
fn errors_within_a_stream_are_read_and_written() {
    let stream = event(
        "error",
        &json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    );
    let error = Event::Error { kind: "overloaded_error".into(), message: "Overloaded".into() };
    assert_eq!(read(&stream), std::slice::from_ref(&error));
    assert!(write(&[error]).starts_with("event: error\ndata: {\"type\":\"error\""));
    let other = Event::Error { kind: "server_error".into(), message: "m".into() };
    assert_eq!(data(&write(&[other]))[0]["error"]["type"], "api_error");
}

#[test]
fn bedrocks_envelope_is_taken_off() {
    let mut reader = Messages { host: Host::Bedrock }.stream_reader();
    let mut out = Vec::new();
    for told in data(&scene("tools")) {
        let payload = json!({"bytes": STANDARD.encode(told.to_string()), "p": "abc"}).to_string();
        let message = eventstream::write_event("chunk", payload.as_bytes());
        reader.read(&message, &mut out).unwrap();
    }
    assert_eq!(out, read(&scene("tools")));
    let exception = [(":message-type", "exception"), (":exception-type", "throttlingException")];
    let message = eventstream::write(&exception, br#"{"message":"Too many."}"#);
    let mut reader = Messages { host: Host::Bedrock }.stream_reader();
    out.clear();
    reader.read(&message, &mut out).unwrap();
    let error = Event::Error { kind: "throttlingException".into(), message: "Too many.".into() };
    assert_eq!(out, [error]);
    assert!(reader.read(b"short", &mut out).is_err());
}

#[test]
fn a_watcher_knows_content_usage_and_the_end() {
    let mut watcher = DIRECT.watch();
    let seen: Vec<Seen> =
        frames(&scene("reasoning")).iter().map(|frame| watcher.see(frame.as_bytes())).collect();
    let content = Seen::Chunk { content: true };
    assert_eq!(
        seen[..4],
        [Seen::Chunk { content: false }, Seen::Chunk { content: false }, Seen::Silent, content]
    );
    assert_eq!(seen.last(), Some(&Seen::Done));
    assert!(watcher.may_end());
    let used = Tokens { input: 20, cached_input: 5, output: 8, reasoning: 4, ..Tokens::default() };
    assert_eq!(watcher.reported().tokens, Some(used));
    let mut watcher = DIRECT.watch();
    for frame in frames(&scene("cut")) {
        assert_ne!(watcher.see(frame.as_bytes()), Seen::Malformed);
    }
    assert!(!watcher.may_end());
    for (frame, expected) in [
        (": note\n\n", Seen::Silent),
        ("data: {\"type\":\"error\",\"error\":{}}\n\n", Seen::Error),
        ("data: {\"type\":\"newer\"}\n\n", Seen::Chunk { content: false }),
        ("data: {\"type\":5}\n\n", Seen::Malformed),
        ("data: <html>\n\n", Seen::Malformed),
        (
            "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\"}}\n\n",
            Seen::Chunk { content: true },
        ),
        (
            "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"\"}}\n\n",
            Seen::Chunk { content: false },
        ),
    ] {
        assert_eq!(DIRECT.watch().see(frame.as_bytes()), expected, "{frame}");
    }
}

proptest! {
    #[test]
    fn no_events_make_a_reader_a_watcher_or_a_writer_panic(
        picks in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..20),
        noise in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let all: Vec<String> = ["reasoning", "tools", "cut"].iter().flat_map(|name| frames(&scene(name))).collect();
        let (mut reader, mut watcher) = (DIRECT.stream_reader(), DIRECT.watch());
        let mut bedrock = Messages { host: Host::Bedrock }.stream_reader();
        let mut out = Vec::new();
        for (pick, cut) in picks {
            let frame = pick.get(&all).as_bytes();
            let frame = if cut.index(3) == 0 { &frame[..cut.index(frame.len())] } else { frame };
            // Half an event is none; what matters is what comes of the whole.
            drop(reader.read(frame, &mut out));
            watcher.see(frame);
            drop(bedrock.read(frame, &mut out));
        }
        drop(reader.read(&noise, &mut out));
        drop(bedrock.read(&noise, &mut out));
        watcher.see(&noise);
        write(&out);
    }

    #[test]
    fn a_reader_opens_and_closes_in_order_whatever_it_is_told(
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let all: Vec<String> = ["reasoning", "parallel_tools"].iter().flat_map(|name| frames(&scene(name))).collect();
        let mut reader = DIRECT.stream_reader();
        let mut out = Vec::new();
        for pick in picks {
            drop(reader.read(pick.get(&all).as_bytes(), &mut out));
        }
        let (mut open, mut next, mut ended) = (None, 0, false);
        for event in &out {
            prop_assert!(!ended);
            match event {
                Event::Open { block, .. } => {
                    prop_assert_eq!((open, *block), (None, next));
                    (open, next) = (Some(*block), next + 1);
                }
                Event::Delta { block, .. } => prop_assert_eq!(open, Some(*block)),
                Event::Close { block } => {
                    prop_assert_eq!(open, Some(*block));
                    open = None;
                }
                Event::Stop { .. } => prop_assert_eq!(open, None),
                Event::End => ended = true,
                _ => {}
            }
        }
    }
}
