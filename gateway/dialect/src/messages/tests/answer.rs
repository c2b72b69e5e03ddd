//! Answers, whole.

use super::{DIRECT, caller, golden, golden_json};
use crate::Wire;
use crate::convert::{Inbound as _, Outbound as _, Pass as _};
use crate::messages::JSON_TOOL;
use crate::neutral::{
    Answer, CallKind, Candidate, Content, Part, Request, Signature, Stop, ToolCall,
};
use crate::testing::mangled;
use contract::usage::Tokens;
use proptest::prelude::*;
use serde_json::{Value, json};

fn write(answer: &Answer) -> Value {
    let asked = Request { model: "asked".into(), ..Request::default() };
    serde_json::from_slice(&DIRECT.write_answer(answer, &caller(&asked))).unwrap()
}

fn answer(parts: Vec<Part>, stop: Stop) -> Answer {
    let candidate = Candidate { parts, stop, logprobs: None, native: None };
    Answer { candidates: vec![candidate], ..Answer::default() }
}

fn call(name: &str, input: &str) -> Part {
    Part::new(Content::ToolCall(ToolCall {
        id: "c".into(),
        name: name.into(),
        input: input.into(),
        kind: CallKind::Function,
    }))
}

#[test]
fn every_scene_is_read_and_written_again_without_a_loss() {
    for scene in ["plain", "tools", "parallel_tools", "structured", "image", "reasoning"] {
        let body = golden(&format!("{scene}.answer.json"));
        let read = DIRECT.read_answer(&body).unwrap();
        let mut written = write(&read);
        // The neutral form does not tell apart for how long the cache is to keep what.
        written["usage"]["cache_creation"] =
            json!({"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0});
        assert_eq!(written, golden_json(&format!("{scene}.answer.json")), "{scene}");
    }
}

#[test]
fn usage_and_stop_are_read_exactly() {
    let read = DIRECT.read_answer(&golden("reasoning.answer.json")).unwrap();
    let expected =
        Tokens { input: 20, cached_input: 5, output: 8, reasoning: 4, ..Tokens::default() };
    assert_eq!(read.tokens, Some(expected));
    assert_eq!(DIRECT.read_usage(&golden("reasoning.answer.json")), Ok(expected.into()));
    assert_eq!(read.service_tier.as_deref(), Some("default"));
    for (word, stop) in [
        ("end_turn", Stop::End),
        ("max_tokens", Stop::MaxTokens),
        ("stop_sequence", Stop::Sequence(Some("x".into()))),
        ("tool_use", Stop::ToolUse),
        ("pause_turn", Stop::Paused),
        ("refusal", Stop::Refusal),
        ("model_context_window_exceeded", Stop::ContextFull),
    ] {
        let body = json!({"content": [], "stop_reason": word, "stop_sequence": "x"}).to_string();
        let read = DIRECT.read_answer(body.as_bytes()).unwrap();
        assert_eq!(read.candidates[0].stop, stop);
        assert_eq!(read.tokens, None);
        assert_eq!(write(&read)["stop_reason"], word);
    }
}

#[test]
fn the_tool_that_stands_for_the_answer_becomes_its_text_again() {
    let block = |name: &str| json!({"type": "tool_use", "id": "t", "name": name, "input": {"city": "Paris", "a": 1}});
    let body = json!({"content": [block(JSON_TOOL)], "stop_reason": "tool_use"}).to_string();
    let read = DIRECT.read_answer(body.as_bytes()).unwrap();
    assert_eq!(read.candidates[0].parts, [Part::text(r#"{"city":"Paris","a":1}"#)]);
    assert_eq!(read.candidates[0].stop, Stop::End);
    let body = json!({"content": [block(JSON_TOOL), block("f")], "stop_reason": "tool_use"});
    let read = DIRECT.read_answer(body.to_string().as_bytes()).unwrap();
    assert_eq!(read.candidates[0].stop, Stop::ToolUse);
}

#[test]
fn what_only_the_vendor_knows_stays_with_the_answer() {
    let body = json!({
        "id": "m", "model": "a", "stop_reason": "end_turn", "container": {"id": "c"},
        "content": [
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
            {"type": "text", "text": "It is.", "citations": [{"type": "web_search_result_location",
                "url": "https://example.com", "title": "T", "cited_text": "is", "encrypted_index": "E"}]},
        ],
    });
    let read = DIRECT.read_answer(body.to_string().as_bytes()).unwrap();
    let Content::Text { citations, .. } = &read.candidates[0].parts[1].content else { panic!() };
    assert_eq!(citations[0].url.as_deref(), Some("https://example.com"));
    let written = write(&read);
    assert_eq!(written["content"], body["content"]);
    assert_eq!(written["container"], body["container"]);
}

#[test]
fn a_signature_of_another_vendor_comes_back_with_the_history() {
    let foreign = |wire: Wire, value: &str| Some(Signature { wire, value: value.into() });
    let mut signed = call("f", "{}");
    signed.signature = foreign(Wire::Gemini, "g.1");
    let mut thought = Part::new(Content::Thinking("hm".into()));
    thought.signature = foreign(Wire::Responses, "r");
    let mut hidden = Part::new(Content::HiddenThinking);
    hidden.signature = foreign(Wire::Responses, "h");
    let parts = vec![thought, hidden, signed, call("f", "{}")];
    let written = write(&answer(parts.clone(), Stop::ToolUse));
    let history = json!({"model": "a", "messages": [
        {"role": "user", "content": "q"}, {"role": "assistant", "content": written["content"]}]});
    assert_eq!(super::read(&history).unwrap().turns[1].parts, parts);
}

#[test]
fn other_vendors_answers_are_told_so_that_sdks_go_on() {
    let written = write(&answer(vec![call("f", r#"{"cut"#)], Stop::End));
    assert_eq!(written["stop_reason"], "tool_use");
    assert_eq!(written["content"][0]["input"], json!({}));
    assert_eq!((&written["id"], &written["model"]), (&json!("req_1"), &json!("asked")));
    assert_eq!(written["usage"]["output_tokens"], 0);
    let written = write(&answer(vec![Part::new(Content::Refusal("No.".into()))], Stop::Refusal));
    assert_eq!(written["content"][0], json!({"type": "text", "text": "No."}));
    assert_eq!(written["stop_reason"], "refusal");
    let written = write(&Answer { blocked: Some("SAFETY".into()), ..Answer::default() });
    assert_eq!((&written["stop_reason"], &written["content"]), (&json!("refusal"), &json!([])));
    assert_eq!(written["stop_details"]["explanation"], "SAFETY");
    let long = write(&answer(vec![Part::text("a")], Stop::ContextFull));
    assert_eq!(long["stop_reason"], "model_context_window_exceeded");
}

#[test]
fn what_is_no_answer_is_told_apart() {
    for body in ["", "[]", "<html>", r#"{"type":"error","error":{}}"#, r#"{"content":5}"#, "{}"] {
        assert!(DIRECT.read_answer(body.as_bytes()).is_err(), "{body}");
    }
}

proptest! {
    #[test]
    fn an_answer_that_is_nearly_right_makes_nothing_panic(
        body in prop_oneof![mangled(golden_json("reasoning.answer.json")), mangled(golden_json("tools.answer.json"))],
    ) {
        if let Ok(answer) = DIRECT.read_answer(body.to_string().as_bytes()) {
            prop_assert!(write(&answer)["content"].is_array());
        }
    }
}
