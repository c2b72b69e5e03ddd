//! Streams, read, written and watched.

/// A stream as OpenAI sends it.
macro_rules! golden {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/golden/openai_responses/", $name, ".stream"))
            .as_slice()
    };
}

mod write;

use super::super::Responses;
use super::{caller, data, each_event, read_stream, write_stream};
use crate::convert::{Inbound, Outbound, Pass, Seen};
use crate::neutral::{
    Answer, Block, CallKind, Candidate, Content, Delta, Event, Part, Request, Signature, Stop,
    ToolCall,
};
use crate::{Reported, Wire};
use contract::usage::{Tokens, Units};
use proptest::prelude::*;
use serde_json::{Value, json};
use write::lifecycle;

const TOKENS: Tokens = Tokens {
    input: 20,
    cached_input: 5,
    cache_write: 0,
    audio_input: 0,
    image_input: 0,
    output: 8,
    reasoning: 4,
    audio_output: 0,
    ..Tokens::NONE
};

fn text(block: usize, text: &str) -> Event {
    Event::Delta { block, delta: Delta::Text(text.to_owned()) }
}

fn start() -> Event {
    Event::Start {
        id: "resp_68af05".into(),
        model: "the-model".into(),
        created: Some(1_767_225_600),
    }
}

fn end(stop: Stop) -> [Event; 3] {
    [Event::Tokens(TOKENS), Event::Stop { candidate: 0, stop }, Event::End]
}

#[test]
fn reasoning_and_text_are_read_in_order() {
    let signature = Signature { wire: Wire::Responses, value: "rs_68af03.gAAAAABo0sealed".into() };
    let mut expected = vec![
        start(),
        Event::Open { block: 0, candidate: 0, what: Block::Thinking },
        text(0, "The user"),
        text(0, " wants weather."),
        Event::Delta { block: 0, delta: Delta::Signature(signature) },
        Event::Close { block: 0 },
        Event::Open { block: 1, candidate: 0, what: Block::Text },
    ];
    expected.extend(["It", " is", " 21", " °C", " in", " Paris", "."].map(|piece| text(1, piece)));
    expected.push(Event::Close { block: 1 });
    expected.extend(end(Stop::End));
    assert_eq!(read_stream(golden!("reasoning")), expected);
}

#[test]
fn calls_are_read_piece_by_piece() {
    let call = |block, id: &str, pieces: [&str; 2]| {
        let (id, name) = (id.to_owned(), "get_weather".to_owned());
        let what = Block::ToolCall { id, name, kind: CallKind::Function };
        let input = |piece: &str| Event::Delta { block, delta: Delta::Input(piece.to_owned()) };
        let [one, two] = pieces.map(input);
        [Event::Open { block, candidate: 0, what }, one, two, Event::Close { block }]
    };
    let mut expected = vec![start()];
    expected.extend(call(0, "call_paris", [r#"{"city":"#, r#""Paris"}"#]));
    expected.extend(call(1, "call_oslo", [r#"{"city":"#, r#""Oslo"}"#]));
    expected.extend(end(Stop::ToolUse));
    assert_eq!(read_stream(golden!("parallel_tools")), expected);
}

#[test]
fn a_cut_stream_does_not_end() {
    let events = read_stream(golden!("cut"));
    assert!(!events.iter().any(|event| matches!(event, Event::End | Event::Stop { .. })));
    let input = Delta::Input(r#"{"ci"#.to_owned());
    assert_eq!(events.last(), Some(&Event::Delta { block: 1, delta: input }));
}

#[test]
fn what_a_server_does_not_stream_is_read_when_it_is_done() {
    let event = |data: Value| format!("data: {data}\n\n");
    let item = json!({"type": "message", "content": [{"type": "output_text", "text": "a"}]});
    let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"});
    let whole = [
        event(json!({"type": "response.output_item.done", "output_index": 0, "item": item})),
        event(
            json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "function_call", "call_id": "c", "name": "f"}}),
        ),
        event(json!({"type": "response.output_item.done", "output_index": 1, "item": call})),
        event(json!({"type": "response.completed", "response": {"output": []}})),
    ];
    let only_the_end =
        [event(json!({"type": "response.completed", "response": {"output": [item, call]}}))];
    for stream in [whole.concat(), only_the_end.concat()] {
        let events = read_stream(stream.as_bytes());
        let opened: Vec<_> = events.iter().filter(|e| matches!(e, Event::Open { .. })).collect();
        assert_eq!(opened.len(), 2, "{events:?}");
        assert!(events.contains(&text(0, "a")));
        assert!(events.contains(&Event::Delta { block: 1, delta: Delta::Input("{}".into()) }));
        assert!(events.contains(&Event::Stop { candidate: 0, stop: Stop::ToolUse }));
    }
}

#[test]
fn several_summaries_are_one_thought_streamed_or_whole() {
    let piece = |summary: usize, delta: &str| {
        let kind = "response.reasoning_summary_text.delta";
        let data =
            json!({"type": kind, "output_index": 0, "summary_index": summary, "delta": delta});
        format!("data: {data}\n\n")
    };
    let summary =
        json!([{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}]);
    let item =
        json!({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "g"});
    let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
    let done = format!("data: {done}\n\n");
    let streamed = [piece(0, "One"), piece(0, "."), piece(1, "Two."), done.clone()].concat();
    let said = |stream: &str| {
        let mut all = (String::new(), None);
        for event in read_stream(stream.as_bytes()) {
            match event {
                Event::Delta { delta: Delta::Text(text), .. } => all.0 += &text,
                Event::Delta { delta: Delta::Signature(signature), .. } => {
                    all.1 = Some(signature.value);
                }
                _ => {}
            }
        }
        all
    };
    assert_eq!(said(&streamed), ("One.\n\nTwo.".to_owned(), Some("rs_1.g".to_owned())));
    assert_eq!(said(&done), said(&streamed));
}

#[test]
fn a_providers_error_is_read_however_it_is_told() {
    for data in [
        json!({"type": "error", "code": "server_error", "message": "no", "param": null}),
        json!({"type": "error", "error": {"type": "server_error", "message": "no"}}),
        json!({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "no"}}}),
    ] {
        let events = read_stream(format!("event: x\ndata: {data}\n\ndata: [DONE]\n\n").as_bytes());
        let error = Event::Error { kind: "server_error".into(), message: "no".into() };
        assert_eq!(events, [error], "{data}");
    }
}

#[test]
fn a_malformed_event_is_left_out_and_the_stream_goes_on() {
    let mut reader = Responses.stream_reader();
    let mut out = Vec::new();
    for broken in [
        "data: {\n\n",
        "data: []\n\n",
        "data: {\"type\":\"response.output_item.done\"}\n\n",
        "data: {\"type\":\"response.function_call_arguments.delta\",\"delta\":\"{\"}\n\n",
        "data: {\"type\":\"response.output_text.delta\",\"output_index\":-1}\n\n",
    ] {
        assert!(reader.read(broken.as_bytes(), &mut out).is_err(), "{broken}");
    }
    for silent in [": hi\n\n", "event: keepalive\ndata: {\"type\":\"keepalive\"}\n\n", "\n"] {
        assert_eq!(reader.read(silent.as_bytes(), &mut out), Ok(()));
    }
    assert_eq!(out, []);
    each_event(golden!("stream"), |event| reader.read(event, &mut out).unwrap());
    assert_eq!(out.last(), Some(&Event::End));
}

/// The same content as parts of a whole answer and as events of a stream.
fn as_events(parts: &[Part]) -> Vec<Event> {
    let mut events = vec![Event::Start { id: String::new(), model: "m".into(), created: None }];
    for (block, part) in parts.iter().enumerate() {
        let halves = |text: &str| {
            let middle = text.char_indices().map(|(at, _)| at).nth(text.chars().count() / 2);
            let (one, two) = text.split_at(middle.unwrap_or(0));
            [one.to_owned(), two.to_owned()]
        };
        let (what, mut deltas) = match &part.content {
            Content::Text { text, citations } => {
                let cited = citations.iter().cloned().map(Delta::Citation);
                (Block::Text, halves(text).map(Delta::Text).into_iter().chain(cited).collect())
            }
            Content::Refusal(text) => (Block::Refusal, halves(text).map(Delta::Text).to_vec()),
            Content::Thinking(text) => (Block::Thinking, halves(text).map(Delta::Text).to_vec()),
            Content::ToolCall(ToolCall { id, name, input, kind }) => (
                Block::ToolCall { id: id.clone(), name: name.clone(), kind: *kind },
                halves(input).map(Delta::Input).to_vec(),
            ),
            _ => (Block::Whole(part.clone()), Vec::new()),
        };
        if !matches!(what, Block::Whole(_)) {
            deltas.extend(part.signature.clone().map(Delta::Signature));
        }
        events.push(Event::Open { block, candidate: 0, what });
        events.extend(deltas.into_iter().map(|delta| Event::Delta { block, delta }));
        events.push(Event::Close { block });
    }
    events
}

#[test]
fn searches_in_a_stream_that_passes_are_counted_even_when_it_is_cut() {
    let mut watch = Responses.watch();
    let mut see = |event: Value| watch.see(format!("data: {event}\n\n").as_bytes());
    let item =
        json!({"type": "web_search_call", "status": "completed", "action": {"type": "search"}});
    see(json!({"type": "response.output_item.done", "item": item}));
    see(json!({"type": "response.output_item.done", "item": item}));
    assert_eq!(watch.reported(), Reported { tokens: None, units: searches(2) });
    let whole =
        json!({"output": [item, item, item], "usage": {"input_tokens": 1, "output_tokens": 1}});
    watch.see(
        format!("data: {}\n\n", json!({"type": "response.completed", "response": whole}))
            .as_bytes(),
    );
    assert_eq!(watch.reported().units, searches(3));
    assert!(watch.reported().tokens.is_some());
}

fn searches(searches: u64) -> Units {
    Units { searches, ..Units::NONE }
}

#[test]
fn a_stream_that_passes_is_known_for_what_it_is() {
    let mut watch = Responses.watch();
    let mut seen = Vec::new();
    each_event(golden!("tools"), |event| seen.push(watch.see(event)));
    let (quiet, content) = (Seen::Chunk { content: false }, Seen::Chunk { content: true });
    assert_eq!(seen[..3], [quiet, quiet, content]);
    assert_eq!(seen.last(), Some(&Seen::Done));
    assert!(watch.may_end());
    assert_eq!(watch.reported().tokens, Some(TOKENS));

    let mut watch = Responses.watch();
    let mut seen = Vec::new();
    each_event(golden!("reasoning"), |event| seen.push(watch.see(event)));
    assert_eq!(seen[..5], [quiet, quiet, quiet, quiet, content]);

    let mut watch = Responses.watch();
    each_event(golden!("cut"), |event| {
        watch.see(event);
    });
    assert!(!watch.may_end());
    for (data, expected) in [
        ("[DONE]", Seen::Silent),
        ("{", Seen::Malformed),
        ("{}", Seen::Malformed),
        (r#"{"type":5}"#, Seen::Malformed),
        (r#"{"type":"error","message":"no"}"#, Seen::Error),
        (r#"{"type":"response.failed","response":{"usage":null}}"#, Seen::Error),
        (r#"{"type":"response.of_tomorrow"}"#, content),
        (r#"{"type":"response.completed"}"#, Seen::Done),
        ("[DONE]", Seen::Done),
    ] {
        assert_eq!(watch.see(format!("data: {data}\n\n").as_bytes()), expected, "{data}");
    }
    assert_eq!(watch.see(b": hi\n\n"), Seen::Silent);
}

fn any_part() -> impl Strategy<Value = Part> {
    let content = prop_oneof![
        "\\PC{1,9}".prop_map(|text| Content::Text { text, citations: Vec::new() }),
        "\\PC{1,9}".prop_map(Content::Refusal),
        "\\PC{1,9}".prop_map(Content::Thinking),
        Just(Content::HiddenThinking),
        ("[a-z]{1,5}", "\\PC{0,9}[a-z]", any::<bool>()).prop_map(|(name, input, custom)| {
            let kind = if custom { CallKind::Custom } else { CallKind::Function };
            Content::ToolCall(ToolCall { id: format!("call_{name}"), name, input, kind })
        }),
    ];
    let signature = proptest::option::of((0..7_usize, "[a-zA-Z0-9+/=.]{1,9}"));
    (content, signature).prop_map(|(content, signature)| {
        let signature = signature.map(|(n, value)| Signature { wire: Wire::ALL[n], value });
        let signature = match content {
            Content::HiddenThinking => {
                signature.or(Some(Signature { wire: Wire::Responses, value: "rs_1.x".to_owned() }))
            }
            _ => signature,
        };
        Part { signature, ..Part::new(content) }
    })
}

proptest! {
    #[test]
    fn whole_or_streamed_an_answer_says_the_same_and_reads_back(
        parts in proptest::collection::vec(any_part(), 0..6),
    ) {
        let mut events = as_events(&parts);
        events.extend(end(Stop::Other("x".into())));
        let asked = Request::default();
        let written = write_stream(&events, &asked);
        lifecycle(&written);
        let streamed = data(&written).pop().unwrap()["response"].take();
        let candidate = Candidate { parts: parts.clone(), stop: Stop::End, logprobs: None, native: None };
        let answer = Answer { model: "m".into(), candidates: vec![candidate], tokens: Some(TOKENS), ..Answer::default() };
        let whole: Value = serde_json::from_slice(&Responses.write_answer(&answer, &caller(&asked))).unwrap();
        for body in [&streamed, &whole] {
            let again = Responses.read_answer(body.to_string().as_bytes()).unwrap();
            prop_assert_eq!(&again.candidates[0].parts, &parts);
            prop_assert_eq!(again.tokens, Some(TOKENS));
        }
        let mut back = Vec::new();
        for event in read_stream(&written) {
            match event {
                Event::Open { what: Block::Whole(part), .. } => back.push(part.signature),
                Event::Open { .. } => back.push(None),
                Event::Delta { delta: Delta::Signature(signature), .. } => {
                    *back.last_mut().unwrap() = Some(signature);
                }
                _ => {}
            }
        }
        prop_assert_eq!(back, parts.into_iter().map(|part| part.signature).collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_make_a_reader_or_a_watcher_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let event = [b"data: ".as_slice(), &bytes, b"\n\n"].concat();
        let mut out = Vec::new();
        drop(Responses.stream_reader().read(&event, &mut out));
        Responses.watch().see(&event);
    }

    #[test]
    fn events_nearly_right_break_nothing(
        event in crate::testing::mangled(json!({
            "type": "response.output_item.done", "output_index": 0, "content_index": 0, "delta": "x",
            "item": {"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}", "content": [{"type": "output_text", "text": "x"}]},
            "response": {"id": "r", "usage": {"input_tokens": 1}, "output": [{"type": "message"}]},
        })),
        kind in "response\\.(output_item\\.(added|done)|output_text\\.(delta|done|annotation\\.added)|created|completed|failed|refusal\\.delta)",
    ) {
        let mut event = event;
        if let Some(map) = event.as_object_mut() {
            map.insert("type".to_owned(), kind.into());
        }
        let text = format!("data: {event}\n\n");
        let (mut reader, mut out) = (Responses.stream_reader(), Vec::new());
        drop(reader.read(text.as_bytes(), &mut out));
        drop(reader.read(text.as_bytes(), &mut out));
        write_stream(&out, &Request::default());
        Responses.watch().see(text.as_bytes());
    }
}
