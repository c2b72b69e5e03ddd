//! Whole answers, read and written.

use super::super::Responses;
use super::{caller, read};
use crate::convert::{Inbound, Outbound, Pass};
use crate::neutral::{
    Answer, CallKind, Candidate, Citation, Content, Media, Native, Part, Request, Signature,
    Source, Stop, TokenChance, ToolCall, TopToken,
};
use crate::{Problem, Wire};
use contract::error::ErrorCode;
use contract::usage::Tokens;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read_answer(body: &Value) -> Answer {
    Responses.read_answer(body.to_string().as_bytes()).unwrap()
}

fn write_answer(answer: &Answer, asked: &Request) -> Value {
    serde_json::from_slice(&Responses.write_answer(answer, &caller(asked))).unwrap()
}

fn answer(parts: Vec<Part>, stop: Stop) -> Answer {
    let candidate = Candidate { parts, stop, logprobs: None, native: None };
    Answer { candidates: vec![candidate], ..Answer::default() }
}

/// Every kind of item and of part.
fn output() -> Value {
    json!([
        {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA==",
         "summary": [{"type": "summary_text", "text": "The user wants weather."}]},
        {"type": "message", "id": "msg_tollgate_req_1_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "It is 21 °C in Paris.",
             "annotations": [{"type": "url_citation", "url": "https://example.com", "title": "W", "start_index": 15, "end_index": 20}],
             "logprobs": [{"token": "It", "logprob": -0.5, "bytes": [73, 116], "top_logprobs": [
                 {"token": "It", "logprob": -0.5, "bytes": [73, 116]},
             ]}]},
            {"type": "refusal", "refusal": "No more."},
        ]},
        {"type": "function_call", "id": "fc_tollgate_req_1_2", "status": "completed", "call_id": "call_1",
         "name": "get_weather", "arguments": "{\"city\": \"Paris\"}"},
        {"type": "custom_tool_call", "id": "ctc_tollgate_req_1_3", "status": "completed", "call_id": "call_2",
         "name": "shell", "input": "ls"},
        {"type": "image_generation_call", "id": "ig_tollgate_req_1_4", "status": "completed", "result": "iVBORw0KGgo=",
         "output_format": "png"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}},
    ])
}

#[test]
fn an_answer_comes_back_as_it_was() {
    let usage = json!({
        "input_tokens": 25, "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 0},
        "output_tokens": 12, "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 37,
    });
    let read = read_answer(&json!({
        "id": "resp_1", "object": "response", "created_at": 5.0, "status": "completed", "model": "m",
        "output": output(), "usage": usage, "service_tier": "default",
    }));
    let candidate = &read.candidates[0];
    assert_eq!(candidate.stop, Stop::ToolUse);
    assert_eq!(candidate.parts.len(), 7);
    assert_eq!(candidate.logprobs.as_ref().map(Vec::len), Some(1));
    let tokens =
        Tokens { input: 20, cached_input: 5, output: 8, reasoning: 4, ..Tokens::default() };
    assert_eq!(read.tokens, Some(tokens));
    let written = write_answer(&read, &Request::default());
    assert_eq!(written["output"], output());
    assert_eq!(written["usage"], usage);
    for (name, value) in [
        ("id", json!("resp_1")),
        ("object", json!("response")),
        ("created_at", json!(5)),
        ("status", json!("completed")),
        ("model", json!("m")),
        ("service_tier", json!("default")),
        ("error", Value::Null),
        ("incomplete_details", Value::Null),
        ("store", json!(false)),
    ] {
        assert_eq!(written[name], value, "{name}");
    }
}

#[test]
fn an_answer_repeats_what_was_asked() {
    let asked = read(&json!({
        "model": "m", "input": "x", "instructions": "You are terse.", "max_output_tokens": 9,
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": true}],
        "tool_choice": "required", "parallel_tool_calls": false, "temperature": 0.5,
        "text": {"format": {"type": "json_object"}}, "reasoning": {"effort": "low"},
        "metadata": {"a": "b"}, "user": "u",
    }))
    .unwrap();
    let written = write_answer(&answer(vec![Part::text("{}")], Stop::End), &asked);
    let tool =
        json!({"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": true});
    for (name, value) in [
        ("id", json!("resp_req_1")),
        ("created_at", json!(7)),
        ("model", json!("m")),
        ("instructions", json!("You are terse.")),
        ("max_output_tokens", json!(9)),
        ("tools", json!([tool])),
        ("tool_choice", json!("required")),
        ("parallel_tool_calls", json!(false)),
        ("temperature", json!(0.5)),
        ("text", json!({"format": {"type": "json_object"}})),
        ("reasoning", json!({"effort": "low"})),
        ("metadata", json!({"a": "b"})),
        ("user", json!("u")),
        ("usage", Value::Null),
    ] {
        assert_eq!(written[name], value, "{name}");
    }
}

#[test]
fn why_an_answer_ended_is_told_both_ways() {
    let call = || {
        let call = ToolCall {
            id: "c".into(),
            name: "f".into(),
            input: "{\"a\": \"b".into(),
            kind: CallKind::Function,
        };
        Part::new(Content::ToolCall(call))
    };
    for (parts, stop, status, reason, back) in [
        (vec![Part::text("a")], Stop::End, "completed", None, Stop::End),
        (vec![Part::text("a")], Stop::Sequence(None), "completed", None, Stop::End),
        (vec![call()], Stop::ToolUse, "completed", None, Stop::ToolUse),
        (vec![call()], Stop::MaxTokens, "incomplete", Some("max_output_tokens"), Stop::MaxTokens),
        (vec![], Stop::ContextFull, "incomplete", Some("max_output_tokens"), Stop::MaxTokens),
        (vec![], Stop::Filtered, "incomplete", Some("content_filter"), Stop::Filtered),
        (
            vec![Part::new(Content::Refusal("no".into()))],
            Stop::Refusal,
            "completed",
            None,
            Stop::Refusal,
        ),
    ] {
        let written = write_answer(&answer(parts, stop.clone()), &Request::default());
        assert_eq!(written["status"], status, "{stop:?}");
        assert_eq!(written["incomplete_details"]["reason"].as_str(), reason, "{stop:?}");
        assert_eq!(read_answer(&written).candidates[0].stop, back);
    }
    let blocked = Answer { blocked: Some("SAFETY".into()), ..Answer::default() };
    let written = write_answer(&blocked, &Request::default());
    assert_eq!((&written["status"], &written["output"]), (&json!("incomplete"), &json!([])));
}

#[test]
fn every_signature_comes_back_in_the_history_with_its_piece() {
    let signature = |wire, value: &str| Some(Signature { wire, value: value.to_owned() });
    let call =
        ToolCall { id: "c".into(), name: "f".into(), input: "{}".into(), kind: CallKind::Function };
    let signed =
        |content, wire, value| Part { signature: signature(wire, value), ..Part::new(content) };
    let parts = vec![
        signed(Content::Thinking("hm".into()), Wire::Messages, "EqQB=="),
        signed(Content::HiddenThinking, Wire::Messages, "redacted"),
        signed(Content::HiddenThinking, Wire::Responses, "rs_9.gAAA"),
        signed(Content::Thinking("own".into()), Wire::Responses, "unbound"),
        Part { signature: signature(Wire::Gemini, "CiQ="), ..Part::text("It is 21 °C in Paris.") },
        signed(Content::ToolCall(call.clone()), Wire::Gemini, "CiR="),
        Part::new(Content::ToolCall(call)),
    ];
    let written = write_answer(&answer(parts.clone(), Stop::ToolUse), &Request::default());
    assert_eq!(read_answer(&written).candidates[0].parts, parts);
    let history = read(&json!({"model": "m", "input": written["output"]})).unwrap();
    assert_eq!(history.turns.len(), 1);
    assert_eq!(history.turns[0].parts, parts);
}

#[test]
fn what_other_dialects_answer_is_said_here() {
    let chance = TopToken { token: "°".into(), logprob: -1.0, bytes: Value::Null };
    let cited = Citation {
        url: None,
        title: Some("Guide".into()),
        quote: Some("21 °C".into()),
        span: None,
        native: Native { wire: Wire::Messages, value: json!({}) },
    };
    let text = Content::Text { text: "21 °C".into(), citations: vec![cited] };
    let image = |source| {
        Part::new(Content::Image(Media {
            source,
            media_type: "image/webp".into(),
            ..Media::default()
        }))
    };
    let call = ToolCall {
        id: "c".into(),
        name: "f".into(),
        input: String::new(),
        kind: CallKind::Function,
    };
    let parts = vec![
        Part::new(text),
        image(Source::Inline("UklG".into())),
        image(Source::Url("https://example.com/a".into())),
        Part::new(Content::Native(Native { wire: Wire::Gemini, value: json!({"x": 1}) })),
        Part::new(Content::ToolCall(call)),
    ];
    let mut answer = answer(parts, Stop::End);
    answer.candidates[0].logprobs = Some(vec![TokenChance { token: chance, top: Vec::new() }]);
    let written = write_answer(&answer, &Request::default());
    let part = &written["output"][0]["content"][0];
    let note = json!({"type": "file_citation", "file_id": "Guide", "filename": "Guide", "index": 5, "quote": "21 °C"});
    assert_eq!(part["annotations"], json!([note]));
    assert_eq!(part["logprobs"][0]["bytes"], json!([0xC2, 0xB0]));
    assert_eq!(written["output"][1]["output_format"], "webp");
    assert_eq!(written["output"][2]["content"][0]["text"], "![](https://example.com/a)");
    assert_eq!(written["output"][3]["arguments"], "{}");
    assert_eq!(written["output"].as_array().unwrap().len(), 4);
}

#[test]
fn what_is_no_answer_is_malformed() {
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"output":{}}"#,
        r#"{"status":"failed","output":[],"error":{"code":"server_error","message":"no"}}"#,
        r#"{"status":"in_progress","output":[]}"#,
    ] {
        assert!(Responses.read_answer(body.as_bytes()).is_err(), "{body}");
    }
    let failed =
        r#"{"status":"failed","output":[],"error":{"code":"server_error","message":"no"}}"#;
    let error = Responses.read_answer(failed.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "the response is failed: no");
    assert!(Responses.read_usage(b"<html>").is_err());
}

#[test]
fn an_error_reads_back_as_it_was_told() {
    let problem = Problem {
        code: ErrorCode::UpstreamRateLimited,
        status: 429,
        message: "Too fast.",
        param: Some("input"),
        request_id: "req_1",
    };
    let error = Responses.read_error(429, &Responses.error_body(&problem));
    assert_eq!(error.message.as_deref(), Some("Too fast."));
    assert_eq!(error.param.as_deref(), Some("input"));
    let event = String::from_utf8(Responses.error_event(&problem)).unwrap();
    let data = event.strip_prefix("event: error\ndata: ").unwrap().trim_end();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["type"], "error");
    assert_eq!(data["message"], "Too fast.");
    assert_eq!(data["error"]["message"], "Too fast.");
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(Responses.read_answer(&bytes));
        drop(Responses.read_usage(&bytes));
    }

    #[test]
    fn an_answer_nearly_right_breaks_nothing(
        body in crate::testing::mangled(json!({"id": "r", "status": "completed", "created_at": 1, "model": "m", "output": output()})),
    ) {
        if let Ok(answer) = Responses.read_answer(body.to_string().as_bytes()) {
            let written = write_answer(&answer, &Request::default());
            prop_assert_eq!(read_answer(&written).candidates[0].parts.len(), answer.candidates[0].parts.len());
        }
    }
}
