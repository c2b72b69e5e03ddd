//! What providers answer, and what callers get of it.

use crate::Wire;
use crate::convert::{Address, Caller, Inbound, Outbound};
use crate::neutral::{
    Answer, CallKind, Candidate, Content, Media, Native, Part, Request, Signature, Source, Stop,
    ToolCall,
};
use crate::openai::Chat;
use contract::usage::Tokens;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(super) fn read(body: &Value) -> Answer {
    Chat::OPENAI.read_answer(body.to_string().as_bytes()).unwrap()
}

fn write(answer: &Answer) -> Value {
    let asked = Request { model: "asked".to_owned(), ..Request::default() };
    let to = Caller { asked: &asked, id: "req_1", now: 7, stream_usage: false };
    serde_json::from_slice(&Chat::OPENAI.write_answer(answer, &to)).unwrap()
}

/// The one choice of an answer with this message.
fn choice(message: Value, reason: &str) -> Candidate {
    let body = json!({"id": "chatcmpl-A1", "choices": [{"index": 0, "message": message, "finish_reason": reason}]});
    read(&body).candidates.remove(0)
}

fn call(id: &str, input: &str) -> Part {
    let (id, name, input) = (id.to_owned(), "f".to_owned(), input.to_owned());
    Part::new(Content::ToolCall(ToolCall { id, name, input, kind: CallKind::Function }))
}

fn thinking(text: &str) -> Part {
    Part::new(Content::Thinking(text.to_owned()))
}

#[test]
fn reasoning_is_found_wherever_a_provider_puts_it() {
    for message in [
        json!({"content": "21", "reasoning_content": "hm"}),
        json!({"content": "21", "reasoning": "hm"}),
        json!({"content": "21", "reasoning": "hm", "reasoning_details": [
            {"type": "reasoning.text", "text": "hm", "format": "unknown", "index": 0}]}),
        json!({"content": "21", "reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "h"},
            {"type": "text", "text": "m"}]}, {"type": "text", "text": "21"}]}),
    ] {
        let said = choice(message.clone(), "stop");
        assert_eq!(said.parts, [thinking("hm"), Part::text("21")], "{message}");
        assert_eq!(said.stop, Stop::End);
    }
}

#[test]
fn calls_are_read_however_they_are_written() {
    let one = |call: Value| choice(json!({"content": null, "tool_calls": [call]}), "stop");
    let said = one(
        json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\" :1"}}),
    );
    assert_eq!(said.parts, [call("c", "{\"a\" :1")]);
    assert_eq!(said.stop, Stop::ToolUse, "a call says more than the word");
    let said = one(json!({"function": {"name": "f", "arguments": {"a": 1.50}}}));
    assert_eq!(said.parts, [call("call_chatcmplA1_0", "{\"a\":1.5}")]);
    assert_eq!(one(json!({"id": "c", "function": {"name": "f"}})).parts, [call("c", "")]);
    let older = choice(json!({"function_call": {"name": "f", "arguments": "{}"}}), "function_call");
    assert_eq!(older.parts, [call("call_chatcmplA1_0", "{}")]);
    assert_eq!(older.stop, Stop::ToolUse);
    let signed = one(json!({"id": "c", "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "s"}}}));
    assert_eq!(
        signed.parts[0].signature,
        Some(Signature { wire: Wire::Gemini, value: "s".to_owned() })
    );
}

#[test]
fn why_it_ended_is_understood() {
    for (word, stop) in [
        ("stop", Stop::End),
        ("eos_token", Stop::End),
        ("length", Stop::MaxTokens),
        ("model_length", Stop::ContextFull),
        ("stop_sequence", Stop::Sequence(None)),
        ("content_filter", Stop::Filtered),
        ("tool_calls", Stop::ToolUse),
        ("tomorrow", Stop::Other("tomorrow".to_owned())),
    ] {
        assert_eq!(choice(json!({"content": "x"}), word).stop, stop, "{word}");
    }
    let refused = choice(json!({"content": null, "refusal": "No."}), "stop");
    assert_eq!(refused.stop, Stop::Refusal);
    let body = json!({"choices": [{"message": {"content": "x"}, "finish_reason": "stop", "stop_reason": "END"}]});
    assert_eq!(read(&body).candidates[0].stop, Stop::Sequence(Some("END".to_owned())));
}

#[test]
fn where_a_search_model_found_it_is_told_with_the_text() {
    let answer =
        read(&json!({"choices": [{"message": {"content": "21 [1]"}, "finish_reason": "stop"}],
        "citations": ["https://a.example"],
        "search_results": [{"title": "A", "url": "https://a.example", "date": null}]}));
    let written = write(&answer);
    assert_eq!(
        written["choices"][0]["message"]["annotations"],
        json!([{"type": "url_citation",
        "url_citation": {"start_index": 0, "end_index": 6, "url": "https://a.example", "title": "A"}}])
    );
}

#[test]
fn an_answer_is_written_in_the_vendors_form() {
    let mut answer = read(
        &json!({"id": "x", "model": "m", "created": 5, "service_tier": "default",
        "choices": [{"message": {"content": "21"}, "finish_reason": "length",
            "logprobs": {"content": [{"token": "21", "logprob": -0.5, "bytes": [50, 49],
                "top_logprobs": [{"token": "21", "logprob": -0.5, "bytes": null}]}]}}],
        "usage": {"prompt_tokens": 25, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 5}}}),
    );
    assert_eq!(answer.tokens, Some(Tokens { input: 20, cached_input: 5, ..Tokens::default() }));
    let expected = json!({"id": "x", "object": "chat.completion", "created": 5, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "21", "refusal": null},
            "logprobs": {"content": [{"token": "21", "logprob": -0.5, "bytes": [50, 49],
                "top_logprobs": [{"token": "21", "logprob": -0.5, "bytes": null}]}], "refusal": null},
            "finish_reason": "length"}],
        "usage": {"prompt_tokens": 25, "completion_tokens": 0, "total_tokens": 25,
            "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
                "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}},
        "service_tier": "default", "system_fingerprint": null});
    assert_eq!(write(&answer), expected);
    answer = Answer { candidates: answer.candidates, ..Answer::default() };
    let written = write(&answer);
    assert_eq!(written["id"], "chatcmpl-req_1");
    assert_eq!((&written["created"], &written["model"]), (&json!(7), &json!("asked")));
    assert!(written.get("usage").is_none(), "nothing is known");
}

#[test]
fn what_was_blocked_has_a_choice_that_says_so() {
    let written = write(&Answer { blocked: Some("SAFETY".to_owned()), ..Answer::default() });
    assert_eq!(written["choices"][0]["finish_reason"], "content_filter");
    let silent = Candidate { parts: Vec::new(), stop: Stop::Refusal, logprobs: None, native: None };
    let written = write(&Answer { candidates: vec![silent], ..Answer::default() });
    assert_eq!(written["choices"][0]["finish_reason"], "content_filter");
}

/// Every kind of part that an answer of any dialect may hold, signed.
fn every_part() -> Vec<Part> {
    let signature = |wire| Some(Signature { wire, value: "c2ln".to_owned() });
    let native =
        Native { wire: Wire::Messages, value: json!({"type": "server_tool_use", "id": "s"}) };
    vec![
        Part { signature: signature(Wire::Messages), ..thinking("hm") },
        Part { signature: signature(Wire::Responses), ..Part::new(Content::HiddenThinking) },
        Part::new(Content::Native(native)),
        Part { signature: signature(Wire::Gemini), ..Part::text("21") },
        Part { signature: signature(Wire::Gemini), ..call("c1", "{}") },
        Part { signature: signature(Wire::Converse), ..call("c2", "{\"a\":") },
    ]
}

#[test]
fn what_an_answer_proved_is_proved_again_when_it_comes_back_as_history() {
    let stop = Stop::ToolUse;
    let said = Candidate { parts: every_part(), stop, logprobs: None, native: None };
    let written = write(&Answer { candidates: vec![said.clone()], ..Answer::default() });
    assert_eq!(read(&written).candidates[0].parts, said.parts, "as an answer");
    let message = written["choices"][0]["message"].clone();
    let body = json!({"model": "m", "messages": [message]}).to_string();
    let request = Chat::OPENAI.read_request(body.as_bytes(), &Address::default()).unwrap();
    assert_eq!(request.turns[0].parts, said.parts, "as history");
}

#[test]
fn an_image_that_a_model_made_is_written_as_its_kin_do() {
    let media = Media {
        source: Source::Inline("iVBORw0KGgo=".to_owned()),
        media_type: "image/png".to_owned(),
        ..Media::default()
    };
    let parts = vec![Part::new(Content::Image(media))];
    let said = Candidate { parts, stop: Stop::End, logprobs: None, native: None };
    let written = write(&Answer { candidates: vec![said.clone()], ..Answer::default() });
    assert_eq!(read(&written).candidates[0].parts, said.parts);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Chat::OPENAI.read_answer(&bytes);
        let _ = Chat::OPENAI.read_error(400, &bytes);
    }

    #[test]
    fn no_json_makes_the_reader_panic(body in crate::testing::mangled(json!({
        "id": "x", "created": 1, "citations": ["a"], "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"content": [{"type": "text", "text": "a"}], "refusal": "no", "reasoning": "b",
                "reasoning_details": [{"type": "reasoning.text", "text": "a", "signature": "s"}],
                "annotations": [{"type": "url_citation", "url_citation": {"start_index": 1, "end_index": 9}}],
                "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
        "error": {"message": {"detail": [{"loc": ["a"], "msg": "b"}]}, "code": 1}
    }))) {
        let bytes = body.to_string().into_bytes();
        if let Ok(answer) = Chat::OPENAI.read_answer(&bytes) {
            write(&answer);
        }
        let _ = Chat::OPENAI.read_error(400, &bytes);
    }

    #[test]
    fn an_answer_survives_being_written_and_read(
        thought in ".{0,20}", text in ".{1,20}", calls in proptest::collection::vec((".{1,9}", ".{0,20}"), 0..4),
        signed in any::<bool>(),
    ) {
        let signature = signed.then(|| Signature { wire: Wire::Messages, value: "s".to_owned() });
        let mut parts = vec![Part { signature, ..thinking(&thought) }, Part::text(text)];
        if thought.is_empty() && !signed {
            parts.remove(0);
        }
        parts.extend(calls.iter().map(|(id, input)| call(id, input)));
        let stop = if calls.is_empty() { Stop::End } else { Stop::ToolUse };
        let said = Candidate { parts, stop, logprobs: None, native: None };
        let answer = Answer { candidates: vec![said], ..Answer::default() };
        prop_assert_eq!(read(&write(&answer)).candidates, answer.candidates);
    }
}
