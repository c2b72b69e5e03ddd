//! The dialect as callers speak it.

use super::{golden, read_stream};
use crate::cohere::Cohere;
use crate::convert::{Address, Caller, Inbound as _, Outbound as _, Pass as _, Seen};
use crate::neutral::{
    Answer, CallKind, Candidate, Citation, Content, Delta, Effort, Event, Format, Media, Native,
    Part, Reasoning, Request, Role, Signature, Source, Stop, TokenChance, ToolCall, ToolChoice,
    ToolKind, TopToken,
};
use crate::testing::{assemble, events_of, mangled};
use crate::{Invalid, Problem, Reported, Wire};
use bytes::BytesMut;
use contract::error::ErrorCode;
use contract::usage::Tokens;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(body: &Value) -> Result<Request, Invalid> {
    Cohere.read_request(body.to_string().as_bytes(), &Address::default())
}

fn asking(more: Value) -> Request {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "q"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    read(&body).unwrap()
}

fn caller(asked: &Request) -> Caller<'_> {
    Caller { asked, id: "req_1", now: 0, stream_usage: true }
}

fn written(answer: &Answer, asked: &Request) -> Value {
    serde_json::from_slice(&Cohere.write_answer(answer, &caller(asked))).unwrap()
}

fn streamed(events: &[Event], asked: &Request) -> String {
    let mut writer = Cohere.stream_writer(&caller(asked));
    let mut out = BytesMut::new();
    for event in events {
        writer.write(event, &mut out);
    }
    String::from_utf8(out.to_vec()).unwrap()
}

/// The types of the events, in their order.
fn types(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect()
}

fn signed(content: Content, value: &str) -> Part {
    let signature = Some(Signature { wire: Wire::Gemini, value: value.to_owned() });
    Part { signature, ..Part::new(content) }
}

fn call(input: &str) -> Content {
    let (id, name) = ("c1".to_owned(), "f".to_owned());
    Content::ToolCall(ToolCall { id, name, input: input.to_owned(), kind: CallKind::Function })
}

fn answer(parts: Vec<Part>) -> Answer {
    let candidate = Candidate { parts, stop: Stop::End, logprobs: None, native: None };
    let tokens = Tokens { input: 3, cached_input: 2, output: 4, ..Tokens::default() };
    let id = "a-1".to_owned();
    Answer { id, candidates: vec![candidate], tokens: Some(tokens), ..Answer::default() }
}

#[test]
fn every_setting_is_read() {
    let request = asking(json!({
        "max_tokens": 9, "temperature": 0.5, "p": 0.7, "k": 40, "seed": 7, "stop_sequences": ["x"],
        "frequency_penalty": 0.1, "presence_penalty": 0.2, "logprobs": true, "stream": true,
        "tool_choice": "REQUIRED", "strict_tools": true,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
        "thinking": {"type": "enabled", "token_budget": 512},
        "safety_mode": "STRICT", "citation_options": {"mode": "OFF"}, "priority": 1, "new": null,
    }));
    assert_eq!(
        (request.output_tokens_max, request.stream, request.logprobs),
        (Some(9), true, Some(0))
    );
    let sampling = &request.sampling;
    assert_eq!(
        (sampling.temperature, sampling.top_p, sampling.top_k),
        (Some(0.5), Some(0.7), Some(40))
    );
    assert_eq!((sampling.frequency_penalty, sampling.presence_penalty), (Some(0.1), Some(0.2)));
    assert_eq!((sampling.seed, sampling.stop.as_slice()), (Some(7), ["x".to_owned()].as_slice()));
    assert_eq!(request.tool_choice, Some(ToolChoice::Any));
    let schema = json!({"type": "object"});
    assert_eq!(
        request.tools[0].kind,
        ToolKind::Function { schema: schema.clone(), strict: Some(true) }
    );
    assert!(matches!(&request.format, Format::Schema(format) if format.schema == schema));
    let reasoning = Reasoning { effort: None, tokens_max: Some(512), show: Some(true) };
    assert_eq!(request.reasoning, Some(reasoning));
    let names: Vec<&str> = request.extra.iter().map(|extra| extra.name.as_str()).collect();
    assert_eq!(names, ["safety_mode", "citation_options", "priority"]);

    let off = asking(json!({"thinking": {"type": "disabled"}, "k": 0, "strict_tools": false}));
    assert_eq!(off.reasoning.and_then(|reasoning| reasoning.effort), Some(Effort::None));
    assert_eq!(off.sampling.top_k, None);
    assert_eq!(asking(json!({"response_format": {"type": "json_object"}})).format, Format::Json);
    assert_eq!(asking(json!({"tool_choice": "NONE"})).tool_choice, Some(ToolChoice::None));
}

#[test]
fn what_is_wrong_is_named_with_its_path() {
    let said = |message: Value| json!({"model": "m", "messages": [message]});
    let with = |name: &str, value: Value| {
        let mut body = said(json!({"role": "user", "content": "q"}));
        body[name] = value;
        body
    };
    let block = |block: Value| said(json!({"role": "user", "content": [block]}));
    let call = |call: Value| said(json!({"role": "assistant", "tool_calls": [call]}));
    for (body, at) in [
        (json!({"messages": []}), "model"),
        (json!({"model": "m"}), "messages"),
        (json!({"model": "m", "messages": []}), "messages"),
        (json!({"model": "m", "messages": "hi"}), "messages"),
        (json!({"model": "m", "messages": [7]}), "messages[0]"),
        (said(json!({"role": "CHATBOT", "content": "q"})), "messages[0].role"),
        (said(json!({"role": "user"})), "messages[0].content"),
        (said(json!({"role": "user", "content": 5})), "messages[0].content"),
        (said(json!({"role": "tool", "content": "x"})), "messages[0].tool_call_id"),
        (said(json!({"role": "assistant", "tool_plan": 1})), "messages[0].tool_plan"),
        (block(json!({"text": "x"})), "messages[0].content[0].type"),
        (block(json!({"type": "text"})), "messages[0].content[0].text"),
        (block(json!({"type": "image_url", "image_url": "x"})), "messages[0].content[0].image_url"),
        (
            block(json!({"type": "image_url", "image_url": {"url": "data:image/png,x"}})),
            "messages[0].content[0].image_url.url",
        ),
        (
            block(json!({"type": "image_url", "image_url": {"url": "http://a/b", "detail": "x"}})),
            "messages[0].content[0].image_url.detail",
        ),
        (call(json!({"type": "function"})), "messages[0].tool_calls[0].id"),
        (call(json!({"id": "c", "type": "other"})), "messages[0].tool_calls[0].type"),
        (
            call(json!({"id": "c", "function": {"name": "f", "arguments": {}}})),
            "messages[0].tool_calls[0].function.arguments",
        ),
        (with("documents", json!([7])), "documents[0]"),
        (with("documents", json!([{"id": "d"}])), "documents[0].data"),
        (with("documents", json!([{"data": 5}])), "documents[0].data"),
        (with("tools", json!([{"function": {}}])), "tools[0].function.name"),
        (with("tool_choice", json!("required")), "tool_choice"),
        (with("thinking", json!({})), "thinking.type"),
        (with("response_format", json!({"type": "xml"})), "response_format.type"),
        (
            with("response_format", json!({"type": "text", "json_schema": {}})),
            "response_format.json_schema",
        ),
        (with("seed", json!(u64::MAX)), "seed"),
        (with("k", json!(1.5)), "k"),
        (with("max_tokens", json!(1e300)), "max_tokens"),
        (with("stop_sequences", json!(["a", 5])), "stop_sequences[1]"),
    ] {
        assert_eq!(read(&body).unwrap_err().param.as_deref(), Some(at), "{body}");
    }
}

#[test]
fn documents_are_files_in_front_of_what_the_user_last_said() {
    let request = read(&json!({
        "model": "m",
        "messages": [
            {"role": "user", "content": "first"}, {"role": "assistant", "content": "a"},
            {"role": "user", "content": "q"},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
            {"role": "tool", "tool_call_id": "c", "content": [
                {"type": "document", "document": {"data": "{\"t\":1}"}},
                {"type": "document", "document": {"id": "d", "data": {"text": "named"}}}]},
        ],
        "documents": ["bare", {"id": "1", "data": {"title": "T", "snippet": "S", "n": 2}}],
    }))
    .unwrap();
    let file = |name: Option<&str>, text: &str| {
        Part::new(Content::File(Media {
            source: Source::Text(text.to_owned()),
            media_type: "text/plain".to_owned(),
            name: name.map(str::to_owned),
            detail: None,
        }))
    };
    let lines = "title: T\nsnippet: S\nn: 2\n";
    assert_eq!(
        request.turns[2].parts,
        [file(None, "bare"), file(Some("1"), lines), Part::text("q")]
    );
    let Content::ToolResult(result) = &request.turns[4].parts[0].content else { panic!() };
    assert_eq!(result.name, "f");
    assert_eq!(result.parts, [Part::text("{\"t\":1}"), file(Some("d"), "named")]);

    // To a provider of the same dialect they are documents again.
    let (body, dropped) = super::write(&request, "m").unwrap();
    let data = |text: &str| json!({"data": {"text": text}});
    let named = json!({"id": "1", "data": {"text": lines}});
    assert_eq!(body["documents"], json!([data("bare"), named]));
    assert_eq!(body["messages"][2], json!({"role": "user", "content": "q"}));
    assert_eq!(dropped, "turns[2].parts[0], turns[2].parts[1]");
}

#[test]
fn a_thought_is_the_plan_of_who_offers_tools_and_asked_for_no_thoughts() {
    let thought = Part::new(Content::Thinking("hm".to_owned()));
    let said = answer(vec![thought, Part::text("t"), Part::new(call("{}"))]);
    let tools = json!([{"function": {"name": "f", "parameters": {}}}]);
    let planning = asking(json!({"tools": tools}));
    let message = &written(&said, &planning)["message"];
    assert_eq!(
        (&message["tool_plan"], &message["content"][0]["type"]),
        (&json!("hm"), &json!("text"))
    );
    let stream = streamed(&events_of(&said, 1), &planning);
    assert_eq!(
        types(&stream),
        [
            "message-start",
            "tool-plan-delta",
            "tool-plan-delta",
            "content-start",
            "content-delta",
            "content-end",
            "tool-call-start",
            "tool-call-delta",
            "tool-call-delta",
            "tool-call-end",
            "message-end"
        ]
    );
    for asked in
        [asking(json!({})), asking(json!({"tools": tools, "thinking": {"type": "enabled"}}))]
    {
        let message = &written(&said, &asked)["message"];
        assert_eq!(message["content"][0], json!({"type": "thinking", "thinking": "hm"}));
        assert_eq!(message.get("tool_plan"), None);
        assert!(!types(&streamed(&events_of(&said, 1), &asked)).contains(&"tool-plan-delta"));
    }
}

#[test]
fn whole_or_streamed_an_answer_keeps_its_signatures_and_brings_them_back() {
    let said = answer(vec![
        signed(Content::Thinking("plan".to_owned()), "s0"),
        signed(Content::Thinking("more".to_owned()), "s1"),
        signed(Content::HiddenThinking, "s2"),
        signed(Content::Text { text: "t".to_owned(), citations: Vec::new() }, "s3"),
        signed(call("{\"a\":1}"), "s4"),
    ]);
    let tools = json!([{"function": {"name": "f", "parameters": {}}}]);
    for asked in [asking(json!({})), asking(json!({"tools": tools}))] {
        let whole = written(&said, &asked);
        let parts = &Cohere.read_answer(whole.to_string().as_bytes()).unwrap().candidates[0].parts;
        assert_eq!(parts, &said.candidates[0].parts);
        let stream = streamed(&events_of(&said, 2), &asked);
        let again = assemble(&read_stream(stream.as_bytes())).unwrap();
        assert_eq!(again.candidates[0].parts, said.candidates[0].parts, "{stream}");
        // As the vendor's SDKs hand it back.
        let history =
            json!({"model": "m", "messages": [{"role": "user", "content": "q"}, whole["message"]]});
        let turn = read(&history).unwrap().turns.remove(1);
        assert_eq!((turn.role, turn.parts), (Role::Assistant, said.candidates[0].parts.clone()));
        assert!(Signature::is_packed_in(history.to_string().as_bytes()));
    }
}

#[test]
fn citations_count_characters_and_come_before_the_end_of_their_block() {
    let citation = Citation {
        url: Some("https://a.example".to_owned()),
        title: Some("A".to_owned()),
        quote: Some("q".to_owned()),
        span: Some((2, 6)),
        native: Native { wire: Wire::Gemini, value: Value::Null },
    };
    let text = Content::Text { text: "\u{e9}\u{e9}\u{e9}.".to_owned(), citations: vec![citation] };
    let said = answer(vec![Part::new(Content::Thinking("t".to_owned())), Part::new(text)]);
    let document = json!({"title": "A", "url": "https://a.example", "text": "q"});
    let source = json!({"type": "document", "id": "https://a.example", "document": document});
    let expected = json!({
        "start": 1, "end": 3, "text": "\u{e9}\u{e9}", "sources": [source], "content_index": 1,
        "type": "TEXT_CONTENT",
    });
    let asked = asking(json!({}));
    assert_eq!(written(&said, &asked)["message"]["citations"], json!([expected]));
    let stream = streamed(&events_of(&said, 9), &asked);
    let types = types(&stream);
    assert_eq!(
        types[types.len() - 4..],
        ["citation-start", "citation-end", "content-end", "message-end"]
    );
    assert!(stream.contains(&expected.to_string()), "{stream}");
}

#[test]
fn chances_usage_and_the_end_are_told_in_the_vendors_words() {
    let mut said = answer(vec![Part::text("t")]);
    let token = TopToken { token: "t".to_owned(), logprob: -0.5, bytes: Value::Null };
    said.candidates[0].logprobs = Some(vec![TokenChance { token, top: Vec::new() }]);
    let asked = asking(json!({}));
    let whole = written(&said, &asked);
    assert_eq!(whole["logprobs"], json!([{"text": "t", "token_ids": [], "logprobs": [-0.5]}]));
    let counts = json!({"input_tokens": 5, "output_tokens": 4});
    assert_eq!(
        whole["usage"],
        json!({"billed_units": counts, "tokens": counts, "cached_tokens": 2})
    );
    for (stop, word) in [
        (Stop::End, "COMPLETE"),
        (Stop::MaxTokens, "MAX_TOKENS"),
        (Stop::Sequence(None), "STOP_SEQUENCE"),
        (Stop::ToolUse, "TOOL_CALL"),
        (Stop::Filtered, "ERROR_TOXIC"),
        (Stop::ContextFull, "ERROR_LIMIT"),
    ] {
        said.candidates[0].stop = stop;
        assert_eq!(written(&said, &asked)["finish_reason"], word);
        assert!(
            streamed(&events_of(&said, 1), &asked)
                .contains(&format!("\"finish_reason\":\"{word}\""))
        );
    }
    said.tokens = None;
    assert_eq!(written(&said, &asked).get("usage"), None);
    // Blocked before any answer.
    said.candidates.clear();
    assert_eq!(written(&said, &asked)["finish_reason"], "ERROR_TOXIC");
}

#[test]
fn a_call_without_input_has_an_empty_object_for_it() {
    let said = answer(vec![Part::new(call(""))]);
    let asked = asking(json!({}));
    assert_eq!(written(&said, &asked)["message"]["tool_calls"][0]["function"]["arguments"], "{}");
    let again = assemble(&read_stream(streamed(&events_of(&said, 1), &asked).as_bytes())).unwrap();
    assert_eq!(again.candidates[0].parts, [Part::new(call("{}"))]);
}

#[test]
fn an_error_is_a_message_with_an_id_and_in_a_stream_the_reason_of_its_end() {
    let problem = Problem {
        code: ErrorCode::UpstreamCut,
        status: 502,
        message: "no",
        param: Some("k"),
        request_id: "req_1",
    };
    let body: Value = serde_json::from_slice(&Cohere.error_body(&problem)).unwrap();
    assert_eq!(body, json!({"id": "req_1", "message": "no", "code": "upstream.cut", "param": "k"}));
    let event = Cohere.error_event(&problem);
    assert!(event.starts_with(b"event: message-end\ndata: {"));
    let events = read_stream(&event);
    assert!(
        matches!(&events[..], [.., Event::Error { message, .. }] if message == "no"),
        "{events:?}"
    );
}

#[test]
fn a_stream_that_passes_is_watched_for_content_usage_and_its_end() {
    let mut watch = Cohere.watch();
    let text = String::from_utf8(golden("tools.stream")).unwrap();
    let seen: Vec<Seen> =
        text.split_inclusive("\n\n").map(|event| watch.see(event.as_bytes())).collect();
    assert_eq!(seen.first(), Some(&Seen::Chunk { content: false }));
    assert_eq!(seen.get(1), Some(&Seen::Chunk { content: true }));
    assert_eq!(seen.last(), Some(&Seen::Done));
    let tokens = Tokens { input: 20, cached_input: 5, output: 12, ..Tokens::default() };
    assert_eq!(watch.reported().tokens, Some(tokens));
    for (event, sight) in [
        (": ping\n\n", Seen::Silent),
        ("data: [DONE]\n\n", Seen::Done),
        ("data: {\"message\":\"no\"}\n\n", Seen::Error),
        (
            "data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\"}}\n\n",
            Seen::Error,
        ),
        ("data: {\"type\":\"message-end\"}\n\n", Seen::Done),
        ("data: {\"type\":\"new-thing\"}\n\n", Seen::Chunk { content: false }),
        ("data: {\"type\":5}\n\n", Seen::Malformed),
        ("data: {\n\n", Seen::Malformed),
    ] {
        assert_eq!(watch.see(event.as_bytes()), sight, "{event}");
    }
}

#[test]
fn what_a_passing_answer_used_is_read_of_conversations_and_embeddings() {
    let used = |body: Value| Cohere.read_usage(body.to_string().as_bytes()).unwrap();
    let plain: Value = serde_json::from_slice(&golden("plain.answer.json")).unwrap();
    assert_eq!(
        used(plain).tokens.map(|tokens| (tokens.input_total(), tokens.output)),
        Some((25, 12))
    );
    let units = json!({"meta": {"billed_units": {"input_tokens": 3, "image_tokens": 9}}});
    assert_eq!(used(units).tokens.map(|tokens| (tokens.input, tokens.image_input)), Some((3, 9)));
    let ranked = used(json!({"meta": {"billed_units": {"search_units": 2}}}));
    assert_eq!((ranked.tokens, ranked.units.searches), (Some(Tokens::default()), 2));
    assert_eq!(used(json!({"id": "x"})), Reported::NOTHING);
    assert!(Cohere.read_usage(b"<html>").is_err());
}

proptest! {
    #[test]
    fn no_request_makes_it_panic(
        body in mangled(serde_json::from_slice(&golden("image.request.json")).unwrap()),
        tools in mangled(serde_json::from_slice(&golden("tools.request.json")).unwrap()),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = Cohere.read_request(&bytes, &Address::default());
        let _ = Cohere.watch().see(&[b"data: ".as_slice(), &bytes, b"\n\n"].concat());
        let _ = Cohere.read_usage(&bytes);
        for body in [body, tools] {
            if let Ok(request) = read(&body) {
                for wire in Wire::ALL {
                    let mut losses = crate::loss::Losses::new(wire);
                    let to = crate::convert::Provider { model: "m", output_tokens_max: 0 };
                    let _ = wire.outbound().unwrap().write_request(&request, &to, &mut losses);
                }
            }
        }
    }

    #[test]
    fn whole_or_streamed_an_answer_says_the_same(
        kinds in proptest::collection::vec((0..4_usize, "[a-z\u{e9}\"\\\\ ]{1,8}", any::<bool>()), 0..6),
        size in 1..4_usize,
        plans in any::<bool>(),
    ) {
        let parts = kinds.into_iter().map(|(kind, text, sign)| {
            let content = match kind {
                0 => Content::Text { text, citations: Vec::new() },
                1 => Content::Thinking(text),
                2 => call(&json!({"a": text}).to_string()),
                _ => return signed(Content::HiddenThinking, &text),
            };
            if sign { signed(content, "s") } else { Part::new(content) }
        });
        let said = answer(parts.collect());
        let tools = json!([{"function": {"name": "f", "parameters": {}}}]);
        let asked = asking(if plans { json!({"tools": tools}) } else { json!({}) });
        let whole = Cohere.read_answer(written(&said, &asked).to_string().as_bytes()).unwrap();
        let stream = streamed(&events_of(&said, size), &asked);
        let again = assemble(&read_stream(stream.as_bytes())).unwrap();
        prop_assert_eq!(&again.tokens, &whole.tokens);
        let parts = said.candidates[0].parts.clone();
        prop_assert_eq!(&again.candidates[0].parts, &parts, "{}", stream);
        // A whole answer tells its calls last.
        let (calls, others): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| matches!(part.content, Content::ToolCall(_)));
        prop_assert_eq!(&whole.candidates[0].parts, &[others, calls].concat());
    }

    #[test]
    fn a_stream_in_any_order_is_written_as_whole_events(
        cut in 0..40_usize,
    ) {
        let said = answer(vec![Part::text("text"), Part::new(call("{\"a\":1}"))]);
        let mut events = events_of(&said, 1);
        events.truncate(cut);
        events.push(Event::Delta { block: 7, delta: Delta::Text("x".to_owned()) });
        let stream = streamed(&events, &asking(json!({})));
        for line in stream.lines().filter_map(|line| line.strip_prefix("data: ")) {
            prop_assert!(serde_json::from_str::<Value>(line).is_ok(), "{}", line);
        }
    }
}
