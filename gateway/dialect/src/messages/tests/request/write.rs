//! Requests, as each model and host is asked.

use super::super::{DIRECT, golden, write_for};
use super::{NEW, NOW, OLD, ask, call, result, user, weather};
use crate::Wire;
use crate::convert::{Outbound as _, Provider};
use crate::loss::Losses;
use crate::messages::{Host, JSON_TOOL, Messages};
use crate::neutral::{
    Content, Effort, Format, Media, Part, Reasoning, Role, Schema, Signature, Source, ToolChoice,
    Turn,
};
use serde_json::{Value, json};

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
