use super::Ollama;
use crate::convert::{Cause, Outbound as _, Provider};
use crate::loss::Losses;
use crate::neutral::{
    CallKind, Content, Delta, Detail, Effort, Event, Extra, Format, Media, Part, Reasoning,
    Request, Role, Schema, Signature, Source, Stop, Tool, ToolCall, ToolChoice, ToolKind,
    ToolResult, Turn,
};
use crate::testing::{assemble, mangled};
use crate::{Invalid, Wire};
use contract::usage::Tokens;
use proptest::prelude::*;
use serde_json::{Value, json};

fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/ollama/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

fn write_for(request: &Request, model: &str) -> Result<(Value, String), Invalid> {
    let mut losses = Losses::new(Wire::Ollama);
    let to = Provider { model, output_tokens_max: 0 };
    let body = Ollama.write_request(request, &to, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), losses.header()))
}

fn write(request: &Request) -> Result<(Value, String), Invalid> {
    write_for(request, "llama3.3")
}

fn refused_at(request: &Request) -> String {
    write(request).unwrap_err().param.unwrap().into_owned()
}

fn read_stream(stream: &[u8]) -> Vec<Event> {
    let mut reader = Ollama.stream_reader();
    let mut out = Vec::new();
    for line in stream.split(|byte| *byte == b'\n') {
        let _ = reader.read(line, &mut out);
    }
    reader.close(&mut out);
    out
}

fn conversation(turns: Vec<(Role, Vec<Part>)>) -> Request {
    let turns = turns.into_iter().map(|(role, parts)| Turn::new(role, parts)).collect();
    Request { turns, ..Request::default() }
}

fn user(parts: Vec<Part>) -> Request {
    conversation(vec![(Role::User, parts)])
}

fn call(input: &str) -> Part {
    let (id, name, input) = ("c".to_owned(), "f".to_owned(), input.to_owned());
    Part::new(Content::ToolCall(ToolCall { id, name, input, kind: CallKind::Function }))
}

fn result(parts: Vec<Part>, is_error: bool) -> Part {
    let (call_id, name) = ("c".to_owned(), "f".to_owned());
    Part::new(Content::ToolResult(ToolResult { call_id, name, parts, is_error }))
}

fn image(source: Source) -> Part {
    Part::new(Content::Image(Media { source, ..Media::default() }))
}

fn inline(data: &str) -> Part {
    image(Source::Inline(data.to_owned()))
}

#[test]
fn a_message_holds_one_text_and_bare_images_and_results_come_before_it() {
    let request = conversation(vec![
        (Role::System, vec![Part::text("s")]),
        (Role::User, vec![Part::text("a"), Part::text("b"), inline("iVBOR")]),
        (
            Role::Assistant,
            vec![
                Part::new(Content::Thinking("hm".to_owned())),
                Part::text("x"),
                call("{\"a\":[1]}"),
            ],
        ),
        (Role::User, vec![Part::text("and?"), result(vec![Part::text("r")], false)]),
    ]);
    let (body, lost) = write(&request).unwrap();
    let messages = json!([
        {"role": "system", "content": "s"},
        {"role": "user", "content": "a\n\nb", "images": ["iVBOR"]},
        {"role": "assistant", "content": "x", "thinking": "hm",
         "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": [1]}}}]},
        {"role": "tool", "content": "r", "tool_name": "f", "tool_call_id": "c"},
        {"role": "user", "content": "and?"},
    ]);
    assert_eq!((body["messages"].clone(), lost.as_str()), (messages, ""));
}

#[test]
fn what_a_message_cannot_say_is_refused_told_or_said_in_other_words() {
    let between = user(vec![Part::text("a"), inline("x"), Part::text("b")]);
    assert_eq!(write(&between).unwrap().1, "turns[0].parts");
    for source in [Source::Url("https://x/y.png".to_owned()), Source::Text("t".to_owned())] {
        assert_eq!(refused_at(&user(vec![image(source)])), "turns[0].parts[0]");
    }
    for content in [Content::Audio, Content::Video, Content::File] {
        assert_eq!(
            refused_at(&user(vec![Part::new(content(Media::default()))])),
            "turns[0].parts[0]"
        );
    }
    // A document of text is told within a text.
    let text = Media { source: Source::Text("t".to_owned()), ..Media::default() };
    let (body, dropped) = write(&user(vec![Part::new(Content::File(text))])).unwrap();
    let told = "<document title=\"document\">\nt\n</document>";
    assert_eq!(
        (&body["messages"][0]["content"], dropped.as_str()),
        (&json!(told), "turns[0].parts[0]")
    );
    let late = conversation(vec![(Role::System, vec![inline("x")])]);
    assert_eq!(refused_at(&late), "turns[0].parts[0]");

    let shown = result(vec![Part::text("r"), inline("x")], true);
    let (body, lost) = write(&user(vec![shown])).unwrap();
    let error = json!({"error": "r"}).to_string();
    let tool = json!({"role": "tool", "content": error, "tool_name": "f", "tool_call_id": "c"});
    assert_eq!(body["messages"], json!([tool, {"role": "user", "content": "", "images": ["x"]}]));
    assert_eq!(lost, "turns[0].parts[0].parts[1], turns[0].parts[0].is_error");

    let signature = Some(Signature { wire: Wire::Messages, value: "s".to_owned() });
    let signed = Part { signature, ..Part::new(Content::Thinking("t".to_owned())) };
    let hidden = Part::new(Content::HiddenThinking);
    let detail = Media { detail: Some(Detail::Low), ..Media::default() };
    let said = conversation(vec![(
        Role::Assistant,
        vec![
            signed,
            hidden,
            Part::new(Content::Image(detail)),
            Part::new(Content::Refusal("no".into())),
        ],
    )]);
    let lost = "turns[0].parts[0].signature, turns[0].parts[1], turns[0].parts[2].detail, \
                turns[0].parts[3]";
    assert_eq!(write(&said).unwrap().1, lost);
}

#[test]
fn arguments_become_an_object_or_the_call_is_refused() {
    let with = |input: &str| conversation(vec![(Role::Assistant, vec![call(input)])]);
    let (body, _) = write(&with("")).unwrap();
    assert_eq!(body["messages"][0]["tool_calls"][0]["function"]["arguments"], json!({}));
    for input in ["{\"a\":", "[]", "text"] {
        assert_eq!(refused_at(&with(input)), "turns[0].parts[0]", "{input}");
    }
}

#[test]
fn settings_are_written_under_the_vendors_names() {
    let mut request = user(vec![Part::text("Hi")]);
    let (bare, _) = write(&request).unwrap();
    let hi = json!([{"role": "user", "content": "Hi"}]);
    assert_eq!(
        bare,
        json!({"model": "llama3.3", "messages": hi, "stream": false, "truncate": false, "shift": false})
    );
    request.stream = true;
    request.output_tokens_max = Some(9);
    request.logprobs = Some(30);
    request.sampling.temperature = Some(0.5);
    request.sampling.top_p = Some(0.9);
    request.sampling.top_k = Some(4);
    request.sampling.seed = Some(-3);
    request.sampling.frequency_penalty = Some(0.1);
    request.sampling.presence_penalty = Some(0.2);
    request.sampling.stop = vec!["END".to_owned()];
    request.sampling.logit_bias.insert("1".to_owned(), json!(2));
    for (name, value) in [
        ("min_p", json!(0.05)),
        ("repetition_penalty", json!(1.1)),
        ("keep_alive", json!(-1)),
        ("num_ctx", json!(131_072)),
        ("mirostat", json!("x")),
    ] {
        request.extra.push(Extra { wire: Wire::Chat, name: name.to_owned(), value });
    }
    let (body, lost) = write(&request).unwrap();
    assert_eq!(
        (&body["stream"], &body["logprobs"], &body["top_logprobs"]),
        (&json!(true), &json!(true), &json!(20))
    );
    assert_eq!(
        body["options"],
        json!({"temperature": 0.5, "top_p": 0.9, "frequency_penalty": 0.1, "presence_penalty": 0.2,
            "top_k": 4, "seed": -3, "stop": ["END"], "num_predict": 9, "min_p": 0.05,
            "repeat_penalty": 1.1})
    );
    assert_eq!(lost, "logprobs, sampling.logit_bias, keep_alive, num_ctx, mirostat");
    request.sampling.candidates = Some(2);
    assert_eq!(refused_at(&request), "sampling.candidates");
}

#[test]
fn a_format_is_a_word_or_the_schema_itself() {
    let mut request = Request { format: Format::Json, ..user(vec![Part::text("Hi")]) };
    assert_eq!(write(&request).unwrap().0["format"], "json");
    let schema = json!({"type": "object", "properties": {"z": {}, "a": {}}});
    request.format = Format::Schema(Schema {
        name: "n".to_owned(),
        description: None,
        schema: schema.clone(),
        strict: Some(true),
    });
    let (body, lost) = write(&request).unwrap();
    assert_eq!((body["format"].to_string(), lost.as_str()), (schema.to_string(), ""));
}

#[test]
fn only_tools_that_may_be_called_are_told_and_none_can_be_forced() {
    let tool = |name: &str| Tool {
        name: name.to_owned(),
        description: None,
        kind: ToolKind::Function { schema: json!({"type": "object"}), strict: Some(name == "g") },
        cache: None,
    };
    let names = |request: &Request| -> (Vec<Value>, String) {
        let (body, lost) = write(request).unwrap();
        let tools = body["tools"].as_array().cloned().unwrap_or_default();
        (tools.into_iter().map(|tool| tool["function"]["name"].clone()).collect(), lost)
    };
    let mut request = Request { tools: vec![tool("f"), tool("g")], ..user(vec![Part::text("Hi")]) };
    assert_eq!(names(&request), (vec![json!("f"), json!("g")], "tools[1].strict".to_owned()));
    request.tool_choice = Some(ToolChoice::None);
    assert_eq!(names(&request), (vec![], "tool_choice".to_owned()));
    let among = |must| ToolChoice::Among { names: vec!["f".to_owned()], must };
    request.tool_choice = Some(among(false));
    assert_eq!(names(&request), (vec![json!("f")], "tool_choice".to_owned()));
    for choice in [ToolChoice::Any, ToolChoice::One("f".to_owned()), among(true)] {
        request.tool_choice = Some(choice);
        assert_eq!(refused_at(&request), "tool_choice");
    }
    request.tool_choice = None;
    request.tools.push(Tool { kind: ToolKind::Custom { format: None }, ..tool("c") });
    assert_eq!(refused_at(&request), "tools[2]");
}

#[test]
fn thinking_is_switched_or_told_in_steps_to_the_family_that_has_them() {
    let think = |model: &str, effort, tokens_max, show| {
        let reasoning = Some(Reasoning { effort, tokens_max, show });
        let request = Request { reasoning, ..user(vec![Part::text("Hi")]) };
        let (body, lost) = write_for(&request, model).unwrap();
        (body.get("think").cloned().unwrap_or_default(), lost)
    };
    let told = |value: Value, lost: &str| (value, lost.to_owned());
    let (qwen, oss) = ("qwen3", "gpt-oss:20b");
    assert_eq!(think(qwen, None, None, None), told(Value::Null, ""));
    assert_eq!(think(qwen, None, None, Some(true)), told(json!(true), ""));
    assert_eq!(think(qwen, Some(Effort::None), None, None), told(json!(false), ""));
    assert_eq!(think(qwen, Some(Effort::High), None, None), told(json!(true), "reasoning.effort"));
    assert_eq!(think(qwen, None, Some(0), None), told(json!(false), ""));
    let (budget, shown) = ("reasoning.tokens_max", "reasoning.tokens_max, reasoning.show");
    assert_eq!(think(qwen, None, Some(99), None), told(json!(true), budget));
    assert_eq!(think(qwen, None, Some(99), Some(false)), told(json!(true), shown));
    assert_eq!(think(oss, Some(Effort::High), None, None), told(json!("high"), ""));
    assert_eq!(think(oss, Some(Effort::None), None, None), told(json!("low"), "reasoning.effort"));
    assert_eq!(think(oss, None, Some(9_000), None), told(json!("medium"), budget));
}

#[test]
fn an_answer_is_read_whole() {
    let answer = Ollama.read_answer(&golden("tools.answer.json")).unwrap();
    assert_eq!((answer.model.as_str(), answer.created), ("llama3.3:70b", Some(1_772_442_904)));
    let tokens = Tokens { input: 20, cached_input: 5, output: 12, ..Tokens::default() };
    assert_eq!(answer.tokens, Some(tokens));
    let [candidate] = answer.candidates.as_slice() else { panic!() };
    assert_eq!(candidate.stop, Stop::ToolUse);
    let Content::ToolCall(call) = &candidate.parts[0].content else { panic!() };
    assert_eq!((call.id.as_str(), call.name.as_str()), ("call_8kq3v1zt", "get_weather"));
    assert_eq!(
        serde_json::from_str::<Value>(&call.input).unwrap(),
        json!({"city": "Paris", "unit": "celsius"})
    );
    let body = json!({"message": {"content": "ab", "images": ["iVBORw0KGgoAAA"]}, "done": true,
        "done_reason": "length",
        "logprobs": [{"token": "a", "logprob": -0.5, "bytes": [97],
            "top_logprobs": [{"token": "b", "logprob": -1.5}]}]});
    let answer = Ollama.read_answer(body.to_string().as_bytes()).unwrap();
    let candidate = &answer.candidates[0];
    assert_eq!((&candidate.stop, answer.tokens), (&Stop::MaxTokens, None));
    let Content::Image(media) = &candidate.parts[1].content else { panic!() };
    assert_eq!(media.media_type, "image/png");
    let chances = candidate.logprobs.as_ref().unwrap();
    assert_eq!((chances[0].token.logprob, chances[0].top[0].token.as_str()), (-0.5, "b"));
    for body in ["{}", "[]", "{\"error\":\"boom\"}", "{\"message\":{\"content\":5}}"] {
        Ollama.read_answer(body.as_bytes()).unwrap_err();
    }
}

#[test]
fn calls_without_ids_get_some_that_the_instant_tells_apart() {
    let ids = |at: &str| {
        let call = |arguments: Value| json!({"function": {"name": "f", "arguments": arguments}});
        let calls = json!([call(json!({"a": 1})), call(Value::Null), call(json!("{\"b\":2}"))]);
        let body = json!({"created_at": at, "message": {"content": "", "tool_calls": calls}});
        let answer = Ollama.read_answer(body.to_string().as_bytes()).unwrap();
        let read = |part: &Part| match &part.content {
            Content::ToolCall(call) => (call.id.clone(), call.input.clone()),
            _ => panic!(),
        };
        answer.candidates[0].parts.iter().map(read).collect::<Vec<_>>()
    };
    let first = ids("2026-03-02T09:15:04.000001Z");
    assert_eq!(first[0], ("call_20260302091504000001_0".to_owned(), "{\"a\":1}".to_owned()));
    assert_eq!(first[1].1, "{}");
    assert_eq!(first[2].1, "{\"b\":2}");
    assert_ne!(first[0].0, ids("2026-03-02T09:15:04.000002Z")[0].0);
}

#[test]
fn usage_counts_the_cache_in_and_without_the_prompt_there_is_none() {
    let with = |usage: Value| {
        let mut body = json!({"message": {"content": "x"}, "done": true});
        body.as_object_mut().unwrap().extend(usage.as_object().unwrap().clone());
        Ollama.read_answer(body.to_string().as_bytes()).unwrap().tokens
    };
    let tokens = |input, cached_input, output| {
        Some(Tokens { input, cached_input, output, ..Tokens::default() })
    };
    assert_eq!(with(json!({"prompt_eval_count": 9, "eval_count": 2})), tokens(9, 0, 2));
    let cached = json!({"prompt_eval_count": 9, "prompt_eval_cached_count": 9, "eval_count": 2});
    assert_eq!(with(cached), tokens(0, 9, 2));
    let odd = json!({"prompt_eval_count": 3, "prompt_eval_cached_count": 9});
    assert_eq!(with(odd), tokens(0, 3, 0));
    assert_eq!(with(json!({"eval_count": 2})), None);
    assert_eq!(with(json!({"prompt_eval_count": 0})), tokens(0, 0, 0));
}

#[test]
fn a_stream_says_what_the_answer_does() {
    for case in ["tools", "parallel_tools", "structured", "reasoning"] {
        let streamed = assemble(&read_stream(&golden(&format!("{case}.stream")))).unwrap();
        // A whole answer comes on one line too; the fixture is laid out to be read.
        let laid_out: Value =
            serde_json::from_slice(&golden(&format!("{case}.answer.json"))).unwrap();
        let whole = Ollama.read_answer(laid_out.to_string().as_bytes()).unwrap();
        assert_eq!(streamed.candidates, whole.candidates, "{case}");
        assert_eq!(streamed.tokens, whole.tokens, "{case}");
    }
    assert_eq!(assemble(&read_stream(&golden("cut.stream"))), None, "a cut stream has no end");
}

#[test]
fn what_was_said_with_the_last_line_counts_and_nothing_after_it() {
    let last = r#"{"model":"m","message":{"content":"all"},"done":true,"done_reason":"stop"}"#;
    let text = format!("\n{last}\n{last}\n");
    let answer = assemble(&read_stream(text.as_bytes())).unwrap();
    assert_eq!(answer.candidates[0].parts, [Part::text("all")]);
}

#[test]
fn an_error_within_a_stream_breaks_it_off() {
    let text = "{\"message\":{\"content\":\"Hi\"},\"done\":false}\n{\"error\":\"an error was encountered while running the model\"}\n";
    let events = read_stream(text.as_bytes());
    let message = "an error was encountered while running the model".to_owned();
    assert_eq!(events.last(), Some(&Event::Error { kind: String::new(), message }));
    assert_eq!(assemble(&events), None);
}

#[test]
fn chances_of_thoughts_are_not_those_of_the_text() {
    let line = |message: &str| {
        format!(
            "{{\"message\":{message},\"logprobs\":[{{\"token\":\"t\",\"logprob\":-1}}],\"done\":false}}\n"
        )
    };
    let text = line("{\"thinking\":\"hm\"}") + &line("{\"content\":\"t\"}");
    let events = read_stream(text.as_bytes());
    let told = |event: &&Event| matches!(event, Event::Delta { delta: Delta::Logprobs(_), .. });
    assert_eq!(events.iter().filter(told).count(), 1);
}

#[test]
fn the_cause_of_an_error_is_read_from_status_and_words() {
    for (status, message, cause) in [
        (400, "llama3 does not support tools", Cause::Unknown),
        (400, "the input length exceeds the context length", Cause::ContextFull),
        (
            400,
            "the prompt is longer than the context length currently available to the model",
            Cause::ContextFull,
        ),
        (401, "unauthorized", Cause::Credentials),
        (402, "payment required", Cause::Quota),
        (404, "model 'x' not found", Cause::Unknown),
        (429, "too many concurrent requests", Cause::RateLimited),
        (429, "you have reached your hourly usage limit", Cause::Quota),
        (
            503,
            "server busy, please try again. maximum pending requests exceeded",
            Cause::Overloaded,
        ),
    ] {
        let body = json!({"error": message}).to_string();
        let read = Ollama.read_error(status, body.as_bytes());
        assert_eq!((read.cause, read.message.as_deref()), (cause, Some(message)));
    }
    let object = Ollama.read_error(400, br#"{"error":{"message":"no"}}"#);
    assert_eq!(object.message.as_deref(), Some("no"));
    for body in [b"".as_slice(), b"<html>", b"\xff", b"[]", b"{\"error\":5}"] {
        assert_eq!(Ollama.read_error(500, body).message, None);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Ollama.read_answer(&bytes);
        Ollama.read_error(400, &bytes);
        let _ = Ollama.stream_reader().read(&bytes, &mut Vec::new());
    }

    #[test]
    fn an_answer_nearly_right_is_read_or_refused(
        value in mangled(serde_json::from_slice(&golden("parallel_tools.answer.json")).unwrap()),
    ) {
        let _ = Ollama.read_answer(value.to_string().as_bytes());
    }

    #[test]
    fn a_stream_nearly_right_keeps_the_order_of_events(
        at in any::<prop::sample::Index>(),
        case in prop_oneof![Just("tools"), Just("reasoning"), Just("parallel_tools")],
        values in proptest::collection::vec(mangled(json!({"model": "m", "done": false,
            "message": {"content": "x", "thinking": "y",
                "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}})), 1..3),
    ) {
        let text = String::from_utf8(golden(&format!("{case}.stream"))).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = at.index(lines.len());
        for value in values {
            lines.insert(at, value.to_string());
        }
        assemble(&read_stream(lines.join("\n").as_bytes()));
    }

    #[test]
    fn what_a_request_says_is_written_or_told(
        texts in proptest::collection::vec(".{1,20}", 1..5), image_at in 0..6_usize,
    ) {
        let mut parts: Vec<Part> = texts.iter().map(Part::text).collect();
        let at = image_at.min(parts.len());
        parts.insert(at, inline("iVBOR"));
        let (body, lost) = write(&user(parts)).unwrap();
        let message = &body["messages"][0];
        prop_assert_eq!(message["content"].as_str().unwrap(), texts.join("\n\n"));
        prop_assert_eq!(&message["images"], &json!(["iVBOR"]));
        prop_assert_eq!(lost.is_empty(), at == 0 || at == texts.len());
    }
}
