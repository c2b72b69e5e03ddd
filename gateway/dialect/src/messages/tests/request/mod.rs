//! Requests, read and written.

mod write;

use super::{DIRECT, golden_json, read, write_for};
use crate::Wire;
use crate::convert::{Address, Inbound as _, Outbound as _};
use crate::neutral::{
    CacheMark, CallKind, Content, Effort, Part, Request, Role, Source, Tool, ToolCall, ToolChoice,
    ToolKind, ToolResult, Turn,
};
use crate::testing::mangled;
use proptest::prelude::*;
use serde_json::{Value, json};

const OLD: &str = "claude-sonnet-4-20250514";

const NOW: &str = "claude-sonnet-4-5";

const NEW: &str = "claude-opus-4-8";

fn user(text: &str) -> Turn {
    Turn::new(Role::User, vec![Part::text(text)])
}

fn ask(turns: Vec<Turn>) -> Request {
    Request { model: "m".into(), turns, ..Request::default() }
}

fn call(id: &str, input: &str) -> Part {
    Part::new(Content::ToolCall(ToolCall {
        id: id.into(),
        name: "get_weather".into(),
        input: input.into(),
        kind: CallKind::Function,
    }))
}

fn result(id: &str, text: &str) -> Part {
    Part::new(Content::ToolResult(ToolResult {
        call_id: id.into(),
        name: String::new(),
        parts: vec![Part::text(text)],
        is_error: false,
    }))
}

fn weather() -> Tool {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    Tool {
        name: "get_weather".into(),
        description: None,
        kind: ToolKind::Function { schema, strict: None },
        cache: None,
    }
}

#[test]
fn every_scene_is_read_and_written_again_without_a_loss() {
    for scene in ["plain", "tools", "parallel_tools", "structured", "image", "reasoning", "stream"]
    {
        let body = golden_json(&format!("{scene}.request.json"));
        let request = read(&body).unwrap();
        let (written, dropped) = write_for(NOW, &request).unwrap();
        assert_eq!(dropped, "", "{scene}");
        assert_eq!(written["model"], NOW);
        assert_eq!(read(&written).unwrap(), request, "{scene}");
        for same in ["max_tokens", "tools", "thinking", "output_config", "stream"] {
            assert_eq!(written.get(same), body.get(same), "{scene}.{same}");
        }
    }
}

#[test]
fn everything_a_block_can_say_is_read() {
    let request = read(&json!({
        "model": "a", "max_tokens": 5, "stream": true, "temperature": 0.5, "top_p": 0.9, "top_k": 3,
        "stop_sequences": ["x"], "metadata": {"user_id": "u"}, "service_tier": "standard_only",
        "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "cache_control": {"type": "ephemeral"},
        "thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "max"},
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true},
        "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": true},
                  {"type": "web_search_20250305", "name": "web_search"}],
        "messages": [
            {"role": "user", "content": [
                {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "D"}},
                {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
                {"type": "image", "source": {"type": "file", "file_id": "file_1"}}]},
            {"role": "assistant", "content": [
                {"type": "redacted_thinking", "data": "R"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"z": 1, "a": [1.5, null]}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": [
                    {"type": "text", "text": "no"},
                    {"type": "image", "source": {"type": "url", "url": "https://example.com/i.png"}}]}]},
        ],
    }))
    .unwrap();
    assert_eq!(request.turns.len(), 4);
    assert_eq!(request.turns[0].parts[0].cache, Some(CacheMark::Hour));
    assert_eq!(request.turns[3].parts[0].cache, Some(CacheMark::Short));
    let Content::File(media) = &request.turns[1].parts[0].content else { panic!("no file") };
    assert_eq!(media.source, Source::Text("D".into()));
    assert_eq!(media.name.as_deref(), Some("T"));
    let Content::Image(media) = &request.turns[1].parts[2].content else { panic!("no image") };
    assert_eq!(media.source, Source::Uploaded(Wire::Messages, "file_1".into()));
    assert_eq!(request.turns[2].parts[0].content, Content::HiddenThinking);
    let Content::ToolCall(call) = &request.turns[2].parts[1].content else { panic!("no call") };
    assert_eq!(call.input, r#"{"z":1,"a":[1.5,null]}"#);
    let Content::ToolResult(result) = &request.turns[3].parts[0].content else {
        panic!("no result")
    };
    assert_eq!((result.name.as_str(), result.is_error, result.parts.len()), ("f", true, 2));
    assert_eq!(request.tool_choice, Some(ToolChoice::One("f".into())));
    assert_eq!(request.parallel_tool_calls, Some(false));
    let reasoning = request.reasoning.unwrap();
    assert_eq!((reasoning.effort, reasoning.show), (Some(Effort::Highest), Some(false)));
    assert_eq!(request.service_tier.as_deref(), Some("default"));
    assert_eq!(request.end_user.as_deref(), Some("u"));
    assert!(matches!(request.tools[1].kind, ToolKind::Native(_)));
    assert_eq!(request.extra, []);
}

#[test]
fn what_has_no_place_in_the_neutral_form_is_kept_with_its_path() {
    let request = read(&json!({
        "model": "a", "container": "c", "output_config": {"task_budget": {"total": 5}},
        "messages": [{"role": "user", "content": [{"type": "document", "context": "x",
            "citations": {"enabled": true}, "source": {"type": "text", "data": "D"}}]}],
    }))
    .unwrap();
    let names: Vec<&str> = request.extra.iter().map(|extra| extra.name.as_str()).collect();
    let expected = [
        "messages[0].content[0].context",
        "messages[0].content[0].citations",
        "output_config.task_budget",
        "container",
    ];
    assert_eq!(names, expected);
    let (written, dropped) = write_for(NEW, &request).unwrap();
    assert_eq!(written["container"], "c");
    assert_eq!(written["output_config"]["task_budget"]["total"], 5);
    assert!(dropped.contains("messages[0].content[0].citations"), "{dropped}");
}

#[test]
fn a_wrong_type_at_any_depth_is_named() {
    let message =
        |content: Value| json!({"model": "a", "messages": [{"role": "user", "content": content}]});
    for (body, path) in [
        (json!({"messages": []}), "model"),
        (json!({"model": "a"}), "messages"),
        (json!({"model": "a", "messages": {}}), "messages"),
        (json!({"model": "a", "messages": [1]}), "messages[0]"),
        (json!({"model": "a", "messages": [{"role": "bot", "content": ""}]}), "messages[0].role"),
        (json!({"model": "a", "messages": [{"role": "user"}]}), "messages[0].content"),
        (message(json!(5)), "messages[0].content"),
        (message(json!([5])), "messages[0].content[0]"),
        (message(json!([{}])), "messages[0].content[0].type"),
        (message(json!([{"type": 5}])), "messages[0].content[0].type"),
        (message(json!([{"type": "text"}])), "messages[0].content[0].text"),
        (message(json!([{"type": "text", "text": 5}])), "messages[0].content[0].text"),
        (message(json!([{"type": "image"}])), "messages[0].content[0].source"),
        (
            message(json!([{"type": "image", "source": {"type": "url", "url": 5}}])),
            "messages[0].content[0].source.url",
        ),
        (
            message(json!([{"type": "tool_use", "id": "a", "name": "f", "input": "x"}])),
            "messages[0].content[0].input",
        ),
        (
            message(
                json!([{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "tool_result"}]}]),
            ),
            "messages[0].content[0].content[0]",
        ),
        (
            message(json!([{"type": "text", "text": "a", "cache_control": {"ttl": "9h"}}])),
            "messages[0].content[0].cache_control.ttl",
        ),
        (json!({"model": "a", "messages": [], "tools": [{"name": "f"}]}), "tools[0].input_schema"),
        (json!({"model": "a", "messages": [], "tool_choice": {"type": "x"}}), "tool_choice.type"),
        (json!({"model": "a", "messages": [], "max_tokens": -1}), "max_tokens"),
        (json!({"model": "a", "messages": [], "max_tokens": 1e300}), "max_tokens"),
        (
            json!({"model": "a", "messages": [], "thinking": {"type": "enabled"}}),
            "thinking.budget_tokens",
        ),
        (
            json!({"model": "a", "messages": [], "output_config": {"effort": "x"}}),
            "output_config.effort",
        ),
        (json!({"model": "a", "messages": [], "stop_sequences": [1]}), "stop_sequences[0]"),
    ] {
        let invalid = read(&body).unwrap_err();
        assert_eq!(invalid.param.as_deref(), Some(path), "{body}");
        assert!(invalid.detail.contains(path), "{}", invalid.detail);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        // Whether it is one is not the question.
        drop(DIRECT.read_request(&bytes, &Address::default()));
        drop(DIRECT.read_answer(&bytes));
        DIRECT.read_error(500, &bytes);
    }

    #[test]
    fn a_request_that_is_nearly_right_is_read_or_refused_and_what_is_read_is_written_or_refused(
        body in prop_oneof![
            mangled(golden_json("reasoning.request.json")),
            mangled(golden_json("image.request.json")),
            mangled(golden_json("structured.request.json")),
        ],
        model in prop_oneof![Just(OLD), Just(NOW), Just(NEW)],
    ) {
        if let Ok(request) = read(&body)
            && let Ok((written, _)) = write_for(model, &request)
        {
            prop_assert!(read(&written).is_ok(), "{written}");
        }
    }

    #[test]
    fn texts_and_calls_come_back_as_they_were(
        texts in proptest::collection::vec("\\PC{0,20}", 1..6), id in "[a-zA-Z0-9_-]{1,20}",
        key in "\\PC{1,8}", value in any::<i64>(),
    ) {
        let mut turns: Vec<Turn> = Vec::new();
        for (n, text) in texts.iter().enumerate() {
            let role = if n % 2 == 0 { Role::User } else { Role::Assistant };
            turns.push(Turn::new(role, vec![Part::text(format!("x{text}x"))]));
        }
        if turns.len().is_multiple_of(2) {
            turns.push(user("and?"));
        }
        let input = json!({key: value}).to_string();
        turns.push(Turn::new(Role::Assistant, vec![call(&id, &input)]));
        turns.push(Turn::new(Role::User, vec![result(&id, "1")]));
        let mut request = Request { tools: vec![weather()], output_tokens_max: Some(5), ..ask(turns) };
        let (written, dropped) = write_for(NOW, &request).unwrap();
        prop_assert_eq!(dropped, "");
        request.model = NOW.into();
        if let Some(Content::ToolResult(result)) =
            request.turns.last_mut().map(|turn| &mut turn.parts[0].content)
        {
            result.name = "get_weather".into();
        }
        prop_assert_eq!(read(&written).unwrap(), request);
    }
}
