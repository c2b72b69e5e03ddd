//! Requests, read and written.

use super::super::Responses;
use super::{read, write};
use crate::convert::{Address, Inbound};
use crate::neutral::{
    CacheMark, CallKind, Citation, Content, Detail, Effort, Format, Media, Native, Part, Request,
    Role, Signature, Source, Tool, ToolCall, ToolChoice, ToolKind, ToolResult, Turn,
};
use crate::{Invalid, Wire};
use contract::error::ErrorCode;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A request with everything that passes through the neutral form unchanged.
fn full() -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    json!({
        "model": "up", "instructions": "You are terse.", "stream": true, "store": false,
        "input": [
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "What is the weather in Paris?"},
                {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"},
                {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
                {"type": "input_image", "file_id": "file-1", "detail": "high"},
                {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"},
                {"type": "input_file", "file_url": "https://example.com/a.pdf"},
            ]},
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA==",
             "summary": [{"type": "summary_text", "text": "The user wants weather."}]},
            {"type": "message", "role": "assistant", "content": "I look."},
            {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{\"city\": \"Paris\"}"},
            {"type": "custom_tool_call", "call_id": "call_2", "name": "shell", "input": "ls"},
            {"type": "function_call_output", "call_id": "call_1", "output": "21"},
            {"type": "custom_tool_call_output", "call_id": "call_2", "output": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "https://example.com/b.png", "detail": "auto"},
            ]},
            {"type": "message", "role": "system", "content": "Be brief."},
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "It is 21 °C.", "annotations": [
                    {"type": "url_citation", "url": "https://example.com", "title": "W", "start_index": 6, "end_index": 11},
                ]},
                {"type": "refusal", "refusal": "No more."},
            ]},
            {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        ],
        "tools": [
            {"type": "function", "name": "get_weather", "description": "d", "parameters": schema, "strict": true},
            {"type": "custom", "name": "shell", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
            {"type": "web_search", "search_context_size": "low"},
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [
            {"type": "function", "name": "get_weather"}, {"type": "custom", "name": "shell"},
        ]},
        "parallel_tool_calls": false,
        "text": {"verbosity": "low", "format": {
            "type": "json_schema", "name": "weather", "description": "w", "schema": schema, "strict": true,
        }},
        "reasoning": {"effort": "high", "summary": "auto", "context": "all_turns"},
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.results"],
        "max_output_tokens": 99, "temperature": 0.5, "top_p": 0.25, "top_logprobs": 3,
        "service_tier": "flex", "user": "u", "prompt_cache_key": "k", "metadata": {"a": "b"},
        "truncation": "auto", "max_tool_calls": 3,
    })
}

#[test]
fn a_request_comes_back_as_it_was() {
    assert_eq!(write(&read(&full()).unwrap()).unwrap(), (full(), String::new()));
}

#[test]
fn a_conversation_is_read_into_turns() {
    let request = read(&full()).unwrap();
    let roles: Vec<Role> = request.turns.iter().map(|turn| turn.role).collect();
    use Role::{Assistant, System, User};
    assert_eq!(roles, [System, User, Assistant, User, System, Assistant]);
    let [thought, text, call, custom] = request.turns[2].parts.as_slice() else { panic!() };
    assert_eq!(thought.content, Content::Thinking("The user wants weather.".to_owned()));
    let signature = Signature { wire: Wire::Responses, value: "rs_1.gAAA==".to_owned() };
    assert_eq!(thought.signature, Some(signature));
    assert_eq!(text, &Part::text("I look."));
    let Content::ToolCall(call) = &call.content else { panic!() };
    assert_eq!((call.kind, &*call.input), (CallKind::Function, r#"{"city": "Paris"}"#));
    let Content::ToolCall(custom) = &custom.content else { panic!() };
    assert_eq!((custom.kind, &*custom.input), (CallKind::Custom, "ls"));
    let [one, two] = request.turns[3].parts.as_slice() else { panic!() };
    let Content::ToolResult(one) = &one.content else { panic!() };
    assert_eq!((&*one.call_id, &*one.name), ("call_1", "get_weather"));
    let Content::ToolResult(two) = &two.content else { panic!() };
    assert_eq!((&*two.name, two.parts.len()), ("shell", 2));
    let must = ToolChoice::Among { names: vec!["get_weather".into(), "shell".into()], must: true };
    assert_eq!(request.tool_choice, Some(must));
    assert_eq!(request.reasoning.as_ref().and_then(|r| r.effort), Some(Effort::High));
    assert_eq!(request.logprobs, Some(3));
    assert!(matches!(&request.format, Format::Schema(schema) if schema.strict == Some(true)));
    let extra: Vec<&str> = request.extra.iter().map(|extra| &*extra.name).collect();
    assert_eq!(
        extra,
        ["text.verbosity", "reasoning.context", "include", "truncation", "max_tool_calls"]
    );
}

#[test]
fn what_only_a_provider_that_stores_can_follow_is_refused_by_name() {
    for (name, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!({"id": "conv_1"})),
        ("background", json!(true)),
        ("prompt", json!({"id": "pmpt_1"})),
    ] {
        let invalid = read(&json!({"model": "m", "input": "x", name: value})).unwrap_err();
        assert_eq!(invalid.param.as_deref(), Some(name));
        assert!(invalid.detail.contains("stores answers"), "{}", invalid.detail);
    }
    let item = json!([{"type": "item_reference", "id": "msg_1"}]);
    let invalid = read(&json!({"model": "m", "input": item})).unwrap_err();
    assert_eq!(invalid.param.as_deref(), Some("input[0]"));
    let none =
        json!({"model": "m", "input": "x", "background": false, "previous_response_id": null});
    assert!(read(&none).is_ok());
}

#[test]
fn to_store_an_answer_is_announced_as_dropped_and_not_to_is_nothing() {
    let extra = |store: bool| {
        let request = read(&json!({"model": "m", "input": "x", "store": store})).unwrap();
        request.extra.into_iter().map(|extra| extra.name).collect::<Vec<_>>()
    };
    assert_eq!(extra(true), ["store"]);
    assert!(extra(false).is_empty());
}

#[test]
fn what_is_wrong_is_named_at_every_depth() {
    let input = |item: Value| json!({"model": "m", "input": [item]});
    let user = |part: Value| input(json!({"role": "user", "content": [part]}));
    for (body, param) in [
        (json!({"input": "x"}), "model"),
        (json!({"model": "m"}), "input"),
        (json!({"model": "m", "input": 5}), "input"),
        (json!({"model": "m", "input": "x", "instructions": []}), "instructions"),
        (input(json!(5)), "input[0]"),
        (input(json!({"content": "x"})), "input[0].role"),
        (input(json!({"role": "tool", "content": "x"})), "input[0].role"),
        (input(json!({"role": "user"})), "input[0].content"),
        (input(json!({"role": "user", "content": 5})), "input[0].content"),
        (user(json!("x")), "input[0].content[0]"),
        (user(json!({"type": 5})), "input[0].content[0].type"),
        (user(json!({"text": "x"})), "input[0].content[0].type"),
        (user(json!({"type": "input_text", "text": 5})), "input[0].content[0].text"),
        (user(json!({"type": "input_image"})), "input[0].content[0].image_url"),
        (
            user(json!({"type": "input_image", "image_url": "data:x"})),
            "input[0].content[0].image_url",
        ),
        (
            user(json!({"type": "input_image", "image_url": "https://a", "detail": "x"})),
            "input[0].content[0].detail",
        ),
        (user(json!({"type": "input_file"})), "input[0].content[0].file_data"),
        (user(json!({"type": "input_file", "file_data": "a b"})), "input[0].content[0].file_data"),
        (
            user(json!({"type": "input_audio", "input_audio": {"data": "*"}})),
            "input[0].content[0].input_audio.data",
        ),
        (input(json!({"type": "function_call", "name": "f"})), "input[0].call_id"),
        (
            input(json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": {}})),
            "input[0].arguments",
        ),
        (input(json!({"type": "function_call_output", "call_id": "c"})), "input[0].output"),
        (input(json!({"type": "reasoning", "summary": [5]})), "input[0].summary[0]"),
        (json!({"model": "m", "input": "x", "tools": {}}), "tools"),
        (json!({"model": "m", "input": "x", "tools": [{"type": "function"}]}), "tools[0].name"),
        (
            json!({"model": "m", "input": "x", "tools": [{"type": "function", "name": "f", "parameters": 5}]}),
            "tools[0].parameters",
        ),
        (json!({"model": "m", "input": "x", "tool_choice": "any"}), "tool_choice"),
        (
            json!({"model": "m", "input": "x", "tool_choice": {"type": "function"}}),
            "tool_choice.name",
        ),
        (
            json!({"model": "m", "input": "x", "text": {"format": {"type": "xml"}}}),
            "text.format.type",
        ),
        (json!({"model": "m", "input": "x", "reasoning": {"effort": "x"}}), "reasoning.effort"),
        (json!({"model": "m", "input": "x", "max_output_tokens": 1e300}), "max_output_tokens"),
        (json!({"model": "m", "input": "x", "max_output_tokens": -1}), "max_output_tokens"),
        (json!({"model": "m", "input": "x", "stream": "yes"}), "stream"),
        (json!({"model": "m", "input": "x", "include": [5]}), "include[0]"),
        (json!({"model": "m", "input": "x", "metadata": []}), "metadata"),
    ] {
        let invalid = read(&body).unwrap_err();
        assert_eq!(invalid.param.as_deref(), Some(param), "{body}");
        assert_eq!(invalid.code, ErrorCode::RequestMalformed);
        assert!(invalid.detail.contains(param), "{}", invalid.detail);
    }
}

fn request(turns: Vec<Turn>) -> Request {
    Request { turns, ..Request::default() }
}

fn signed(content: Content, wire: Wire, value: &str) -> Part {
    let signature = Some(Signature { wire, value: value.to_owned() });
    Part { signature, ..Part::new(content) }
}

#[test]
fn what_another_dialect_says_is_said_or_announced() {
    let call =
        ToolCall { id: "c".into(), name: "f".into(), input: " ".into(), kind: CallKind::Function };
    let result = ToolResult {
        call_id: "c".into(),
        name: "f".into(),
        parts: vec![Part::text("no such city")],
        is_error: true,
    };
    let citation = Citation {
        url: None,
        title: None,
        quote: None,
        span: None,
        native: Native { wire: Wire::Messages, value: json!({}) },
    };
    let mut request = request(vec![
        Turn {
            role: Role::User,
            name: Some("Ann".into()),
            parts: vec![Part { cache: Some(CacheMark::Short), ..Part::text("hi") }],
        },
        Turn::new(
            Role::Assistant,
            vec![
                signed(Content::Thinking("hm".into()), Wire::Messages, "s"),
                Part::new(Content::Thinking("ah".into())),
                Part::new(Content::Text { text: "so".into(), citations: vec![citation] }),
                signed(Content::ToolCall(call), Wire::Gemini, "g"),
            ],
        ),
        Turn::new(Role::User, vec![Part::new(Content::ToolResult(result))]),
    ]);
    request.sampling.top_k = Some(5);
    request.sampling.seed = Some(5);
    let (body, lost) = write(&request).unwrap();
    assert_eq!(
        body["input"],
        json!([
            {"type": "message", "role": "user", "content": "hi"},
            {"type": "message", "role": "assistant", "content": "so"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "Error: no such city"},
        ])
    );
    assert_eq!(
        lost,
        "turns[0].name, turns[0].parts[0].cache, turns[1].parts[0], turns[1].parts[1], \
         turns[1].parts[2].citations, turns[1].parts[3].signature, turns[2].parts[0].is_error, \
         sampling.top_k, sampling.seed"
    );
}

#[test]
fn what_the_answer_would_rest_on_is_refused_with_its_place() {
    let media = || Media { source: Source::Url("https://a".into()), ..Media::default() };
    let user = |content| request(vec![Turn::new(Role::User, vec![Part::new(content)])]);
    let uploaded = Source::Uploaded(Wire::Gemini, "files/1".into());
    let native = || Native { wire: Wire::Gemini, value: json!({}) };
    let mut stop = user(Content::Refusal("x".into()));
    stop.sampling.stop = vec!["x".into()];
    let mut tool = user(Content::Refusal("x".into()));
    tool.tools.push(Tool {
        name: "t".into(),
        description: None,
        kind: ToolKind::Native(native()),
        cache: None,
    });
    let system = request(vec![Turn::new(Role::System, vec![Part::new(Content::Image(media()))])]);
    for (request, param) in [
        (user(Content::Audio(media())), "turns[0].parts[0]"),
        (user(Content::Video(media())), "turns[0].parts[0]"),
        (user(Content::Native(native())), "turns[0].parts[0]"),
        (user(Content::File(Media { source: uploaded, ..media() })), "turns[0].parts[0]"),
        (system, "turns[0].parts[0]"),
        (stop, "sampling.stop"),
        (tool, "tools[0]"),
    ] {
        let refused: Invalid = write(&request).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some(param), "{request:?}");
    }
}

#[test]
fn tools_of_chat_and_plain_files_are_said_in_this_dialects_form() {
    let nested = json!({"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}});
    let file = Media {
        source: Source::Text("hello".into()),
        media_type: "text/plain".into(),
        detail: Some(Detail::Auto),
        name: None,
    };
    let mut request =
        request(vec![Turn::new(Role::User, vec![Part::new(Content::File(file)), Part::text("x")])]);
    request.tools.push(Tool {
        name: "shell".into(),
        description: None,
        kind: ToolKind::Custom { format: Some(nested) },
        cache: None,
    });
    request.tool_choice = Some(ToolChoice::One("shell".into()));
    let (body, lost) = write(&request).unwrap();
    let flat = json!({"type": "grammar", "syntax": "lark", "definition": "x"});
    assert_eq!(body["tools"], json!([{"type": "custom", "name": "shell", "format": flat}]));
    assert_eq!(body["tool_choice"], json!({"type": "custom", "name": "shell"}));
    let content = &body["input"][0]["content"][0];
    assert_eq!(content["file_data"], "data:text/plain;base64,aGVsbG8=");
    assert_eq!(content["filename"], "file");
    assert_eq!(lost, "");
}

#[test]
fn sealed_reasoning_is_asked_for_where_reasoning_is_spoken_of() {
    let include = |body: Value| write(&read(&body).unwrap()).unwrap().0.get("include").cloned();
    let sealed = json!(["reasoning.encrypted_content"]);
    assert_eq!(include(json!({"model": "m", "input": "x"})), None);
    let asked = json!({"model": "m", "input": "x", "reasoning": {"effort": "low"}});
    assert_eq!(include(asked), Some(sealed.clone()));
    let none = json!({"model": "m", "input": "x", "reasoning": {"effort": "none"}});
    assert_eq!(include(none), None);
    let history = json!([{"type": "reasoning", "summary": [], "encrypted_content": "g"}]);
    assert_eq!(include(json!({"model": "m", "input": history})), Some(sealed));
}

#[test]
fn an_item_that_is_only_an_id_is_announced() {
    let item = json!([{"role": "user", "content": "x"}, {"type": "reasoning", "id": "rs_1", "summary": []}]);
    let request = read(&json!({"model": "m", "input": item})).unwrap();
    assert_eq!(request.turns.len(), 1);
    assert_eq!(request.extra[0].name, "input[1].id");
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("type"),
        Just("role"),
        Just("content"),
        Just("text"),
        Just("call_id"),
        Just("output"),
        Just("summary"),
        Just("encrypted_content"),
        Just("image_url"),
        Just("name"),
        Just("format"),
    ];
    let words = prop_oneof![
        Just("message"),
        Just("user"),
        Just("assistant"),
        Just("input_text"),
        Just("reasoning"),
        Just("function_call"),
        Just("function_call_output"),
        Just("input_image"),
        Just("of_last.x"),
        Just("input_file"),
        Just("data:image/png;base64,iVBORw0KGgo="),
        Just("é\u{0}"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::hash_map(names.clone(), inner, 0..6).prop_map(|map| {
                map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>().into()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(Responses.read_request(&bytes, &Address::default()));
    }

    #[test]
    fn a_request_made_of_its_words_at_random_breaks_nothing(
        input in any_json(), field in "(tools|text|reasoning|include|tool_choice|metadata|zzz)", value in any_json(),
    ) {
        if let Ok(request) = read(&json!({"model": "m", "input": input, field: value})) {
            drop(write(&request));
        }
    }

    #[test]
    fn a_request_nearly_right_is_refused_or_written_as_it_is_read_again(
        body in crate::testing::mangled(full()),
    ) {
        let Ok(request) = read(&body) else { return Ok(()) };
        let Ok((written, lost)) = write(&request) else { return Ok(()) };
        if lost.is_empty() {
            let again = write(&read(&written).unwrap()).unwrap();
            prop_assert!(again == (written.clone(), String::new()), "{}\n{}", written, again.0);
        }
    }
}
