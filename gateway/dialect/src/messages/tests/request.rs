//! Requests, read and written.

use super::{DIRECT, golden, golden_json, read, write_for};
use crate::Wire;
use crate::convert::{Address, Inbound as _, Outbound as _, Provider};
use crate::loss::Losses;
use crate::messages::{Host, JSON_TOOL, Messages};
use crate::neutral::{
    CacheMark, CallKind, Content, Effort, Format, Media, Part, Reasoning, Request, Role, Schema,
    Signature, Source, Tool, ToolCall, ToolChoice, ToolKind, ToolResult, Turn,
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

#[test]
fn turns_of_one_side_become_one_with_the_results_of_tools_first() {
    let request = ask(vec![
        user("a"),
        Turn::new(Role::Assistant, vec![call("c:1", "")]),
        Turn::new(Role::Assistant, vec![call("c2", r#"{"city":"Oslo"}"#)]),
        user("wait"),
        Turn::new(Role::User, vec![result("c:1", "1")]),
        Turn::new(Role::User, vec![result("c2", "2"), Part::text("")]),
    ]);
    let (written, _) = write_for(NOW, &request).unwrap();
    let messages = written["messages"].as_array().unwrap();
    let roles: Vec<&Value> = messages.iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert_eq!(
        messages[1]["content"][0],
        json!({"type": "tool_use", "id": "c_1", "name": "get_weather", "input": {}})
    );
    let kinds: Vec<&Value> =
        messages[2]["content"].as_array().unwrap().iter().map(|block| &block["type"]).collect();
    assert_eq!(kinds, ["tool_result", "tool_result", "text"]);
    assert_eq!(messages[2]["content"][0]["tool_use_id"], "c_1");
    // A history that calls tools nobody declared has them declared, and not called.
    assert_eq!(written["tools"][0]["name"], "get_weather");
    assert_eq!(written["tool_choice"]["type"], "none");
}

#[test]
fn the_callers_side_speaks_first_and_late_instructions_are_heard() {
    let system = |text: &str| Turn::new(Role::System, vec![Part::text(text)]);
    let answer = Turn::new(Role::Assistant, vec![Part::text("Hello.  ")]);
    let (written, dropped) = write_for(NOW, &ask(vec![system("S"), answer.clone()])).unwrap();
    assert_eq!(written["system"][0]["text"], "S");
    assert_eq!(written["messages"][0]["role"], "user");
    assert_eq!(written["messages"][1]["content"][0]["text"], "Hello.");
    assert_eq!(dropped, "turns");
    let late = ask(vec![user("a"), system("Be kind."), answer, user("b")]);
    let (written, dropped) = write_for(NOW, &late).unwrap();
    assert_eq!(written["messages"][0]["content"][1]["text"], "<system>\nBe kind.\n</system>");
    assert_eq!(dropped, "turns[1]");
    let (written, dropped) = write_for(NEW, &late).unwrap();
    assert_eq!(
        written["messages"][1],
        json!({"role": "system", "content": [{"type": "text", "text": "Be kind."}]})
    );
    assert_eq!(dropped, "");
    assert!(write_for(NOW, &ask(vec![])).is_err());
}

#[test]
fn each_generation_is_asked_to_think_in_its_own_words() {
    let mut request = ask(vec![user("a")]);
    request.reasoning =
        Some(Reasoning { effort: Some(Effort::High), tokens_max: None, show: Some(true) });
    let (written, _) = write_for(NOW, &request).unwrap();
    // Nobody bounds the answer, so the budget fits under what is given by default.
    assert_eq!(written["max_tokens"], 4_096);
    assert_eq!(written["thinking"], json!({"type": "enabled", "budget_tokens": 3_072}));
    let (written, _) = write_for(NEW, &request).unwrap();
    assert_eq!(written["thinking"], json!({"type": "adaptive", "display": "summarized"}));
    assert_eq!(written["output_config"]["effort"], "high");
    let (written, dropped) = write_for("claude-3-5-haiku-latest", &request).unwrap();
    assert_eq!((written.get("thinking"), dropped.as_str()), (None, "reasoning"));
    // The caller's own budget is kept, and the bound raised above it.
    request.reasoning = Some(Reasoning { effort: None, tokens_max: Some(9_000), show: None });
    request.output_tokens_max = Some(1_000);
    let (written, _) = write_for(NOW, &request).unwrap();
    assert_eq!(written["max_tokens"], 10_000);
    assert_eq!(written["thinking"]["budget_tokens"], 9_000);
    let (written, _) = write_for(NEW, &request).unwrap();
    assert_eq!(written["max_tokens"], 1_000);
    assert_eq!(written["output_config"]["effort"], "medium");
    // And none is none.
    request.reasoning =
        Some(Reasoning { effort: Some(Effort::None), tokens_max: None, show: None });
    for model in [NOW, NEW] {
        let (written, dropped) = write_for(model, &request).unwrap();
        assert_eq!(
            (written.get("thinking"), written.get("output_config"), dropped.as_str()),
            (None, None, "")
        );
    }
    let (written, _) = write_for("claude-sonnet-5", &request).unwrap();
    assert_eq!(written["thinking"], json!({"type": "disabled"}));
}

#[test]
fn what_thinking_forbids_gives_way_and_is_told() {
    let mut request = ask(vec![user("a")]);
    request.tools = vec![weather()];
    request.tool_choice = Some(ToolChoice::Any);
    request.reasoning = Some(Reasoning { effort: Some(Effort::Low), ..Reasoning::default() });
    let (written, dropped) = write_for(NOW, &request).unwrap();
    assert_eq!(written["tool_choice"]["type"], "any");
    assert_eq!((written.get("thinking"), dropped.as_str()), (None, "reasoning"));
    // An open call of tools that was made without thinking.
    request.tool_choice = None;
    request.turns.push(Turn::new(Role::Assistant, vec![call("c", "{}")]));
    request.turns.push(Turn::new(Role::User, vec![result("c", "1")]));
    let (written, dropped) = write_for(NOW, &request).unwrap();
    assert_eq!((written.get("thinking"), dropped.as_str()), (None, "reasoning"));
    let (written, _) = write_for(NEW, &request).unwrap();
    assert_eq!(written["thinking"]["type"], "adaptive");
    // Sampling besides thinking.
    let mut request = ask(vec![user("a")]);
    request.reasoning = Some(Reasoning { effort: Some(Effort::Low), ..Reasoning::default() });
    request.sampling.temperature = Some(0.2);
    request.sampling.top_k = Some(5);
    let (written, dropped) = write_for(NOW, &request).unwrap();
    assert_eq!((written.get("temperature"), written.get("top_k")), (None, None));
    assert_eq!(dropped, "sampling.temperature, sampling.top_k");
}

#[test]
fn temperature_and_top_p_follow_what_the_model_takes() {
    let mut request = ask(vec![user("a")]);
    request.sampling.temperature = Some(1.5);
    request.sampling.top_p = Some(0.5);
    let (written, dropped) = write_for(OLD, &request).unwrap();
    assert_eq!((&written["temperature"], &written["top_p"]), (&json!(1.0), &json!(0.5)));
    assert_eq!(dropped, "sampling.temperature");
    let (written, dropped) = write_for(NOW, &request).unwrap();
    assert_eq!((&written["temperature"], written.get("top_p")), (&json!(1.0), None));
    assert_eq!(dropped, "sampling.temperature, sampling.top_p");
    request.sampling.temperature = Some(1.0);
    let (written, dropped) = write_for(NEW, &request).unwrap();
    assert_eq!((written.get("temperature"), written.get("top_p")), (None, None));
    assert_eq!(dropped, "sampling.top_p");
}

#[test]
fn structured_output_is_native_where_the_model_has_it_and_a_tool_elsewhere() {
    let closed = json!({"type": "object", "properties": {"city": {"type": "string"}},
        "additionalProperties": false});
    let schema = |schema: Value| {
        Format::Schema(Schema {
            name: "weather".into(),
            description: None,
            schema,
            strict: Some(true),
        })
    };
    let mut request = ask(vec![user("a")]);
    request.format = schema(closed.clone());
    let (written, dropped) = write_for(NOW, &request).unwrap();
    assert_eq!(
        written["output_config"]["format"],
        json!({"type": "json_schema", "schema": closed})
    );
    assert_eq!((written.get("tools"), dropped.as_str()), (None, ""));
    let (written, dropped) = write_for(OLD, &request).unwrap();
    assert_eq!(written["tools"][0]["name"], JSON_TOOL);
    assert_eq!(written["tools"][0]["input_schema"], closed);
    assert_eq!(written["tool_choice"], json!({"type": "tool", "name": JSON_TOOL}));
    assert_eq!(dropped, "format");
    // With tools of the caller's, either is called.
    request.tools = vec![weather()];
    let (written, _) = write_for(OLD, &request).unwrap();
    assert_eq!(written["tool_choice"]["type"], "any");
    assert_eq!(written["tools"][1]["name"], JSON_TOOL);
    request.format = Format::Json;
    let (written, _) = write_for(NEW, &request).unwrap();
    assert_eq!(written["tools"][1]["input_schema"], json!({"type": "object"}));
    request.format = schema(json!({"type": "array"}));
    assert_eq!(write_for(OLD, &request).unwrap_err().param.as_deref(), Some("format.schema"));
}

#[test]
fn only_signatures_that_the_vendor_knows_go_back_to_it() {
    let proved = |content: Content, wire: Wire, value: &str| {
        let mut part = Part::new(content);
        part.signature = Some(Signature { wire, value: value.into() });
        part
    };
    let thought = || Content::Thinking("hm".into());
    let request = ask(vec![
        user("a"),
        Turn::new(
            Role::Assistant,
            vec![
                proved(thought(), Wire::Messages, "own"),
                proved(thought(), Wire::Converse, "cousin"),
                proved(Content::HiddenThinking, Wire::Messages, "hidden"),
                proved(thought(), Wire::Responses, "foreign"),
                Part::new(thought()),
                proved(call("c", "{}").content, Wire::Gemini, "foreign"),
            ],
        ),
        Turn::new(Role::User, vec![result("c", "1")]),
    ]);
    let (written, dropped) = write_for(NOW, &request).unwrap();
    assert_eq!(
        written["messages"][1]["content"],
        json!([
            {"type": "thinking", "thinking": "hm", "signature": "own"},
            {"type": "thinking", "thinking": "hm", "signature": "cousin"},
            {"type": "redacted_thinking", "data": "hidden"},
            {"type": "tool_use", "id": "c", "name": "get_weather", "input": {}},
        ])
    );
    assert_eq!(dropped, "turns[1].parts[3], turns[1].parts[4], turns[1].parts[5]");
}

#[test]
fn what_the_vendor_cannot_take_is_refused_by_name() {
    let with = |content: Content| ask(vec![Turn::new(Role::User, vec![Part::new(content)])]);
    let media = |source: Source, media_type: &str| Media {
        source,
        media_type: media_type.into(),
        ..Media::default()
    };
    for request in [
        with(Content::Audio(media(Source::Inline("AAAA".into()), "audio/wav"))),
        with(Content::Image(media(Source::Inline("AAAA".into()), ""))),
        with(Content::Image(media(Source::Uploaded(Wire::Responses, "f".into()), ""))),
        with(Content::File(media(Source::Inline("//79".into()), "application/zip"))),
    ] {
        let refused = write_for(NOW, &request).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("turns[0].parts[0]"), "{request:?}");
    }
    let cut = ask(vec![Turn::new(Role::Assistant, vec![call("c", r#"{"city": "Pa"#)])]);
    let refused = write_for(NOW, &cut).unwrap_err();
    assert_eq!(refused.param.as_deref(), Some("turns[0].parts[0].input"));
    // What it takes in other words.
    let text = with(Content::File(media(Source::Inline("aGk=".into()), "text/markdown")));
    let (written, _) = write_for(NOW, &text).unwrap();
    assert_eq!(written["messages"][0]["content"][0]["source"]["data"], "hi");
}

#[test]
fn each_host_has_its_envelope() {
    let mut request = ask(vec![user("a")]);
    request.stream = true;
    for (host, path, body) in [
        (
            Host::Direct,
            "/messages",
            json!({"model": "claude-opus-4-8", "max_tokens": 64_000, "stream": true}),
        ),
        (
            Host::Vertex,
            "/publishers/anthropic/models/claude-opus-4-8:streamRawPredict",
            json!({"anthropic_version": "vertex-2023-10-16", "max_tokens": 64_000, "stream": true}),
        ),
        (
            Host::Bedrock,
            "/model/claude-opus-4-8/invoke-with-response-stream",
            json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64_000}),
        ),
    ] {
        let to = Provider { model: NEW, output_tokens_max: 64_000 };
        let written =
            Messages { host }.write_request(&request, &to, &mut Losses::new(Wire::Messages));
        let mut written: Value = serde_json::from_slice(&written.unwrap()).unwrap();
        written.as_object_mut().unwrap().shift_remove("messages");
        assert_eq!(written, body);
        assert_eq!(Messages { host }.path(NEW, true), path);
    }
    let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/x";
    assert_eq!(
        Messages { host: Host::Bedrock }.path(arn, false),
        "/model/arn:aws:bedrock:us-east-1:1:inference-profile%2Fx/invoke"
    );
}

#[test]
fn a_count_is_asked_without_what_only_a_run_needs() {
    let request = crate::messages::read_count(&golden("tools.request.json")).unwrap();
    let to = Provider { model: NOW, output_tokens_max: 0 };
    let body = DIRECT.write_count(&request, &to, &mut Losses::new(Wire::Messages)).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body.get("max_tokens"), None);
    assert_eq!(body["messages"].as_array().map(Vec::len), Some(3));
    assert_eq!(crate::messages::count_body(25), br#"{"input_tokens":25}"#);
    assert_eq!(crate::messages::read_count_answer(br#"{"input_tokens":25}"#), Ok(25));
    assert!(crate::messages::read_count_answer(b"<html>").is_err());
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
