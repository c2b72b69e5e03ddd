//! Streams, read and written.

use super::{Reader, Watcher, Writer};
use crate::Wire;
use crate::convert::{Caller, ReadStream, Seen, WatchStream, WriteStream};
use crate::neutral::{
    Answer, CallKind, Candidate, Content, Event, Part, Request, Signature, Stop, ToolCall,
};
use crate::testing::{assemble, events_of, read_stream};
use bytes::BytesMut;
use contract::usage::Tokens;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A stream of these chunks, each the `delta` of the one choice.
fn stream(deltas: &[Value], reason: &str) -> String {
    let chunk = |choice: Value| {
        let chunk = json!({"id": "chatcmpl-A1", "model": "m", "created": 5, "choices": [choice]});
        format!("data: {chunk}\n\n")
    };
    let mut text: String = deltas
        .iter()
        .map(|delta| chunk(json!({"index": 0, "delta": delta, "finish_reason": null})))
        .collect();
    text += &chunk(json!({"index": 0, "delta": {}, "finish_reason": reason}));
    text + "data: [DONE]\n\n"
}

fn read(text: &str) -> Option<Answer> {
    assemble(&read_stream(&mut Reader::default(), text.as_bytes()))
}

fn parts(deltas: &[Value]) -> Vec<Part> {
    read(&stream(deltas, "stop")).unwrap().candidates.remove(0).parts
}

fn call(id: &str, name: &str, input: &str) -> Part {
    let (id, name, input) = (id.to_owned(), name.to_owned(), input.to_owned());
    Part::new(Content::ToolCall(ToolCall { id, name, input, kind: CallKind::Function }))
}

fn thinking(text: &str) -> Part {
    Part::new(Content::Thinking(text.to_owned()))
}

fn write(events: &[Event], stream_usage: bool) -> String {
    let asked = Request { model: "asked".to_owned(), ..Request::default() };
    let mut writer = Writer::new(&Caller { asked: &asked, id: "req_1", now: 7, stream_usage });
    let mut out = BytesMut::new();
    for event in events {
        writer.write(event, &mut out);
    }
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn fragments_become_blocks_in_the_order_they_came() {
    let said = parts(&[
        json!({"role": "assistant", "content": "", "refusal": null}),
        json!({"reasoning_content": "h"}),
        json!({"reasoning_content": "m", "content": null}),
        json!({"content": "2"}),
        json!({"content": "1"}),
        json!({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"x\""}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}),
        json!({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}}]}),
    ]);
    let expected =
        [thinking("hm"), Part::text("21"), call("a", "f", "{\"x\":1}"), call("b", "g", "{}")];
    assert_eq!(said, expected);
}

#[test]
fn calls_are_told_apart_by_whatever_the_provider_gives() {
    // Every call at index 0, each whole.
    let zero = |id: &str| json!({"tool_calls": [{"index": 0, "id": id, "function": {"name": "f", "arguments": "{}"}}]});
    assert_eq!(parts(&[zero("a"), zero("b")]), [call("a", "f", "{}"), call("b", "f", "{}")]);
    // No index at all.
    let none = |id: &str| json!({"tool_calls": [{"id": id, "function": {"name": "f", "arguments": "{}"}}]});
    assert_eq!(parts(&[none("a"), none("b")]), [call("a", "f", "{}"), call("b", "f", "{}")]);
    // The id again with every fragment, or empty.
    let again = |id: &str, text: &str| json!({"tool_calls": [{"index": 0, "id": id, "function": {"name": "f", "arguments": text}}]});
    assert_eq!(parts(&[again("a", "{"), again("a", "}")]), [call("a", "f", "{}")]);
    assert_eq!(parts(&[again("a", "{"), again("", "}")]), [call("a", "f", "{}")]);
    // No id: one is made up.
    let bare =
        json!({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": {"a": 1}}}]});
    assert_eq!(parts(&[bare]), [call("call_chatcmplA1_0", "f", "{\"a\":1}")]);
    // Neither index nor id.
    let named =
        |name: &str| json!({"tool_calls": [{"function": {"name": name, "arguments": "{}"}}]});
    let made_up = ["call_chatcmplA1_0", "call_chatcmplA1_1"];
    assert_eq!(
        parts(&[named("f"), named("g")]),
        [call(made_up[0], "f", "{}"), call(made_up[1], "g", "{}")]
    );
    // The name late.
    let late = [
        json!({"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": "{"}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "}"}}]}),
    ];
    assert_eq!(parts(&late), [call("a", "f", "{}")]);
    // Mixed up: nobody knows whose fragment comes when.
    let mixed = stream(
        &[
            zero("a"),
            json!({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{"}}]}),
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}),
        ],
        "stop",
    );
    let events = read_stream(&mut Reader::default(), mixed.as_bytes());
    assert!(events.iter().any(|event| matches!(event, Event::Error { .. })));
}

#[test]
fn thoughts_of_every_kind_of_provider_are_read() {
    let mistral = |kind: &str, text: &str| match kind {
        "thinking" => {
            json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]})
        }
        _ => json!({"content": text}),
    };
    let said = parts(&[mistral("thinking", "h"), mistral("thinking", "m"), mistral("text", "21")]);
    assert_eq!(said, [thinking("hm"), Part::text("21")]);
    let item = |text: &str, more: Value| {
        let mut item =
            json!({"type": "reasoning.text", "text": text, "format": "theirs", "index": 0});
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item
    };
    let said = parts(&[
        json!({"reasoning": "h", "reasoning_details": [item("h", json!({}))]}),
        json!({"reasoning": "m", "reasoning_details": [item("m", json!({}))]}),
        json!({"reasoning_details": [item("", json!({"signature": "s"}))]}),
        json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "d", "format": "theirs"}]}),
        json!({"content": "21"}),
    ]);
    assert_eq!(said[0].content, Content::Thinking("hm".to_owned()));
    let own = said[0].signature.clone().unwrap();
    assert_eq!(own.wire, Wire::Chat);
    let handed_back: Value = serde_json::from_str(&own.value).unwrap();
    assert_eq!(
        handed_back,
        item("hm", json!({"signature": "s"})),
        "whole, though it came in pieces"
    );
    assert_eq!(said[1].content, Content::HiddenThinking);
    assert_eq!(said[2], Part::text("21"));
}

#[test]
fn a_search_models_sources_come_once_and_at_the_end() {
    let chunk = |delta: Value, reason: Value| {
        let chunk = json!({"id": "x", "citations": ["https://a.example"], "choices": [
            {"index": 0, "delta": delta, "message": {"content": "all of it"}, "finish_reason": reason}]});
        format!("data: {chunk}\r\n\r\n")
    };
    let text = chunk(json!({"content": "2"}), Value::Null)
        + &chunk(json!({"content": "1"}), "stop".into());
    let answer = read(&text).expect("whole without an end mark");
    let Content::Text { text, citations } = &answer.candidates[0].parts[0].content else {
        panic!()
    };
    assert_eq!((text.as_str(), citations.len()), ("21", 1));
}

#[test]
fn a_stream_that_was_cut_has_no_end_and_one_that_broke_says_so() {
    let whole = stream(&[json!({"content": "21"})], "stop");
    let cut = whole.split("data: ").take(2).collect::<Vec<_>>().join("data: ");
    let events = read_stream(&mut Reader::default(), cut.as_bytes());
    assert!(!events.contains(&Event::End), "{events:?}");
    let broken = "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n";
    let events = read_stream(&mut Reader::default(), broken.as_bytes());
    let (kind, message) = ("server_error".to_owned(), "boom".to_owned());
    assert_eq!(events, [Event::Error { kind, message }]);
    // An end of nothing is no answer: the call is tried again.
    assert_eq!(read_stream(&mut Reader::default(), b"data: [DONE]\n\n"), []);
}

#[test]
fn a_malformed_line_is_left_out_and_the_stream_goes_on() {
    let mut reader = Reader::default();
    let mut events = Vec::new();
    assert!(reader.read(b"data: {nope\n\n", &mut events).is_err());
    assert!(reader.read(b"data: \n\n", &mut events).is_ok());
    reader.read(b": keep-alive\n\n", &mut events).unwrap();
    assert_eq!(events, [Event::Ping]);
}

#[test]
fn a_byte_order_mark_hides_nothing() {
    let text = format!("\u{feff}{}", stream(&[json!({"content": "21"})], "stop"));
    let mut watch = Watcher::default();
    assert_eq!(
        watch.see(text.split_inclusive("\n\n").next().unwrap().as_bytes()),
        Seen::Chunk { content: true }
    );
    assert_eq!(read(&text).unwrap().candidates[0].parts, [Part::text("21")]);
}

#[test]
fn a_stream_is_written_as_the_sdks_read_it() {
    let parts = vec![thinking("hm"), Part::text("2\"1"), call("a", "f", "{}")];
    let said = Candidate { parts, stop: Stop::ToolUse, logprobs: None, native: None };
    let tokens =
        Some(Tokens { input: 20, cached_input: 5, output: 8, reasoning: 4, ..Tokens::default() });
    let answer =
        Answer { candidates: vec![said], tokens, model: "m".to_owned(), ..Answer::default() };
    let text = write(&events_of(&answer, 99), true);
    let mut chunks: Vec<&str> =
        text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    assert_eq!(chunks.pop(), Some("[DONE]"));
    let chunks: Vec<Value> =
        chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
    let (last, rest) = chunks.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["prompt_tokens"], 25);
    assert_eq!(last["usage"]["completion_tokens_details"]["reasoning_tokens"], 4);
    for chunk in rest {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["id"], "chatcmpl-req_1");
        assert_eq!(chunk["usage"], Value::Null);
    }
    let deltas: Vec<&Value> = rest.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert_eq!(
        deltas,
        [
            &json!({"role": "assistant", "content": "", "refusal": null}),
            &json!({"reasoning_content": "hm"}),
            &json!({"content": "2\"1"}),
            &json!({"tool_calls": [{"index": 0, "id": "a", "type": "function",
                "function": {"name": "f", "arguments": ""}}]}),
            &json!({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
            &json!({}),
        ]
    );
    assert_eq!(rest.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
    let unasked = write(&events_of(&answer, 99), false);
    assert!(!unasked.contains("usage"), "usage that nobody asked for is not told");
}

#[test]
fn what_proves_reasoning_is_in_the_stream() {
    let signed = |part: Part, wire| Part {
        signature: Some(Signature { wire, value: "s".to_owned() }),
        ..part
    };
    let parts = vec![
        signed(thinking("hm"), Wire::Messages),
        signed(Part::new(Content::HiddenThinking), Wire::Responses),
        signed(call("a", "f", "{}"), Wire::Gemini),
        signed(call("b", "f", "{}"), Wire::Converse),
    ];
    survives(parts);
    // What a provider of this dialect gave is the item itself, its text told in it once more.
    let item =
        json!({"type": "reasoning.text", "text": "hm", "signature": "s", "format": "theirs"});
    let signature = Some(Signature { wire: Wire::Chat, value: item.to_string() });
    survives(vec![Part { signature, ..thinking("hm") }, call("a", "f", "{}")]);
}

/// Parts that a stream of them, cut small, gives back as they were.
fn survives(parts: Vec<Part>) {
    let said = Candidate { parts, stop: Stop::ToolUse, logprobs: None, native: None };
    let answer = Answer { candidates: vec![said], ..Answer::default() };
    let text = write(&events_of(&answer, 1), false);
    assert_eq!(read(&text).unwrap().candidates, answer.candidates);
}

#[test]
fn an_error_ends_a_stream_in_the_vendors_form_and_never_with_an_end_mark() {
    let error = Event::Error { kind: "server_error".to_owned(), message: "boom".to_owned() };
    let text = write(std::slice::from_ref(&error), false);
    assert!(!text.contains("[DONE]"));
    assert_eq!(read_stream(&mut Reader::default(), text.as_bytes()), [error]);
}

#[test]
fn what_passes_is_watched() {
    let mut watch = Watcher::default();
    let mut see = |data: &str| watch.see(format!("data: {data}\n\n").as_bytes());
    assert_eq!(
        see(r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#),
        Seen::Chunk { content: false }
    );
    assert_eq!(see(r#"{"choices":[{"delta":{"content":"a"}}]}"#), Seen::Chunk { content: true });
    assert_eq!(see("{nope"), Seen::Malformed);
    assert_eq!(see(r#"{"error":{"message":"no"}}"#), Seen::Error);
    assert!(!watch.may_end());
    assert_eq!(watch.see(b": note\n\n"), Seen::Silent);
    let usage = br#"data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    assert_eq!(watch.see(usage), Seen::Usage);
    assert_eq!(watch.reported().tokens.map(|tokens| tokens.total()), Some(3));
    assert!(watch.may_end());
    assert_eq!(watch.see(b"data: [DONE]\n\n"), Seen::Done);
}

proptest! {
    #[test]
    fn a_stream_survives_being_written_and_read(
        said in proptest::collection::vec((".{1,9}", ".{1,9}", proptest::collection::vec((".{1,9}", ".{0,9}"), 0..3)), 1..3),
        size in 1..5_usize, usage in any::<bool>(),
    ) {
        let candidates = said.into_iter().map(|(thought, text, calls)| {
            let stop = if calls.is_empty() { Stop::End } else { Stop::ToolUse };
            let mut parts = vec![thinking(&thought), Part::text(text)];
            // Providers give every call an id of its own.
            parts.extend(calls.iter().enumerate().map(|(n, (id, input))| call(&format!("{n}{id}"), "f", input)));
            Candidate { parts, stop, logprobs: None, native: None }
        }).collect();
        let tokens = usage.then(|| Tokens { input: 1, output: 2, ..Tokens::default() });
        let answer = Answer { id: "x".into(), model: "m".into(), created: Some(5), candidates, tokens, ..Answer::default() };
        prop_assert_eq!(read(&write(&events_of(&answer, size), usage)), Some(answer));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(events in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..6)) {
        let mut reader = Reader::default();
        let mut out = Vec::new();
        for event in events {
            let _ = reader.read(&event, &mut out);
            Watcher::default().see(&event);
        }
        reader.close(&mut out);
    }

    #[test]
    fn no_chunks_make_the_reader_break_its_order(chunks in proptest::collection::vec(crate::testing::mangled(json!({
        "id": "x", "choices": [{"index": 0, "delta": {"content": "a", "reasoning": "b",
            "reasoning_details": [{"type": "reasoning.text", "text": "a", "signature": "s"}],
            "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}]}},
            {"index": 1, "delta": {"tool_calls": [{"index": 1, "id": "b", "function": {"arguments": "{"}}]},
                "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2}
    })), 0..5)) {
        let text: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
        read(&(text + "data: [DONE]\n\n"));
    }
}
