//! What is understood of streams.

use super::*;

/// Frames `(name, payload)`s, and reads them.
fn stream(events: &[(&str, Value)]) -> Vec<Event> {
    let frames = events
        .iter()
        .map(|(name, payload)| eventstream::write_event(name, payload.to_string().as_bytes()));
    read_all(&frames.collect::<Vec<_>>().concat())
}

#[test]
fn a_stream_opens_and_closes_blocks_that_the_service_only_begins() {
    let events = stream(&[
        ("messageStart", json!({"role": "assistant"})),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "H"}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "m"}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "c2ln"}}}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("contentBlockDelta", json!({"contentBlockIndex": 1, "delta": {"text": ""}})),
        ("contentBlockDelta", json!({"contentBlockIndex": 1, "delta": {"text": "Hi"}})),
        ("contentBlockStop", json!({"contentBlockIndex": 1})),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 2, "delta": {"toolUse": {"input": "{\"a\""}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 2, "delta": {"toolUse": {"input": ":1}"}}}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 2})),
        ("brandNew", json!({"x": 1})),
        ("messageStop", json!({"stopReason": "tool_use"})),
        (
            "metadata",
            json!({"usage": {"inputTokens": 0, "outputTokens": 0}, "metrics": {"latencyMs": 1}}),
        ),
    ]);
    assert_in_order(&events);
    let delta = |block, delta| Event::Delta { block, delta };
    let signature = Signature { wire: Wire::Converse, value: "c2ln".to_owned() };
    let tool =
        Block::ToolCall { id: "t".to_owned(), name: "f".to_owned(), kind: CallKind::Function };
    assert_eq!(
        events,
        [
            Event::Start { id: String::new(), model: String::new(), created: None },
            Event::Open { block: 0, candidate: 0, what: Block::Thinking },
            delta(0, Delta::Text("H".to_owned())),
            delta(0, Delta::Text("m".to_owned())),
            delta(0, Delta::Signature(signature)),
            Event::Close { block: 0 },
            Event::Open { block: 1, candidate: 0, what: Block::Text },
            delta(1, Delta::Text("Hi".to_owned())),
            Event::Close { block: 1 },
            Event::Open { block: 2, candidate: 0, what: tool },
            delta(2, Delta::Input("{\"a\"".to_owned())),
            delta(2, Delta::Input(":1}".to_owned())),
            Event::Close { block: 2 },
            Event::Stop { candidate: 0, stop: Stop::ToolUse },
            Event::Tokens(contract::usage::Tokens::default()),
            Event::End,
        ]
    );
}

#[test]
fn what_comes_in_pieces_and_is_told_whole_is_put_together() {
    let events = stream(&[
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"redactedContent": "YQ=="}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"redactedContent": "Yg=="}}}),
        ),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "s", "name": "g", "type": "server_tool_use"}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{\"q\":1}"}}}),
        ),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 2, "start": {"toolResult": {"toolUseId": "s", "status": "success"}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 2, "delta": {"toolResult": [{"text": "r"}]}}),
        ),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "j", "name": JSON_TOOL}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 3, "delta": {"toolUse": {"input": "{}"}}}),
        ),
        ("messageStop", json!({"stopReason": "tool_use"})),
    ]);
    assert_in_order(&events);
    let wholes: Vec<&Part> = events
        .iter()
        .filter_map(|event| match event {
            Event::Open { what: Block::Whole(part), .. } => Some(part),
            _ => None,
        })
        .collect();
    assert_eq!(wholes[0].signature.as_ref().unwrap().value, "YWI=");
    let Content::Native(call) = &wholes[1].content else { panic!("{wholes:?}") };
    assert_eq!(call.value["toolUse"]["input"], json!({"q": 1}));
    let Content::Native(result) = &wholes[2].content else { panic!("{wholes:?}") };
    assert_eq!(result.value["toolResult"]["content"], json!([{"text": "r"}]));
    assert!(events.contains(&Event::Delta { block: 3, delta: Delta::Text("{}".to_owned()) }));
    // Only our own tool was called; and a stream without metadata is whole all the same.
    assert!(events.contains(&Event::Stop { candidate: 0, stop: Stop::End }));
    assert_eq!(events.last(), Some(&Event::End));
}

#[test]
fn a_stream_that_breaks_never_ends() {
    let text = ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "Hi"}}));
    let cut = stream(std::slice::from_ref(&text));
    assert!(!cut.contains(&Event::End), "{cut:?}");
    let mut bytes = eventstream::write_event(text.0, text.1.to_string().as_bytes());
    bytes.extend(eventstream::write(
        &[(":exception-type", "throttlingException"), (":message-type", "exception")],
        br#"{"message":"slow down"}"#,
    ));
    bytes.extend(eventstream::write_event("messageStop", br#"{"stopReason":"end_turn"}"#));
    let broken = read_all(&bytes);
    let error =
        Event::Error { kind: "throttlingException".to_owned(), message: "slow down".to_owned() };
    assert_eq!(broken.last(), Some(&error));
}

#[test]
fn a_watched_stream_tells_content_usage_and_its_end() {
    let mut watch = Converse.watch();
    let mut see = |name: &str, payload: Value| {
        let seen = watch.see(&eventstream::write_event(name, payload.to_string().as_bytes()));
        (seen, watch.may_end(), watch.reported().tokens)
    };
    use convert::Seen::{Chunk, Done};
    let (seen, ..) = see("messageStart", json!({"role": "assistant"}));
    assert_eq!(seen, Chunk { content: false });
    let (seen, may_end, _) = see("contentBlockDelta", json!({"delta": {"text": "a"}}));
    assert_eq!((seen, may_end), (Chunk { content: true }, false));
    let (_, may_end, _) = see("messageStop", json!({"stopReason": "end_turn"}));
    assert!(may_end);
    let (seen, _, tokens) =
        see("metadata", json!({"usage": {"inputTokens": 3, "outputTokens": 0}}));
    assert_eq!((seen, tokens.map(|t| t.input)), (Done, Some(3)));
    let exception = eventstream::write(&[(":message-type", "exception")], b"{}");
    assert_eq!(watch.see(&exception), convert::Seen::Error);
    assert_eq!(watch.see(b"?"), convert::Seen::Malformed);
}
