//! What is read and written again, and what each quirk changes.

mod quirks;

use crate::Wire;
use crate::convert::{Address, Inbound, Outbound, Provider};
use crate::loss::Losses;
use crate::openai::{Chat, Quirk, Quirks};
use proptest::prelude::*;
use serde_json::{Value, json};

const TO: Provider<'_> = Provider { model: "up", output_tokens_max: 0 };

/// What a provider with `quirks` gets of `body`, and what is told of losses; else the field that
/// it was refused for.
fn write(body: &Value, quirks: Quirks) -> Result<(Value, String), String> {
    let chat = Chat { quirks };
    let request = chat
        .read_request(body.to_string().as_bytes(), &Address::default())
        .unwrap_or_else(|error| panic!("{error:?} of {body}"));
    let mut losses = Losses::new(Wire::Chat);
    let sent = chat
        .write_request(&request, &TO, &mut losses)
        .map_err(|error| error.param.unwrap().into_owned())?;
    Ok((serde_json::from_slice(&sent).unwrap(), losses.header()))
}

fn with(quirk: Quirk) -> Quirks {
    Quirks::NONE.with(quirk)
}

/// A request of one user's message, with `more` fields.
fn ask(more: Value) -> Value {
    let mut body = json!({"model": "up", "messages": [{"role": "user", "content": "Hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}})
}

#[test]
fn the_vendor_gets_everything_as_it_was() {
    for body in [
        ask(json!({"temperature": 0.5, "top_p": 1, "frequency_penalty": -0.5, "seed": -7, "n": 2,
            "stop": ["a", "b"], "logit_bias": {"50256": -100}, "logprobs": true, "top_logprobs": 3,
            "max_completion_tokens": 10, "reasoning_effort": "xhigh", "service_tier": "flex",
            "user": "u", "metadata": {"a": "b"}, "prompt_cache_key": "k", "store": true,
            "verbosity": "low", "modalities": ["text", "audio"], "audio": {"voice": "x"},
            "web_search_options": {}, "a_field_of_tomorrow": {"x": [1, null]}})),
        ask(json!({"response_format": {"type": "json_schema", "json_schema": {"name": "w",
            "description": "d", "schema": {"z": 1, "a": {"$ref": "#"}}, "strict": true}}})),
        ask(
            json!({"tools": [tool("a"), {"type": "custom", "custom": {"name": "c", "description": "d",
            "format": {"type": "grammar"}}}], "parallel_tool_calls": false,
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required",
                "tools": [{"type": "function", "function": {"name": "a"}},
                    {"type": "custom", "custom": {"name": "c"}}]}}}),
        ),
        ask(json!({"tools": [{"type": "web_search", "x": 1}], "tool_choice": "required"})),
        ask(json!({"stream": true, "stream_options": {"include_usage": true}})),
        json!({"model": "up", "messages": [
            {"role": "system", "content": "Be terse.", "name": "s"},
            {"role": "user", "content": [{"type": "text", "text": "What?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "tomorrow", "x": {"y": 1}}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "a", "arguments": "{\"b\" : 1.0}"}},
                {"id": "call_2", "type": "custom", "custom": {"name": "c", "input": "free \u{e9}"}}]},
            {"role": "tool", "content": "21", "tool_call_id": "call_1"},
            {"role": "tool", "content": "22", "tool_call_id": "call_2"},
            {"role": "assistant", "content": null, "refusal": "No."},
            {"role": "assistant", "content": null, "audio": {"id": "audio_1"}},
            {"role": "user", "content": "", "name": "ann"}]}),
    ] {
        let (sent, lost) = write(&body, Quirks::NONE).unwrap();
        assert_eq!(sent, body);
        assert_eq!(lost, "");
    }
}

#[test]
fn what_is_wrong_is_named_where_it_is() {
    let long = "[".repeat(300) + &"]".repeat(300);
    for (messages, at) in [
        (json!([]), "messages"),
        (json!({}), "messages"),
        (json!(["x"]), "messages[0]"),
        (json!([{"content": "x"}]), "messages[0].role"),
        (json!([{"role": "king"}]), "messages[0].role"),
        (json!([{"role": "user", "content": 5}]), "messages[0].content"),
        (json!([{"role": "user", "content": ["x"]}]), "messages[0].content[0]"),
        (json!([{"role": "user", "content": [{"text": "x"}]}]), "messages[0].content[0].type"),
        (
            json!([{"role": "user", "content": [{"type": "text", "text": 1}]}]),
            "messages[0].content[0].text",
        ),
        (
            json!([{"role": "user", "content": [{"type": "image_url"}]}]),
            "messages[0].content[0].image_url",
        ),
        (
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png,x"}}]}]),
            "messages[0].content[0].image_url.url",
        ),
        (
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": ""}}]}]),
            "messages[0].content[0].image_url.url",
        ),
        (
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x", "detail": "vast"}}]}]),
            "messages[0].content[0].image_url.detail",
        ),
        (
            json!([{"role": "user", "content": [{"type": "file", "file": {}}]}]),
            "messages[0].content[0].file.file_data",
        ),
        (json!([{"role": "tool", "content": "x"}]), "messages[0].tool_call_id"),
        (
            json!([{"role": "assistant", "tool_calls": [{"id": "a", "function": {"arguments": ""}}]}]),
            "messages[0].tool_calls[0].function.name",
        ),
        (
            json!([{"role": "assistant", "tool_calls": [{"id": "a", "type": "x"}]}]),
            "messages[0].tool_calls[0].type",
        ),
        (
            json!([{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": [1]}}]}]),
            "messages[0].tool_calls[0].function.arguments",
        ),
        (
            json!([{"role": "assistant", "reasoning_details": [1]}]),
            "messages[0].reasoning_details[0]",
        ),
    ] {
        let body = json!({"model": "m", "messages": messages}).to_string();
        let error = Chat::OPENAI.read_request(body.as_bytes(), &Address::default()).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(at), "{body}: {}", error.detail);
    }
    let deep = format!(r#"{{"model":"m","messages":{long}}}"#);
    assert!(Chat::OPENAI.read_request(deep.as_bytes(), &Address::default()).is_err());
}

#[test]
fn a_setting_of_a_wrong_type_is_named() {
    for (more, at) in [
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"max_tokens": 1.5}), "max_tokens"),
        (json!({"max_tokens": -1}), "max_tokens"),
        (json!({"seed": 1e300}), "seed"),
        (json!({"stop": [1]}), "stop"),
        (json!({"n": "two"}), "n"),
        (json!({"top_logprobs": u64::MAX}), "top_logprobs"),
        (json!({"tools": {}}), "tools"),
        (json!({"tools": [{"type": "function"}]}), "tools[0].function"),
        (
            json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": "{}"}}]}),
            "tools[0].function.parameters",
        ),
        (json!({"tool_choice": "maybe"}), "tool_choice"),
        (json!({"tool_choice": {"type": "function"}}), "tool_choice.function"),
        (
            json!({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "x"}}}),
            "tool_choice.allowed_tools.mode",
        ),
        (json!({"response_format": {"type": "xml"}}), "response_format.type"),
        (json!({"response_format": {"type": "json_schema"}}), "response_format.json_schema"),
        (json!({"reasoning_effort": "much"}), "reasoning_effort"),
        (json!({"metadata": []}), "metadata"),
    ] {
        let body = ask(more).to_string();
        let error = Chat::OPENAI.read_request(body.as_bytes(), &Address::default()).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(at), "{body}: {}", error.detail);
    }
}

#[test]
fn the_older_functions_are_tools() {
    let mut body = ask(json!({"functions": [{"name": "f", "parameters": {"type": "object"}}],
        "function_call": {"name": "f"}}));
    body["messages"] = json!([
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"}]);
    let (sent, _) = write(&body, Quirks::NONE).unwrap();
    assert_eq!(sent["tools"], json!([tool("f")]));
    assert_eq!(sent["tool_choice"]["function"]["name"], "f");
    assert_eq!(sent["messages"][0]["tool_calls"][0]["id"], "call_0");
    assert_eq!(sent["messages"][1]["role"], "tool");
    assert_eq!(sent["messages"][1]["tool_call_id"], "call_0");
}

/// Messages as the vendor would take them, of every kind.
fn any_messages() -> impl Strategy<Value = Vec<Value>> {
    let part = prop_oneof![
        ".{0,20}".prop_map(|text| json!({"type": "text", "text": text})),
        "([a-zA-Z0-9+/]{4}){1,5}".prop_map(|bytes| json!({"type": "image_url",
            "image_url": {"url": format!("data:image/webp;base64,{bytes}"), "detail": "auto"}})),
        "[a-z]{1,9}".prop_map(|id| json!({"type": "file", "file": {"file_id": id}})),
        "[a-z]{1,9}".prop_map(|kind| json!({"type": format!("new_{kind}"), "x": [1, {"y": null}]})),
    ];
    let several = proptest::collection::vec(part, 2..4).prop_map(Value::from);
    let content = prop_oneof![".{0,20}".prop_map(Value::from), several];
    let said = ("(system|user)", content, proptest::option::of("[a-z]{1,5}")).prop_filter_map(
        "instructions are text",
        |(role, content, name)| {
            let media = content
                .as_array()
                .is_some_and(|parts| parts.iter().any(|part| part["type"] != "text"));
            if role == "system" && media {
                return None;
            }
            let mut message = json!({"role": role, "content": content});
            if let Some(name) = name {
                message["name"] = name.into();
            }
            Some(vec![message])
        },
    );
    let calls = proptest::collection::vec((".{0,20}", any::<bool>()), 1..4).prop_map(|calls| {
        let id = |n: usize| format!("call_{n}");
        let written: Vec<Value> = calls
            .iter()
            .enumerate()
            .map(|(n, (input, custom))| match custom {
                true => json!({"id": id(n), "type": "custom", "custom": {"name": "c", "input": input}}),
                false => {
                    let arguments = json!({ "x": input }).to_string();
                    json!({"id": id(n), "type": "function", "function": {"name": "f", "arguments": arguments}})
                }
            })
            .collect();
        let mut messages = vec![json!({"role": "assistant", "content": null, "tool_calls": written})];
        messages.extend(calls.iter().enumerate().map(
            |(n, (text, _))| json!({"role": "tool", "content": text, "tool_call_id": id(n)}),
        ));
        messages
    });
    let answer = (".{0,20}", proptest::option::of(".{1,9}")).prop_map(|(text, refusal)| {
        vec![match refusal {
            Some(refusal) => json!({"role": "assistant", "content": null, "refusal": refusal}),
            None => json!({"role": "assistant", "content": text}),
        }]
    });
    proptest::collection::vec(prop_oneof![said, calls, answer], 1..6).prop_map(|all| all.concat())
}

proptest! {
    #[test]
    fn what_is_read_and_written_again_is_the_same(
        messages in any_messages(), temperature in proptest::option::of(0.0..2.0_f64),
        seed in proptest::option::of(any::<i64>()), stop in proptest::collection::vec(".{1,5}", 0..3),
        bias in proptest::collection::btree_map("[0-9]{1,5}", -100..100_i32, 0..3),
    ) {
        let mut body = json!({"model": "up", "messages": messages});
        // As a parser reads it: a float may lose its last digit on the way.
        if let Some(temperature) = temperature.filter(|number| number.fract() != 0.0) {
            body["temperature"] = serde_json::from_str(&temperature.to_string()).unwrap();
        }
        if let Some(seed) = seed {
            body["seed"] = seed.into();
        }
        if !stop.is_empty() {
            body["stop"] = stop.into();
        }
        if !bias.is_empty() {
            body["logit_bias"] = json!(bias);
        }
        let (sent, lost) = write(&body, Quirks::NONE).unwrap();
        prop_assert_eq!(sent, body);
        prop_assert_eq!(lost, "");
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Chat::OPENAI.read_request(&bytes, &Address::default());
    }

    #[test]
    fn no_json_makes_reader_or_writer_panic(body in crate::testing::mangled(json!({
        "model": "m", "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
            {"role": "assistant", "reasoning_details": [{"type": "reasoning.text", "text": "a", "signature": "s"}],
                "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "x"}]}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}},
        "reasoning": {"effort": "low"}, "stop": ["a"], "n": 1
    })), provider in 0..super::super::PROVIDERS.len()) {
        let quirks = super::super::PROVIDERS[provider].1.quirks;
        if let Ok(request) = Chat::OPENAI.read_request(body.to_string().as_bytes(), &Address::default()) {
            let _ = Chat { quirks }.write_request(&request, &TO, &mut Losses::new(Wire::Chat));
        }
    }
}
