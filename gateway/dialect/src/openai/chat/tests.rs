//! The golden scenes as this dialect and watsonx.ai tell them, and real traffic.

use super::{Chat, PROVIDERS};
use crate::Wire;
use crate::convert::{Address, Caller, Cause, Inbound as _, Outbound, Provider};
use crate::loss::Losses;
use crate::neutral::{
    Answer, Content, Event, Format, Part, Request, Role, Signature, Source, Stop,
};
use crate::testing::{assemble, corpus, exchanges, read_stream};
use crate::watsonx::Watsonx;
use bytes::BytesMut;
use contract::usage::Tokens;
use serde_json::Value;
use std::path::Path;

const TELLERS: [(&str, &dyn Outbound); 2] = [("openai_chat", &Chat::OPENAI), ("watsonx", &Watsonx)];

fn scene(teller: &str, name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(teller).join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn request(case: &str) -> Request {
    let body = scene("openai_chat", &format!("{case}.request.json"));
    Chat::OPENAI.read_request(&body, &Address::default()).unwrap()
}

fn texts(parts: &[Part]) -> Vec<String> {
    let text = |part: &Part| match &part.content {
        Content::Text { text, .. } => text.clone(),
        Content::Thinking(text) => format!("({text})"),
        Content::ToolCall(call) => format!("{}{}", call.name, call.input),
        other => format!("{other:?}"),
    };
    parts.iter().map(text).collect()
}

#[test]
fn what_providers_answer_is_understood_whole_and_in_pieces_alike() {
    let said = "It is 21 °C in Paris.".to_owned();
    let thought = "(The user wants weather.)".to_owned();
    let call = |city: &str| format!(r#"get_weather{{"city":"{city}","unit":"celsius"}}"#);
    for (teller, dialect) in TELLERS {
        for (case, parts, stop) in [
            ("plain", vec![said.clone()], Stop::End),
            ("image", vec![said.clone()], Stop::End),
            ("tools", vec![call("Paris")], Stop::ToolUse),
            ("parallel_tools", vec![call("Paris"), call("Oslo")], Stop::ToolUse),
            ("structured", vec![r#"{"city":"Paris","temp_c":21}"#.to_owned()], Stop::End),
            ("reasoning", vec![thought.clone(), said.clone()], Stop::End),
        ] {
            let answer =
                dialect.read_answer(&scene(teller, &format!("{case}.answer.json"))).unwrap();
            assert_eq!(texts(&answer.candidates[0].parts), parts, "{teller} {case}");
            assert_eq!(answer.candidates[0].stop, stop, "{teller} {case}");
            let tokens = answer.tokens.unwrap();
            assert_eq!((tokens.input_total(), tokens.output_total()), (25, 12), "{teller} {case}");
            let stream =
                scene(teller, &format!("{}.stream", if case == "plain" { "stream" } else { case }));
            let events = read_stream(dialect.stream_reader().as_mut(), &stream);
            let streamed = assemble(&events).unwrap_or_else(|| panic!("{teller} {case} is cut"));
            assert_eq!(streamed.candidates, answer.candidates, "{teller} {case}");
            assert_eq!(streamed.tokens, answer.tokens, "{teller} {case}");
        }
    }
    let answer = Chat::OPENAI.read_answer(&scene("openai_chat", "reasoning.answer.json")).unwrap();
    let tokens =
        Tokens { input: 20, cached_input: 5, output: 8, reasoning: 4, ..Tokens::default() };
    assert_eq!(answer.tokens, Some(tokens));
}

#[test]
fn a_stream_that_was_cut_within_a_call_has_no_end() {
    for (teller, dialect) in TELLERS {
        let events = read_stream(dialect.stream_reader().as_mut(), &scene(teller, "cut.stream"));
        assert!(!events.contains(&Event::End), "{teller}");
        assert!(events.iter().any(|event| matches!(event, Event::Delta { .. })), "{teller}");
    }
}

#[test]
fn what_providers_refuse_with_is_understood() {
    for (teller, dialect) in TELLERS {
        let told: Value = serde_json::from_slice(&scene(teller, "error.answer.json")).unwrap();
        let status = u16::try_from(told["status"].as_u64().unwrap()).unwrap();
        let error = dialect.read_error(status, told["body"].to_string().as_bytes());
        assert_eq!(error.cause, Cause::RateLimited, "{teller}");
        assert!(error.message.unwrap().to_lowercase().contains("rate limit reached"), "{teller}");
        assert!(error.kind.is_some(), "{teller}");
    }
}

#[test]
fn what_callers_ask_is_understood() {
    let plain = request("plain");
    assert_eq!(plain.turns[0].role, Role::System);
    assert_eq!(texts(&plain.turns[1].parts), ["What is the weather in Paris?"]);
    assert!(request("stream").stream);
    let tools = request("parallel_tools");
    assert_eq!(tools.turns.len(), 4, "both results are one turn");
    let Content::ToolResult(result) = &tools.turns[3].parts[1].content else { panic!() };
    assert_eq!(
        (result.name.as_str(), texts(&result.parts)),
        ("get_weather", vec!["9 °C, rain".to_owned()])
    );
    let Format::Schema(schema) = request("structured").format else { panic!() };
    assert_eq!((schema.name.as_str(), schema.strict), ("weather", Some(true)));
    let image = request("image");
    let Content::Image(inline) = &image.turns[1].parts[1].content else { panic!() };
    assert!(matches!(&inline.source, Source::Inline(bytes) if bytes.starts_with("iVBOR")));
    let reasoning = request("reasoning");
    let parts = &reasoning.turns[2].parts;
    assert_eq!(parts[0].content, Content::Thinking("The user wants weather.".to_owned()));
    assert_eq!(parts[0].signature.as_ref().map(|signature| signature.wire), Some(Wire::Messages));
    let value = "EmwKAhgBEgxoaWRkZW4gdGhvdWdodA==".to_owned();
    assert_eq!(parts[1].signature, Some(Signature { wire: Wire::Messages, value }));
    assert_eq!(parts[1].content, Content::HiddenThinking);
}

#[test]
fn every_scene_reaches_every_provider_of_this_dialect_or_is_refused_with_a_field() {
    let to = Provider { model: "m", output_tokens_max: 0 };
    let cases =
        ["plain", "stream", "tools", "parallel_tools", "structured", "image", "reasoning", "cut"];
    for (name, chat) in PROVIDERS {
        for case in cases {
            let sent = chat.write_request(&request(case), &to, &mut Losses::new(Wire::Chat));
            let refused = sent.map(|_| ()).map_err(|error| error.param.unwrap().into_owned());
            // Only a local server does not fetch images.
            let expected = match (*name, case) {
                ("ollama", "image") => Err("turns[1].parts[2]".to_owned()),
                _ => Ok(()),
            };
            assert_eq!(refused, expected, "{name} {case}");
        }
    }
}

/// Everybody who may ask gets this answer, whole and as a stream, in words that are JSON.
fn reaches_every_caller(name: &str, answer: &Answer, events: &[Event]) {
    let asked = Request { model: "m".to_owned(), ..Request::default() };
    let to = Caller { asked: &asked, id: "req_1", now: 7, stream_usage: true };
    for inbound in Wire::ALL.into_iter().filter_map(Wire::inbound) {
        let written = inbound.write_answer(answer, &to);
        assert!(serde_json::from_slice::<Value>(&written).unwrap().is_object(), "{name}");
        let (mut writer, mut out) = (inbound.stream_writer(&to), BytesMut::new());
        events.iter().for_each(|event| writer.write(event, &mut out));
        for event in String::from_utf8(out.to_vec()).unwrap().split("\n\n") {
            let data = event.lines().find_map(|line| line.strip_prefix("data: "));
            let proved = data
                .is_none_or(|data| data == "[DONE]" || serde_json::from_str::<Value>(data).is_ok());
            assert!(proved, "{name}: {event}");
        }
    }
}

fn answer_is_kept(name: &str, body: &str) {
    let told: Value = serde_json::from_str(body).unwrap();
    if told.get("choices").is_none() {
        return;
    }
    let answer =
        Chat::OPENAI.read_answer(body.as_bytes()).unwrap_or_else(|e| panic!("{name}: {e}"));
    for (n, candidate) in answer.candidates.iter().enumerate() {
        let message = &told["choices"][n]["message"];
        let spoken: String = candidate
            .parts
            .iter()
            .filter_map(|part| match &part.content {
                Content::Text { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(spoken, message["content"].as_str().unwrap_or_default(), "{name}");
        let calls =
            candidate.parts.iter().filter(|p| matches!(p.content, Content::ToolCall(_))).count();
        assert_eq!(calls, message["tool_calls"].as_array().map_or(0, Vec::len), "{name}");
        assert!(!matches!(candidate.stop, Stop::Other(_)), "{name}");
    }
    let asked = Request::default();
    let to = Caller { asked: &asked, id: "x", now: 0, stream_usage: false };
    let again = Chat::OPENAI.read_answer(&Chat::OPENAI.write_answer(&answer, &to)).unwrap();
    assert_eq!(again.candidates, answer.candidates, "{name}");
    assert_eq!(again.tokens, answer.tokens, "{name}");
    reaches_every_caller(name, &answer, &crate::testing::events_of(&answer, 3));
}

fn stream_is_kept(name: &str, body: &str) {
    let mut spoken = String::new();
    for data in body.lines().filter_map(|line| line.strip_prefix("data: ")) {
        if let Ok(chunk) = serde_json::from_str::<Value>(data) {
            spoken += chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
        }
    }
    let events = read_stream(Chat::OPENAI.stream_reader().as_mut(), body.as_bytes());
    let whole = body.contains("[DONE]");
    assert_eq!(events.contains(&Event::End), whole, "{name}");
    if whole {
        let answer = assemble(&events).unwrap();
        assert_eq!(texts(&answer.candidates[0].parts).concat(), spoken, "{name}");
        reaches_every_caller(name, &answer, &events);
    }
}

fn request_is_kept(name: &str, body: &str) {
    let Ok(request) = Chat::OPENAI.read_request(body.as_bytes(), &Address::default()) else {
        // One recording is of a request that the vendor refused, too.
        assert_eq!(name, "chat-no-messages", "{body}");
        return;
    };
    let mut losses = Losses::new(Wire::Chat);
    let to = Provider { model: &request.model, output_tokens_max: 0 };
    let sent = Chat::OPENAI.write_request(&request, &to, &mut losses).unwrap();
    let mut expected: Value = serde_json::from_str(body).unwrap();
    let mut sent: Value = serde_json::from_slice(&sent).unwrap();
    normal(&mut expected);
    normal(&mut sent);
    if request.format == Format::Json {
        // The vendor wants the word in the conversation.
        let messages = sent["messages"].as_array_mut().unwrap();
        messages.retain(|message| message["content"] != "Answer with a JSON object.");
        assert_eq!(losses.header(), "format", "{name}");
    } else {
        assert_eq!(losses.header(), "", "{name}");
    }
    assert_eq!(sent, expected, "{name}");
    for (wire, dialect) in Wire::ALL.into_iter().filter_map(|wire| Some((wire, wire.outbound()?))) {
        match dialect.write_request(&request, &to, &mut Losses::new(wire)) {
            Ok(sent) => {
                assert!(serde_json::from_slice::<Value>(&sent).unwrap().is_object(), "{name}")
            }
            Err(refused) => assert!(refused.param.is_some(), "{name} to {wire}: {refused}"),
        }
    }
}

/// What means the same is written in one way: the vendor's newer one.
fn normal(body: &mut Value) {
    let map = body.as_object_mut().unwrap();
    if let Some(older) = map.remove("max_tokens") {
        map.insert("max_completion_tokens".to_owned(), older);
    }
    if let Some(functions) = map.remove("functions") {
        let tools = map.entry("tools").or_insert_with(|| Value::Array(Vec::new()));
        for function in functions.as_array().unwrap() {
            let tool = serde_json::json!({"type": "function", "function": function});
            tools.as_array_mut().unwrap().push(tool);
        }
    }
    map.remove("function_call");
    map.retain(|name, value| !(name == "stream_options" || name == "stream" && *value == false));
    let messages = map["messages"].as_array_mut().unwrap();
    for message in messages {
        let message = message.as_object_mut().unwrap();
        if message["role"] == "developer" {
            message.insert("role".to_owned(), "system".into());
        }
        if message["role"] == "tool" {
            // The call that is answered has the name.
            message.remove("name");
        }
        for unsaid in ["annotations", "refusal"] {
            if message
                .get(unsaid)
                .is_some_and(|value| value.is_null() || *value == Value::Array(Vec::new()))
            {
                message.remove(unsaid);
            }
        }
        if let Some([one]) = message.get("content").and_then(Value::as_array).map(Vec::as_slice)
            && one["type"] == "text"
        {
            let text = one["text"].clone();
            message.insert("content".to_owned(), text);
        }
    }
}

#[test]
fn recorded_traffic_is_read_and_reaches_everybody() {
    for (name, body) in corpus("gateway-peer/requests/completions", ".json") {
        request_is_kept(&name, &body);
    }
    for (name, body) in corpus("gateway-peer/response/completions", ".json") {
        if body.starts_with("data:") {
            stream_is_kept(&name, &body)
        } else {
            answer_is_kept(&name, &body)
        }
    }
    for (name, recording) in corpus("openai-recorded", ".yaml") {
        if !name.contains("chat") {
            continue;
        }
        for (asked, told) in exchanges(&recording) {
            request_is_kept(&name, &asked);
            if told.starts_with("data:") {
                stream_is_kept(&name, &told);
            } else {
                answer_is_kept(&name, &told);
            }
        }
    }
}
