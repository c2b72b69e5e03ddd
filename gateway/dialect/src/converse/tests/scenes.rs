//! Recorded and golden streams, and whatever else may come.

use super::*;

fn corpus(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("WIRE_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let folder = root.join(folder);
    if !folder.is_dir() {
        eprintln!("not tested: {} is not there; set WIRE_CORPUS", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn recorded_streams_are_read_and_broken_ones_do_not_end() {
    let Some(folder) = corpus("gateway-peer/response") else { return };
    let read = |file: &str| {
        let events = read_all(&std::fs::read(folder.join(file)).unwrap());
        assert_in_order(&events);
        events
    };
    let tools = read("bedrock/tool.bin");
    let called: Vec<&str> = tools
        .iter()
        .filter_map(|event| match event {
            Event::Open { what: Block::ToolCall { name, .. }, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(called, ["top_song", "hello"]);
    assert!(tools.contains(&Event::Stop { candidate: 0, stop: Stop::ToolUse }));
    assert_eq!(tools.last(), Some(&Event::End));
    for (file, input, output) in
        [("detect/bedrock-basic.bin", 15, 142), ("detect/bedrock-invoke.bin", 47, 12)]
    {
        let events = read(file);
        let told = contract::usage::Tokens { input, output, ..Default::default() };
        assert!(events.contains(&Event::Tokens(told)), "{file}: {events:?}");
        assert_eq!(events.last(), Some(&Event::End));
        let mut watch = Converse.watch();
        Events::new(1 << 20)
            .push(std::fs::read(folder.join(file)).unwrap().into(), &mut VecDeque::new(), |event| {
                watch.see(event);
                Verdict::Keep
            })
            .unwrap();
        assert_eq!((watch.may_end(), watch.reported().tokens), (true, Some(told)));
    }
    assert_eq!(read("detect/bedrock-broken.bin"), []);
    for (file, parts) in [("bedrock/tool.json", 2), ("bedrock/reasoning_unsigned.json", 2)] {
        let answer = Converse.read_answer(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        assert_eq!(answer.candidates[0].parts.len(), parts, "{file}");
    }
}

/// The scenes that every dialect tells, as Bedrock tells them: a message of a stream a line.
#[test]
fn the_golden_scenes_say_what_they_are_named_for() {
    let file = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/bedrock");
        std::fs::read(folder.join(name)).unwrap()
    };
    let answer = |name: &str| Converse.read_answer(&file(&format!("{name}.answer.json"))).unwrap();
    let streamed = |name: &str| {
        let text = String::from_utf8(file(&format!("{name}.stream"))).unwrap();
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let frames: Vec<Vec<u8>> = lines
            .iter()
            .map(|line| {
                let payload = line["payload"].to_string();
                eventstream::write_event(line["type"].as_str().unwrap(), payload.as_bytes())
            })
            .collect();
        let events = read_all(&frames.concat());
        assert_in_order(&events);
        events
    };
    for (name, calls, stop) in [
        ("tools", 1, Stop::ToolUse),
        ("parallel_tools", 2, Stop::ToolUse),
        ("structured", 0, Stop::End),
        ("reasoning", 0, Stop::End),
        ("image", 0, Stop::End),
    ] {
        let answer = answer(name);
        let parts = &answer.candidates[0].parts;
        let called = parts.iter().filter(|p| matches!(p.content, Content::ToolCall(_))).count();
        assert_eq!((called, &answer.candidates[0].stop), (calls, &stop), "{name}");
        let events = streamed(name);
        let called = events
            .iter()
            .filter(|e| matches!(e, Event::Open { what: Block::ToolCall { .. }, .. }))
            .count();
        assert_eq!(called, calls, "{name}, streamed");
        assert!(events.contains(&Event::Stop { candidate: 0, stop }), "{name}");
        assert!(events.contains(&Event::Tokens(answer.tokens.unwrap())), "{name}");
    }
    assert_eq!(streamed("stream").last(), Some(&Event::End));
    assert!(!streamed("cut").contains(&Event::End));
    let error: Value = serde_json::from_slice(&file("error.answer.json")).unwrap();
    let error = Converse.read_error(429, error["body"].to_string().as_bytes());
    assert_eq!(error.cause, convert::Cause::RateLimited);
}

fn any_answer() -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "aGlk"}},
            {"text": "Hi"},
            {"citationsContent": {"content": [{"text": "C"}], "citations": [{"title": "T"}]}},
            {"toolUse": {"toolUseId": "t", "name": "f", "input": {"b": 1}}}]}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 20, "outputTokens": 12},
    })
}

proptest! {
    #[test]
    fn no_answer_makes_the_reader_panic(body in mangled(any_answer()), bytes in any::<Vec<u8>>()) {
        let body = body.to_string();
        let _ = Converse.read_usage(body.as_bytes());
        let _ = (Converse.read_error(500, body.as_bytes()), Converse.read_error(429, &bytes));
        let _ = Converse.read_answer(&bytes);
        if let Ok(answer) = Converse.read_answer(body.as_bytes()) {
            // And whatever was read can be told again.
            let turn = Turn::new(Role::Assistant, answer.candidates[0].parts.clone());
            let _ = write(&asked(vec![user("?"), turn]), CLAUDE);
        }
    }

    #[test]
    fn any_stream_is_read_in_the_order_that_is_promised(
        events in proptest::collection::vec((0..7_usize, 0..3_u64, 0..8_usize, any::<Vec<u8>>()), 0..30),
    ) {
        let mut reader = Converse.stream_reader();
        let mut told = Vec::new();
        for (name, index, what, noise) in events {
            let names = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "new"];
            let start = [json!({"toolUse": {"toolUseId": "a", "name": "b"}}), json!({"image": {"format": "png"}}), json!({"new": {}}),
                json!({"toolUse": {"toolUseId": "a", "name": JSON_TOOL}})][what % 4].clone();
            let delta = [json!({"text": "a"}), json!({"toolUse": {"input": "{"}}), json!({"reasoningContent": {"text": "r"}}),
                json!({"reasoningContent": {"signature": "s"}}), json!({"reasoningContent": {"redactedContent": "AA=="}}),
                json!({"citation": {}}), json!({"image": {"source": {"bytes": "AA=="}}}), json!({"text": 5})][what].clone();
            let payload = json!({"contentBlockIndex": index, "start": start, "delta": delta, "stopReason": "end_turn",
                "usage": {"inputTokens": 1, "outputTokens": 1}});
            let _ = reader.read(&eventstream::write_event(names[name], payload.to_string().as_bytes()), &mut told);
            let _ = reader.read(&eventstream::write_event(names[name], &noise), &mut told);
            let _ = reader.read(&noise, &mut told);
        }
        reader.close(&mut told);
        assert_in_order(&told);
    }
}
