mod inbound;

use super::Cohere;
use crate::convert::{Cause, Outbound as _, Provider};
use crate::loss::Losses;
use crate::neutral::{
    CallKind, Content, Delta, Effort, Event, Format, Media, Part, Reasoning, Request, Role, Schema,
    Signature, Source, Stop, Tool, ToolCall, ToolChoice, ToolKind, ToolResult, Turn,
};
use crate::testing::{assemble, mangled};
use crate::{Invalid, Wire};
use contract::usage::Tokens;
use proptest::prelude::*;
use serde_json::{Value, json};

fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/cohere/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

fn write(request: &Request, model: &str) -> Result<(Value, String), Invalid> {
    let mut losses = Losses::new(Wire::Cohere);
    let body =
        Cohere.write_request(request, &Provider { model, output_tokens_max: 0 }, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), losses.header()))
}

fn read_stream(stream: &[u8]) -> Vec<Event> {
    let mut reader = Cohere.stream_reader();
    let mut out = Vec::new();
    let text = String::from_utf8(stream.to_vec()).unwrap();
    let whole = text.rfind("\n\n").map_or(0, |at| at + 2);
    for event in text[..whole].split_inclusive("\n\n") {
        reader.read(event.as_bytes(), &mut out).unwrap();
    }
    reader.close(&mut out);
    out
}

fn conversation(turns: Vec<(Role, Vec<Part>)>) -> Request {
    let turns = turns.into_iter().map(|(role, parts)| Turn::new(role, parts)).collect();
    Request { turns, ..Request::default() }
}

fn call(input: &str) -> Part {
    let (id, name, input) = ("c".to_owned(), "f".to_owned(), input.to_owned());
    Part::new(Content::ToolCall(ToolCall { id, name, input, kind: CallKind::Function }))
}

fn result(parts: Vec<Part>, is_error: bool) -> Part {
    let (call_id, name) = ("c".to_owned(), String::new());
    Part::new(Content::ToolResult(ToolResult { call_id, name, parts, is_error }))
}

fn image(source: Source) -> Part {
    Part::new(Content::Image(Media { source, ..Media::default() }))
}

#[test]
fn turns_are_written_with_results_before_what_is_beside_them() {
    let request = conversation(vec![
        (Role::System, vec![Part::text("s")]),
        (Role::User, vec![Part::text("q"), image(Source::Url("https://a.example/b".to_owned()))]),
        (
            Role::Assistant,
            vec![Part::new(Content::Thinking("plan".to_owned())), call("{\"x\": 1.0}")],
        ),
        (
            Role::User,
            vec![
                result(vec![Part::text("no"), image(Source::Inline("AAAA".to_owned()))], true),
                Part::text("and?"),
            ],
        ),
    ]);
    let (body, dropped) = write(&request, "command-a-03-2025").unwrap();
    assert_eq!(
        body["messages"],
        json!([
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "q"},
                {"type": "image_url", "image_url": {"url": "https://a.example/b"}}]},
            {"role": "assistant", "tool_plan": "plan", "tool_calls": [{"id": "c", "type": "function",
                "function": {"name": "f", "arguments": "{\"x\": 1.0}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "{\"error\":\"no\"}"},
            {"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "text", "text": "and?"}]},
        ])
    );
    assert_eq!(dropped, "turns[3].parts[0].parts[1], turns[3].parts[0].is_error");
    let (body, _) = write(&request, "command-a-reasoning-08-2025").unwrap();
    let thinking = json!([{"type": "thinking", "thinking": "plan"}]);
    assert_eq!(body["messages"][2]["content"], thinking);
}

#[test]
fn one_forced_tool_is_the_only_one_offered() {
    let tool = |name: &str| Tool {
        name: name.to_owned(),
        description: Some("d".to_owned()),
        kind: ToolKind::Function { schema: json!({"type": "object"}), strict: Some(true) },
        cache: None,
    };
    let mut request = conversation(vec![(Role::User, vec![Part::text("q")])]);
    request.tools = vec![tool("a"), tool("b")];
    request.tool_choice = Some(ToolChoice::One("b".to_owned()));
    let (body, dropped) = write(&request, "m").unwrap();
    let function = json!({"name": "b", "description": "d", "parameters": {"type": "object"}});
    assert_eq!(body["tools"], json!([{"type": "function", "function": function}]));
    assert_eq!((&body["tool_choice"], &body["strict_tools"]), (&json!("REQUIRED"), &json!(true)));
    assert_eq!(dropped, "tool_choice");
    for (choice, word) in [
        (ToolChoice::Any, json!("REQUIRED")),
        (ToolChoice::None, json!("NONE")),
        (ToolChoice::Auto, Value::Null),
    ] {
        request.tool_choice = Some(choice);
        let (body, dropped) = write(&request, "m").unwrap();
        assert_eq!((&body["tool_choice"], dropped.as_str()), (&word, ""));
        assert_eq!(body["tools"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn settings_stay_within_the_bounds_of_the_dialect_and_that_is_told() {
    let mut request = conversation(vec![(Role::User, vec![Part::text("q")])]);
    request.stream = true;
    request.output_tokens_max = Some(9);
    request.sampling.top_p = Some(1.0);
    request.sampling.top_k = Some(900);
    request.sampling.frequency_penalty = Some(-1.0);
    request.sampling.presence_penalty = Some(0.5);
    request.sampling.seed = Some(-3);
    request.logprobs = Some(2);
    let schema = json!({"type": "object"});
    let format =
        Schema { name: "n".to_owned(), description: None, schema: schema.clone(), strict: None };
    request.format = Format::Schema(format);
    request.reasoning = Some(Reasoning { effort: Some(Effort::Low), ..Reasoning::default() });
    let (mut body, dropped) = write(&request, "m").unwrap();
    body.as_object_mut().unwrap().remove("messages");
    assert_eq!(
        body,
        json!({"model": "m", "stream": true, "max_tokens": 9, "p": 0.99, "k": 500,
            "frequency_penalty": 0.0, "seed": 3, "logprobs": true,
            "response_format": {"type": "json_object", "json_schema": schema},
            "thinking": {"type": "enabled", "token_budget": 2048}})
    );
    assert_eq!(
        dropped,
        "sampling.top_p, sampling.frequency_penalty, sampling.presence_penalty, sampling.top_k, \
         sampling.seed, logprobs"
    );
    request.sampling.candidates = Some(2);
    assert_eq!(write(&request, "m").unwrap_err().param.as_deref(), Some("sampling.candidates"));
}

#[test]
fn what_cannot_be_said_is_refused_with_its_place() {
    let media = Media { source: Source::Inline("AAAA".to_owned()), ..Media::default() };
    for content in
        [Content::Audio(media.clone()), Content::Video(media.clone()), Content::File(media)]
    {
        let request = conversation(vec![(Role::User, vec![Part::new(content)])]);
        assert_eq!(write(&request, "m").unwrap_err().param.as_deref(), Some("turns[0].parts[0]"));
    }
    let cut = conversation(vec![(Role::Assistant, vec![call("{\"x")])]);
    assert_eq!(write(&cut, "m").unwrap_err().param.as_deref(), Some("turns[0].parts[0]"));
    let signed = Part {
        signature: Some(Signature { wire: Wire::Messages, value: "s".to_owned() }),
        ..Part::new(Content::HiddenThinking)
    };
    let hidden = conversation(vec![(Role::Assistant, vec![signed, Part::text("t")])]);
    let (body, dropped) = write(&hidden, "m").unwrap();
    assert_eq!(body["messages"], json!([{"role": "assistant", "content": "t"}]));
    assert_eq!(dropped, "turns[0].parts[0]");
}

#[test]
fn answers_and_streams_of_the_fixtures_say_the_same() {
    for case in ["plain", "tools", "parallel_tools", "structured", "image", "reasoning"] {
        let answer = Cohere.read_answer(&golden(&format!("{case}.answer.json"))).unwrap();
        let tokens = Tokens { input: 20, cached_input: 5, output: 12, ..Tokens::default() };
        assert_eq!(answer.tokens, Some(tokens), "{case}");
        let stream = if case == "plain" { "stream" } else { case };
        let streamed = assemble(&read_stream(&golden(&format!("{stream}.stream")))).unwrap();
        assert_eq!(streamed, answer, "{case}");
    }
    let tools = Cohere.read_answer(&golden("tools.answer.json")).unwrap();
    assert_eq!(tools.candidates[0].stop, Stop::ToolUse);
    let plan = Content::Thinking("I will look up the weather.".to_owned());
    assert_eq!(tools.candidates[0].parts[0].content, plan);
}

#[test]
fn a_cut_stream_has_no_end_and_a_broken_one_an_error() {
    assert_eq!(assemble(&read_stream(&golden("cut.stream"))), None);
    let broken = b"data: {\"type\":\"message-start\",\"id\":\"i\"}\n\n\
        data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"why\"}}\n\n";
    let events = read_stream(broken);
    let error = Event::Error { kind: "ERROR".to_owned(), message: "why".to_owned() };
    assert_eq!(events.last(), Some(&error));
    let bare = read_stream(b"data: {\"message\":\"internal error\"}\n\n");
    let error = Event::Error { kind: String::new(), message: "internal error".to_owned() };
    assert_eq!(bare, [error]);
}

#[test]
fn citations_count_characters_on_the_wire_and_bytes_here() {
    let cited = json!({"start": 6, "end": 11, "text": "21 \u{b0}C", "sources": [{"type": "document",
        "id": "d", "document": {"title": "t", "url": "https://a.example"}}], "type": "TEXT_CONTENT"});
    let body = json!({"id": "i", "finish_reason": "COMPLETE", "message": {"role": "assistant",
        "content": [{"type": "text", "text": "It is 21 \u{b0}C."}], "citations": [cited]}});
    let answer = Cohere.read_answer(body.to_string().as_bytes()).unwrap();
    let Content::Text { text, citations } = &answer.candidates[0].parts[0].content else {
        panic!()
    };
    let (from, to) = citations[0].span.unwrap();
    assert_eq!(&text[from..to], "21 \u{b0}C");
    assert_eq!(citations[0].url.as_deref(), Some("https://a.example"));

    let event = |value: Value| format!("data: {value}\n\n");
    let piece = json!({"type": "content-delta", "index": 0,
        "delta": {"message": {"content": {"text": "It is 21 \u{b0}C."}}}});
    let note =
        json!({"type": "citation-start", "index": 0, "delta": {"message": {"citations": cited}}});
    let end = json!({"type": "content-end", "index": 0});
    let stream = [json!({"type": "message-start"}), piece, end, note].map(event).concat();
    let events = read_stream(stream.as_bytes());
    let Some(Event::Delta { delta: Delta::Citation(streamed), .. }) = events.last() else {
        panic!()
    };
    assert_eq!(streamed, &citations[0]);
}

#[test]
fn usage_is_what_is_billed_else_what_was_read_else_nothing() {
    let with = |usage: Value| {
        let body = json!({"id": "i", "message": {"role": "assistant"}, "usage": usage});
        Cohere.read_answer(body.to_string().as_bytes()).unwrap().tokens
    };
    let tokens = |input, output| Some(Tokens { input, output, ..Tokens::default() });
    let read = json!({"input_tokens": 9.0, "output_tokens": 8.0});
    let zero = json!({"input_tokens": 0, "output_tokens": 0});
    assert_eq!(with(json!({"billed_units": zero, "tokens": read})), tokens(0, 0));
    assert_eq!(with(json!({"billed_units": {"search_units": 1}, "tokens": read})), tokens(9, 8));
    assert_eq!(
        with(json!({"tokens": {"input_tokens": -1.0, "output_tokens": 1e300}})),
        tokens(0, u64::MAX)
    );
    assert_eq!(with(json!({})), None);
}

#[test]
fn the_cause_of_an_error_is_read_from_status_and_words() {
    for (status, message, cause) in [
        (
            400,
            "too many tokens: total number of tokens in the prompt cannot exceed 4081",
            Cause::ContextFull,
        ),
        (400, "too many tokens: max tokens must be less than or equal to 4096", Cause::Unknown),
        (401, "invalid api token", Cause::Credentials),
        (402, "Please add or update your payment method", Cause::Quota),
        (429, "You are past the per minute request limit", Cause::RateLimited),
        (429, "Trial key, which is limited to 1000 API calls / month", Cause::Quota),
        (498, "blocked", Cause::ContentPolicy),
        (503, "", Cause::Overloaded),
    ] {
        let body = json!({"message": message}).to_string();
        let read = Cohere.read_error(status, body.as_bytes());
        assert_eq!((read.cause, read.message.as_deref()), (cause, Some(message)));
    }
    for body in [b"".as_slice(), b"<html>", b"\xff", b"[]", b"{\"message\":5}"] {
        assert_eq!(Cohere.read_error(500, body).message, None);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Cohere.read_answer(&bytes);
        Cohere.read_error(400, &bytes);
        let framed = [b"data: ".as_slice(), &bytes, b"\n\n"].concat();
        let _ = Cohere.stream_reader().read(&framed, &mut Vec::new());
    }

    #[test]
    fn a_stream_nearly_right_keeps_the_order_of_events(
        at in any::<prop::sample::Index>(),
        case in prop_oneof![Just("tools"), Just("reasoning"), Just("parallel_tools")],
        values in proptest::collection::vec(mangled(json!({"type": "content-delta", "index": 0,
            "delta": {"message": {"content": {"text": "x"}}}})), 1..3),
    ) {
        let text = String::from_utf8(golden(&format!("{case}.stream"))).unwrap();
        let mut events: Vec<String> = text.split_inclusive("\n\n").map(str::to_owned).collect();
        let at = at.index(events.len());
        for value in values {
            events.insert(at, format!("data: {value}\n\n"));
        }
        let mut reader = Cohere.stream_reader();
        let mut out = Vec::new();
        for event in events {
            let _ = reader.read(event.as_bytes(), &mut out);
        }
        reader.close(&mut out);
        assemble(&out);
    }
}
