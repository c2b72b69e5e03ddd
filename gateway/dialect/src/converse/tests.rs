//! The dialect as a whole: what is asked in it, and what is understood of its answers and streams.

use super::*;
use crate::eventstream::{self, Events};
use crate::neutral::{
    Block, CacheMark, CallKind, Content, Delta, Effort, Event, Extra, Format, Media, Part,
    Reasoning, Role, Schema, Signature, Source, Stop, Tool, ToolCall, ToolChoice, ToolKind,
    ToolResult, Turn,
};
use crate::sse::Verdict;
use crate::testing::mangled;
use crate::{Wire, convert};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

const CLAUDE: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const OLD_CLAUDE: &str = "anthropic.claude-3-7-sonnet-20250219-v1:0";
const LLAMA: &str = "meta.llama3-1-70b-instruct-v1:0";

fn write(request: &Request, model: &str) -> Result<(Value, String), Invalid> {
    let mut losses = Losses::new(Wire::Converse);
    let to = Provider { model, output_tokens_max: 0 };
    let body = Converse.write_request(request, &to, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), losses.header()))
}

fn user(text: &str) -> Turn {
    Turn::new(Role::User, vec![Part::text(text)])
}

fn asked(turns: Vec<Turn>) -> Request {
    Request { turns, ..Request::default() }
}

fn weather() -> Tool {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    Tool {
        name: "get_weather".to_owned(),
        description: Some("Tells the weather.".to_owned()),
        kind: ToolKind::Function { schema, strict: None },
        cache: None,
    }
}

fn call(id: &str, input: &str) -> Part {
    Part::new(Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "get_weather".to_owned(),
        input: input.to_owned(),
        kind: CallKind::Function,
    }))
}

fn result(id: &str, parts: Vec<Part>, is_error: bool) -> Part {
    let (call_id, name) = (id.to_owned(), "get_weather".to_owned());
    Part::new(Content::ToolResult(ToolResult { call_id, name, parts, is_error }))
}

fn signed(text: &str, wire: Wire) -> Part {
    let signature = Some(Signature { wire, value: "c2ln".to_owned() });
    Part { signature, ..Part::new(Content::Thinking(text.to_owned())) }
}

#[test]
fn a_model_is_named_in_the_path_even_by_an_arn() {
    assert_eq!(Converse.path("us.a.b-v1:0", false), "/model/us.a.b-v1%3A0/converse");
    assert_eq!(
        Converse.path("arn:aws:bedrock:x:1:inference-profile/y", true),
        "/model/arn%3Aaws%3Abedrock%3Ax%3A1%3Ainference-profile%2Fy/converse-stream"
    );
}

#[test]
fn a_plain_call_says_no_more_than_it_was_asked() {
    let mut request =
        asked(vec![Turn::new(Role::System, vec![Part::text("Be terse.")]), user("Hi")]);
    request.output_tokens_max = Some(9);
    request.sampling.temperature = Some(0.5);
    request.sampling.stop = vec!["X".to_owned()];
    let (body, lost) = write(&request, LLAMA).unwrap();
    let expected = json!({
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "system": [{"text": "Be terse."}],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "stopSequences": ["X"]},
    });
    assert_eq!((body, lost.as_str()), (expected, ""));
}

#[test]
fn a_loop_of_tools_alternates_and_results_come_first() {
    let mut request = asked(vec![
        user("Weather?"),
        Turn::new(
            Role::Assistant,
            vec![Part::text(" "), call("call/1", "{\"city\":\"Paris\"}"), call("b", "")],
        ),
        Turn::new(Role::System, vec![Part::text("Hurry.")]),
        Turn::new(Role::User, vec![result("call/1", vec![Part::text("21")], false)]),
        Turn::new(Role::User, vec![result("b", vec![Part::text("down")], true)]),
        user("Well?"),
    ]);
    request.tools = vec![weather()];
    request.tool_choice = Some(ToolChoice::Any);
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [{"text": "Weather?"}]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "tollgate_call_0", "name": "get_weather",
                             "input": {"city": "Paris"}}},
                {"toolUse": {"toolUseId": "b", "name": "get_weather", "input": {}}}]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "tollgate_call_0", "content": [{"text": "21"}]}},
                {"toolResult": {"toolUseId": "b", "content": [{"text": "down"}], "status": "error"}},
                {"text": "Hurry."},
                {"text": "Well?"}]},
        ])
    );
    assert_eq!(
        body["toolConfig"],
        json!({
            "tools": [{"toolSpec": {"name": "get_weather", "description": "Tells the weather.",
                "inputSchema": {"json": {"type": "object",
                                         "properties": {"city": {"type": "string"}}}}}}],
            "toolChoice": {"any": {}},
        })
    );
    assert_eq!(lost, "turns[2]");
}

#[test]
fn tools_that_the_history_calls_are_declared_and_those_banned_are_begged_off() {
    let turns = vec![
        user("?"),
        Turn::new(Role::Assistant, vec![call("a", "{}")]),
        Turn::new(Role::User, vec![result("a", vec![], false)]),
    ];
    let (body, _) = write(&asked(turns.clone()), LLAMA).unwrap();
    assert_eq!(body.pointer("/toolConfig/tools/0/toolSpec/name"), Some(&json!("get_weather")));
    let mut banned = asked(turns);
    banned.tools = vec![weather()];
    banned.tool_choice = Some(ToolChoice::None);
    let (body, lost) = write(&banned, LLAMA).unwrap();
    assert!(body["system"].to_string().contains("without calling"), "{body}");
    assert_eq!(lost, "tool_choice");
    banned.turns.truncate(1);
    let (body, _) = write(&banned, LLAMA).unwrap();
    assert_eq!(body.get("toolConfig"), None);
}

#[test]
fn a_choice_among_some_tools_tells_only_of_these() {
    let mut request = asked(vec![user("?")]);
    request.tools = vec![weather(), Tool { name: "other".to_owned(), ..weather() }];
    request.tool_choice = Some(ToolChoice::Among { names: vec!["other".to_owned()], must: true });
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(body.pointer("/toolConfig/tools").unwrap().as_array().unwrap().len(), 1);
    assert_eq!(body.pointer("/toolConfig/toolChoice"), Some(&json!({"any": {}})));
    assert_eq!(lost, "tool_choice");
}

#[test]
fn a_schema_is_enforced_where_the_model_can_and_is_a_tool_where_it_cannot() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}},
                        "required": ["city"], "additionalProperties": false});
    let mut request = asked(vec![user("?")]);
    request.format = Format::Schema(Schema {
        name: "weather".to_owned(),
        description: None,
        schema: schema.clone(),
        strict: Some(true),
    });
    let (body, lost) = write(&request, CLAUDE).unwrap();
    let told = &body["outputConfig"]["textFormat"];
    assert_eq!(told["type"], "json_schema");
    assert_eq!(told["structure"]["jsonSchema"]["name"], "weather");
    let sent = told["structure"]["jsonSchema"]["schema"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(sent).unwrap(), schema);
    assert_eq!((body.get("toolConfig"), lost.as_str()), (None, ""));

    let (body, lost) = write(&request, OLD_CLAUDE).unwrap();
    assert_eq!(body.pointer("/toolConfig/toolChoice"), Some(&json!({"tool": {"name": JSON_TOOL}})));
    assert_eq!(body.pointer("/toolConfig/tools/0/toolSpec/inputSchema/json"), Some(&schema));
    assert_eq!((body.get("outputConfig"), lost.as_str()), (None, "format"));

    // The answer through the tool is a text to the caller, and an end.
    let answer = json!({"output": {"message": {"role": "assistant", "content": [
        {"toolUse": {"toolUseId": "t", "name": JSON_TOOL, "input": {"city": "Paris"}}}]}},
        "stopReason": "tool_use"});
    let answer = Converse.read_answer(answer.to_string().as_bytes()).unwrap();
    assert_eq!(answer.candidates[0].parts, [Part::text(r#"{"city":"Paris"}"#)]);
    assert_eq!(answer.candidates[0].stop, Stop::End);

    request.tools = vec![Tool { name: JSON_TOOL.to_owned(), ..weather() }];
    let refused = write(&request, CLAUDE).unwrap_err();
    assert_eq!(refused.param.as_deref(), Some("tools[0].name"));
}

#[test]
fn reasoning_raises_the_bound_and_gives_way_to_a_forced_tool() {
    let mut request = asked(vec![user("?")]);
    request.output_tokens_max = Some(100);
    request.reasoning = Some(Reasoning { tokens_max: Some(2_000), ..Reasoning::default() });
    request.sampling.temperature = Some(0.2);
    request.sampling.top_k = Some(5);
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(body["inferenceConfig"], json!({"maxTokens": 2_100}));
    assert_eq!(
        body["additionalModelRequestFields"],
        json!({"thinking": {"type": "enabled", "budget_tokens": 2_000}})
    );
    assert_eq!(lost, "sampling.temperature, sampling.top_k");
    request.tools = vec![weather()];
    request.tool_choice = Some(ToolChoice::One("get_weather".to_owned()));
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(body["additionalModelRequestFields"], json!({"top_k": 5}));
    assert_eq!(body["inferenceConfig"], json!({"maxTokens": 100, "temperature": 0.2}));
    assert_eq!(lost, "reasoning");
    let effort = Some(Reasoning { effort: Some(Effort::High), ..Reasoning::default() });
    let (_, lost) = write(&Request { reasoning: effort, ..asked(vec![user("?")]) }, LLAMA).unwrap();
    assert_eq!(lost, "reasoning");
}

#[test]
fn a_newer_claude_is_told_an_effort_and_a_schema_that_is_closed() {
    let mut request = asked(vec![user("?")]);
    request.reasoning = Some(Reasoning { effort: Some(Effort::High), ..Reasoning::default() });
    request.format = Format::Schema(Schema {
        name: "weather".to_owned(),
        description: None,
        schema: json!({"type": "object", "properties": {"city": {"type": "string"}}}),
        strict: None,
    });
    let (body, lost) = write(&request, "us.anthropic.claude-opus-4-7-v1").unwrap();
    assert_eq!(body["additionalModelRequestFields"], json!({"thinking": {"type": "adaptive"}}));
    assert_eq!(body["outputConfig"]["effort"], "high");
    let told = body.pointer("/outputConfig/textFormat/structure/jsonSchema/schema").unwrap();
    assert!(told.as_str().unwrap().contains(r#""additionalProperties":false"#), "{told}");
    assert_eq!(lost, "format.schema");
}

#[test]
fn reasoning_goes_back_with_its_proof_and_only_so() {
    let hidden = Part {
        signature: Some(Signature { wire: Wire::Converse, value: "aGlk".to_owned() }),
        ..Part::new(Content::HiddenThinking)
    };
    let parts = vec![
        signed("own", Wire::Converse),
        signed("anthropic", Wire::Messages),
        signed("gemini", Wire::Gemini),
        Part::new(Content::Thinking("unsigned".to_owned())),
        hidden,
        Part::text("Hi"),
    ];
    let request = asked(vec![user("?"), Turn::new(Role::Assistant, parts), user("!")]);
    let (body, lost) = write(&request, CLAUDE).unwrap();
    let reason = |text: &str| json!({"reasoningContent": {"reasoningText": {"text": text, "signature": "c2ln"}}});
    assert_eq!(
        body["messages"][1]["content"],
        json!([reason("own"), reason("anthropic"),
               {"reasoningContent": {"redactedContent": "aGlk"}}, {"text": "Hi"}])
    );
    assert_eq!(lost, "turns[1].parts[2], turns[1].parts[3]");
    let (body, _) = write(&request, "openai.gpt-oss-120b-1:0").unwrap();
    assert!(body["messages"][1].to_string().contains("unsigned"));
}

#[test]
fn cache_marks_become_cache_points_where_the_model_has_them() {
    let mut request = asked(vec![
        Turn::new(Role::System, vec![Part { cache: Some(CacheMark::Hour), ..Part::text("Long.") }]),
        Turn::new(Role::User, vec![Part { cache: Some(CacheMark::Short), ..Part::text("Hi") }]),
    ]);
    request.tools = vec![Tool { cache: Some(CacheMark::Short), ..weather() }];
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(body["system"][1], json!({"cachePoint": {"type": "default", "ttl": "1h"}}));
    assert_eq!(body["messages"][0]["content"][1], json!({"cachePoint": {"type": "default"}}));
    assert_eq!(body["toolConfig"]["tools"][1], json!({"cachePoint": {"type": "default"}}));
    assert_eq!(lost, "");
    let (body, lost) = write(&request, LLAMA).unwrap();
    assert!(!body.to_string().contains("cachePoint"), "{body}");
    assert_eq!(lost, "turns[0].parts[0], turns[1].parts[0], tools[0]");
}

#[test]
fn images_and_documents_are_bytes_and_in_tool_results_too() {
    let media = |text: &str, media_type: &str, name: Option<&str>| Media {
        source: Source::Inline(text.to_owned()),
        media_type: media_type.to_owned(),
        name: name.map(str::to_owned),
        detail: None,
    };
    let image = || Part::new(Content::Image(media("iVBORw0KGgo=", "image/png", None)));
    let file = || Part::new(Content::File(media("JVBERi0=", "application/pdf", Some("a.pdf"))));
    let request = asked(vec![
        Turn::new(Role::User, vec![image(), file(), Part::text("?")]),
        Turn::new(Role::Assistant, vec![call("a", "{}")]),
        Turn::new(Role::User, vec![result("a", vec![image(), file()], false)]),
    ]);
    let (body, _) = write(&request, CLAUDE).unwrap();
    let image = json!({"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}});
    assert_eq!(body["messages"][0]["content"][0], image);
    assert_eq!(
        body["messages"][0]["content"][1],
        json!({"document": {"format": "pdf", "name": "a", "source": {"bytes": "JVBERi0="}}})
    );
    let result = &body["messages"][2]["content"][0]["toolResult"]["content"];
    assert_eq!(result[0], image);
    assert_eq!(result[1]["document"]["name"], "a (2)");
}

#[test]
fn the_services_own_fields_and_parts_are_told_as_they_came_and_others_are_not() {
    let extra = |wire, name: &str, value| Extra { wire, name: name.to_owned(), value };
    let mut request = asked(vec![Turn::new(
        Role::User,
        vec![
            Part::text("Hi"),
            Part::new(Content::Native(crate::neutral::Native {
                wire: Wire::Converse,
                value: json!({"guardContent": {"text": {"text": "x"}}}),
            })),
        ],
    )]);
    let guard = json!({"guardrailIdentifier": "g", "guardrailVersion": "1"});
    request.extra = vec![
        extra(Wire::Converse, "guardrailConfig", guard.clone()),
        extra(Wire::Converse, "additionalModelRequestFields", json!({"a": 1})),
        extra(Wire::Chat, "store", json!(true)),
    ];
    request.service_tier = Some("flex".to_owned());
    request.metadata.insert("team".to_owned(), "a".into());
    request.metadata.insert("odd".to_owned(), "\u{e9}".into());
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(body["guardrailConfig"], guard);
    assert_eq!(body["additionalModelRequestFields"], json!({"a": 1}));
    assert_eq!(body["serviceTier"], json!({"type": "flex"}));
    assert_eq!(body["requestMetadata"], json!({"team": "a"}));
    assert!(body["messages"][0]["content"][1].get("guardContent").is_some());
    assert_eq!(lost, "store, metadata.odd");
}

#[test]
fn what_cannot_be_said_is_refused_with_its_place() {
    let refused = |request: &Request| write(request, CLAUDE).unwrap_err().param.unwrap();
    let mut request = asked(vec![user("?")]);
    request.sampling.candidates = Some(2);
    assert_eq!(refused(&request), "sampling.candidates");
    let cut = asked(vec![user("?"), Turn::new(Role::Assistant, vec![call("a", "{\"ci")])]);
    assert_eq!(refused(&cut), "turns[1].parts[0]");
    let listed = asked(vec![user("?"), Turn::new(Role::Assistant, vec![call("a", "[1]")])]);
    assert_eq!(refused(&listed), "turns[1].parts[0]");
    assert_eq!(refused(&asked(vec![])), "turns");
    let mut named = asked(vec![user("?")]);
    named.tools = vec![Tool { name: "a.b".to_owned(), ..weather() }];
    assert_eq!(refused(&named), "tools[0].name");
}

#[test]
fn a_conversation_that_the_assistant_opens_gets_a_user_and_loses_its_last_space() {
    let request = asked(vec![Turn::new(Role::Assistant, vec![Part::text("Once \n")])]);
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(
        body["messages"],
        json!([{"role": "user", "content": [{"text": "."}]},
               {"role": "assistant", "content": [{"text": "Once"}]}])
    );
    assert_eq!(lost, "turns");
}

#[test]
fn an_answer_is_read_block_by_block() {
    let body = json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "aGlk"}},
            {"text": "Hi"},
            {"citationsContent": {"content": [{"text": "Cited"}], "citations": [
                {"title": "T", "sourceContent": [{"text": "q"}],
                 "location": {"web": {"url": "https://x/", "domain": "x"}}}]}},
            {"toolUse": {"toolUseId": "t", "name": "f", "input": {"b": 1, "a": 2.50}}},
            {"toolUse": {"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use",
                         "input": {}}},
            {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
            {"brandNew": {"x": 1}},
        ]}},
        "stopReason": "stop_sequence",
        "additionalModelResponseFields": {"stop_sequence": "END"},
        "usage": {"inputTokens": 20, "outputTokens": 12, "totalTokens": 37,
                  "cacheReadInputTokens": 5},
        "serviceTier": {"type": "flex"},
    });
    let text = body.to_string().replace("2.5", "2.50");
    let answer = Converse.read_answer(text.as_bytes()).unwrap();
    let candidate = &answer.candidates[0];
    let parts = &candidate.parts;
    assert_eq!(parts[0], signed("Hm.", Wire::Converse));
    assert_eq!(parts[1].signature.as_ref().unwrap().value, "aGlk");
    assert_eq!(parts[2], Part::text("Hi"));
    let Content::Text { text, citations } = &parts[3].content else { panic!("{:?}", parts[3]) };
    assert_eq!((text.as_str(), citations[0].span), ("Cited", Some((0, 5))));
    assert_eq!(citations[0].url.as_deref(), Some("https://x/"));
    assert_eq!(citations[0].quote.as_deref(), Some("q"));
    // The input is as the model wrote it, digits and order kept.
    let Content::ToolCall(call) = &parts[4].content else { panic!("{:?}", parts[4]) };
    assert_eq!(call.input, r#"{"b":1,"a":2.50}"#);
    assert!(matches!(&parts[5].content, Content::Native(_)));
    assert!(matches!(&parts[6].content, Content::Image(m) if m.media_type == "image/png"));
    assert!(matches!(&parts[7].content, Content::Native(n) if n.value["brandNew"]["x"] == 1));
    assert_eq!(candidate.stop, Stop::Sequence(Some("END".to_owned())));
    let tokens = answer.tokens.unwrap();
    assert_eq!((tokens.input, tokens.cached_input, tokens.output), (20, 5, 12));
    assert_eq!(answer.service_tier.as_deref(), Some("flex"));

    // What was read goes back as it was.
    let turn = Turn::new(Role::Assistant, answer.candidates[0].parts.clone());
    let (sent, lost) = write(&asked(vec![user("?"), turn, user("!")]), CLAUDE).unwrap();
    assert_eq!(sent["messages"][1]["content"], body["output"]["message"]["content"]);
    assert_eq!(lost, "");
}

#[test]
fn what_is_no_answer_is_malformed() {
    for body in
        ["", "<html>", "{}", "[]", r#"{"output":{}}"#, r#"{"output":{"message":{"content":5}}}"#]
    {
        assert!(Converse.read_answer(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn every_reason_to_stop_is_known() {
    for (word, calls, stop) in [
        ("end_turn", false, Stop::End),
        ("tool_use", true, Stop::ToolUse),
        ("tool_use", false, Stop::End),
        ("max_tokens", true, Stop::MaxTokens),
        ("stop_sequence", false, Stop::Sequence(None)),
        ("guardrail_intervened", false, Stop::Filtered),
        ("content_filtered", false, Stop::Filtered),
        ("model_context_window_exceeded", false, Stop::ContextFull),
        ("malformed_tool_use", false, Stop::Other("malformed_tool_use".to_owned())),
    ] {
        assert_eq!(answer::stop(word, None, calls), stop, "{word}");
    }
}

/// Frames `(name, payload)`s, and reads them.
fn stream(events: &[(&str, Value)]) -> Vec<Event> {
    let frames = events
        .iter()
        .map(|(name, payload)| eventstream::write_event(name, payload.to_string().as_bytes()));
    read_all(&frames.collect::<Vec<_>>().concat())
}

fn read_all(bytes: &[u8]) -> Vec<Event> {
    let mut reader = Converse.stream_reader();
    let (mut out, mut told) = (VecDeque::new(), Vec::new());
    let read = Events::new(16 << 20).push(Bytes::copy_from_slice(bytes), &mut out, |event| {
        // A message that is not understood is left out, and the stream goes on.
        drop(reader.read(event, &mut told));
        Verdict::Keep
    });
    if read.is_ok() {
        reader.close(&mut told);
    }
    told
}

/// The order that every reader promises.
fn assert_in_order(events: &[Event]) {
    let (mut open, mut next, mut stopped, mut ended) = (None, 0, false, false);
    for (n, event) in events.iter().enumerate() {
        assert!(!ended, "{event:?} after the end of {events:?}");
        match event {
            Event::Start { .. } => assert_eq!(n, 0, "{events:?}"),
            Event::Open { block, .. } => {
                assert_eq!((open, *block, stopped), (None, next, false), "{events:?}");
                open = Some(*block);
                next += 1;
            }
            Event::Delta { block, .. } => assert_eq!(open, Some(*block), "{events:?}"),
            Event::Close { block } => assert_eq!(open.take(), Some(*block), "{events:?}"),
            Event::Stop { .. } => {
                assert_eq!((open, stopped), (None, false), "{events:?}");
                stopped = true;
            }
            Event::End | Event::Error { .. } => ended = true,
            Event::Tokens(_) | Event::Units(_) | Event::Ping => {}
        }
    }
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
