use super::*;
use crate::neutral::{
    CallKind, Candidate, Citation, Content, Native, Part, Signature, Stop, TokenChance, ToolCall,
    TopToken,
};
use contract::usage::Tokens;
use serde_json::json;

fn candidate(parts: Vec<Part>, stop: Stop) -> Candidate {
    Candidate { parts, stop, logprobs: None, native: None }
}

fn answer(candidate: Candidate) -> Answer {
    Answer { id: "i".to_owned(), candidates: vec![candidate], ..Answer::default() }
}

#[test]
fn a_number_beyond_every_type_reaches_the_tool_as_the_model_wrote_it() {
    let input = r#"{"city": 1e999}"#.to_owned();
    let call = ToolCall { id: "c".into(), name: "f".into(), input, kind: CallKind::Function };
    let said = answer(candidate(vec![Part::new(Content::ToolCall(call))], Stop::ToolUse));
    let asked = Request::default();
    let caller = Caller { asked: &asked, id: "req_1", now: 0, stream_usage: true };
    let written = String::from_utf8(Gemini.write_answer(&said, &caller)).unwrap();
    assert!(written.contains(r#""args":{"city": 1e999}"#), "{written}");
}

#[test]
fn an_answer_of_the_fixtures_is_read_and_written_back_as_it_was() {
    for case in ["plain", "tools", "parallel_tools", "structured", "image", "reasoning"] {
        let bytes = golden(&format!("{case}.answer.json"));
        let answer = Gemini.read_answer(&bytes).unwrap();
        let tokens =
            Tokens { input: 20, cached_input: 5, output: 8, reasoning: 4, ..Tokens::default() };
        assert_eq!(answer.tokens, Some(tokens));
        let mut was: Value = serde_json::from_slice(&bytes).unwrap();
        let mut is = answer_json(&answer);
        for value in [&mut was, &mut is] {
            let usage = value["usageMetadata"].as_object_mut().unwrap();
            usage.retain(|name, _| !name.ends_with("Details"));
            // Ids that were made up are told, so that results can name them.
            for part in value["candidates"][0]["content"]["parts"].as_array_mut().unwrap() {
                if let Some(Value::Object(call)) = part.get_mut("functionCall") {
                    call.remove("id");
                }
            }
        }
        assert_eq!(is, was, "{case}");
    }
}

#[test]
fn calls_without_ids_get_some_that_no_other_answer_has() {
    let answer = Gemini.read_answer(&golden("parallel_tools.answer.json")).unwrap();
    let ids: Vec<&str> = answer.candidates[0]
        .parts
        .iter()
        .filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(call.id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["call_k3WqaKe1Nq6pxN8P0ofRiAI_0", "call_k3WqaKe1Nq6pxN8P0ofRiAI_1"]);
    assert_eq!(answer.candidates[0].stop, Stop::ToolUse);
}

#[test]
fn a_signature_of_any_provider_comes_back_with_the_history() {
    let sign = |wire, value: &str| Some(Signature { wire, value: value.to_owned() });
    let call = ToolCall {
        id: "c".to_owned(),
        name: "f".to_owned(),
        input: "{}".to_owned(),
        kind: Default::default(),
    };
    let parts = vec![
        Part {
            signature: sign(Wire::Messages, "E+/=="),
            ..Part::new(Content::Thinking("t".to_owned()))
        },
        Part { signature: sign(Wire::Responses, "gAAA"), ..Part::new(Content::HiddenThinking) },
        Part { signature: sign(Wire::Gemini, "Ck0B"), ..Part::new(Content::ToolCall(call)) },
    ];
    let written = answer_json(&answer(candidate(parts.clone(), Stop::ToolUse)));
    let history = json!({"contents": [written["candidates"][0]["content"]]});
    assert_eq!(read_json(history).turns[0].parts, parts);
}

#[test]
fn a_call_that_was_cut_is_left_out_and_told_of() {
    let call = ToolCall {
        id: "c".to_owned(),
        name: "f".to_owned(),
        input: "{\"a".to_owned(),
        kind: Default::default(),
    };
    let parts = vec![Part::text("t"), Part::new(Content::ToolCall(call))];
    for (stop, word) in
        [(Stop::MaxTokens, "MAX_TOKENS"), (Stop::ToolUse, "MALFORMED_FUNCTION_CALL")]
    {
        let written = answer_json(&answer(candidate(parts.clone(), stop)));
        let told = &written["candidates"][0];
        assert_eq!(told["content"]["parts"], json!([{"text": "t"}]));
        assert_eq!(told["finishReason"], word);
        assert!(told["finishMessage"].as_str().unwrap().ends_with("{\"a"));
    }
}

#[test]
fn a_blocked_prompt_is_told_as_one() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": 3}, "modelVersion": "v"});
    let read = Gemini.read_answer(blocked.to_string().as_bytes()).unwrap();
    assert_eq!(read.blocked.as_deref(), Some("PROHIBITED_CONTENT"));
    let written = answer_json(&read);
    assert_eq!(written["promptFeedback"], blocked["promptFeedback"]);
    assert_eq!(written.get("candidates"), None);
    let other = Answer { blocked: Some("content_filter".to_owned()), ..Answer::default() };
    assert_eq!(answer_json(&other)["promptFeedback"]["blockReason"], "OTHER");
}

#[test]
fn reasons_for_the_end_are_told_in_geminis_words_and_its_own_come_back() {
    for (stop, word) in [
        (Stop::End, "STOP"),
        (Stop::Sequence(Some("x".to_owned())), "STOP"),
        (Stop::ContextFull, "MAX_TOKENS"),
        (Stop::Filtered, "SAFETY"),
        (Stop::Refusal, "SAFETY"),
        (Stop::Paused, "OTHER"),
        (Stop::Other("weird".to_owned()), "OTHER"),
        (Stop::Other("LANGUAGE".to_owned()), "LANGUAGE"),
    ] {
        let written = answer_json(&answer(candidate(vec![Part::text("t")], stop)));
        assert_eq!(written["candidates"][0]["finishReason"], word);
    }
    let recited = json!({"candidates": [{"finishReason": "RECITATION", "index": 0,
        "safetyRatings": [{"category": "C", "probability": "LOW"}],
        "content": {"role": "model", "parts": []}}]});
    let read = Gemini.read_answer(recited.to_string().as_bytes()).unwrap();
    assert_eq!(read.candidates[0].stop, Stop::Filtered);
    let written = answer_json(&read);
    assert_eq!(written["candidates"], recited["candidates"]);
}

#[test]
fn grounding_is_read_as_citations_and_citations_are_written_as_grounding() {
    let grounded = json!({"candidates": [{
        "content": {"role": "model", "parts": [{"text": "It is 21."}]}, "finishReason": "STOP",
        "groundingMetadata": {
            "groundingChunks": [{"web": {"uri": "https://a.example", "title": "a"}}],
            "groundingSupports": [{"segment": {"endIndex": 5}, "groundingChunkIndices": [0, 9]}],
        },
        "citationMetadata": {"citations": [{"startIndex": 6, "endIndex": 8, "uri": "https://b.example"}]},
    }]});
    let read = Gemini.read_answer(grounded.to_string().as_bytes()).unwrap();
    let Content::Text { citations, .. } = &read.candidates[0].parts[0].content else { panic!() };
    let told: Vec<_> = citations.iter().map(|c| (c.url.as_deref(), c.span)).collect();
    assert_eq!(
        told,
        [(Some("https://a.example"), Some((0, 5))), (Some("https://b.example"), Some((6, 8)))]
    );

    let foreign = Citation {
        url: Some("https://c.example".to_owned()),
        title: None,
        quote: None,
        span: Some((0, 2)),
        native: Native { wire: Wire::Messages, value: Value::Null },
    };
    let text = Content::Text { text: "It".to_owned(), citations: vec![foreign] };
    let written = answer_json(&answer(candidate(vec![Part::new(text)], Stop::End)));
    let grounding = &written["candidates"][0]["groundingMetadata"];
    assert_eq!(grounding["groundingChunks"], json!([{"web": {"uri": "https://c.example"}}]));
    assert_eq!(grounding["groundingSupports"][0]["segment"]["endIndex"], 2);
}

#[test]
fn log_probabilities_survive_the_way_there_and_back() {
    let top =
        |token: &str, logprob| TopToken { token: token.to_owned(), logprob, bytes: Value::Null };
    let chances =
        vec![TokenChance { token: top("a", -0.5), top: vec![top("a", -0.5), top("b", -1.5)] }];
    let candidate = Candidate {
        logprobs: Some(chances.clone()),
        ..candidate(vec![Part::text("a")], Stop::End)
    };
    let written = answer_json(&answer(candidate));
    let read = Gemini.read_answer(written.to_string().as_bytes()).unwrap();
    assert_eq!(read.candidates[0].logprobs, Some(chances));
}

#[test]
fn what_is_no_answer_is_malformed() {
    for body in [
        "",
        "[]",
        "{}",
        "<html>",
        r#"{"candidates":5}"#,
        r#"{"error":{"code":5}}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]}}]}"#,
    ] {
        assert!(Gemini.read_answer(body.as_bytes()).is_err(), "{body}");
    }
}
