//! What is asked in the dialect.

use super::*;

#[test]
fn a_model_is_named_in_the_path_even_by_an_arn() {
    assert_eq!(Converse.path("us.a.b-v1:0", false), "/model/us.a.b-v1%3A0/converse");
    assert_eq!(
        Converse.path("arn:aws:bedrock:x:1:inference-profile/y", true),
        "/model/arn%3Aaws%3Abedrock%3Ax%3A1%3Ainference-profile%2Fy/converse-stream"
    );
}

#[test]
fn a_plain_call_says_no_more_than_it_was_asked() {
    let mut request =
        asked(vec![Turn::new(Role::System, vec![Part::text("Be terse.")]), user("Hi")]);
    request.output_tokens_max = Some(9);
    request.sampling.temperature = Some(0.5);
    request.sampling.stop = vec!["X".to_owned()];
    let (body, lost) = write(&request, LLAMA).unwrap();
    let expected = json!({
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "system": [{"text": "Be terse."}],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "stopSequences": ["X"]},
    });
    assert_eq!((body, lost.as_str()), (expected, ""));
}

#[test]
fn a_loop_of_tools_alternates_and_results_come_first() {
    let mut request = asked(vec![
        user("Weather?"),
        Turn::new(
            Role::Assistant,
            vec![Part::text(" "), call("call/1", "{\"city\":\"Paris\"}"), call("b", "")],
        ),
        Turn::new(Role::System, vec![Part::text("Hurry.")]),
        Turn::new(Role::User, vec![result("call/1", vec![Part::text("21")], false)]),
        Turn::new(Role::User, vec![result("b", vec![Part::text("down")], true)]),
        user("Well?"),
    ]);
    request.tools = vec![weather()];
    request.tool_choice = Some(ToolChoice::Any);
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [{"text": "Weather?"}]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "tollgate_call_0", "name": "get_weather",
                             "input": {"city": "Paris"}}},
                {"toolUse": {"toolUseId": "b", "name": "get_weather", "input": {}}}]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "tollgate_call_0", "content": [{"text": "21"}]}},
                {"toolResult": {"toolUseId": "b", "content": [{"text": "down"}], "status": "error"}},
                {"text": "Hurry."},
                {"text": "Well?"}]},
        ])
    );
    assert_eq!(
        body["toolConfig"],
        json!({
            "tools": [{"toolSpec": {"name": "get_weather", "description": "Tells the weather.",
                "inputSchema": {"json": {"type": "object",
                                         "properties": {"city": {"type": "string"}}}}}}],
            "toolChoice": {"any": {}},
        })
    );
    assert_eq!(lost, "turns[2]");
}

#[test]
fn tools_that_the_history_calls_are_declared_and_those_banned_are_begged_off() {
    let turns = vec![
        user("?"),
        Turn::new(Role::Assistant, vec![call("a", "{}")]),
        Turn::new(Role::User, vec![result("a", vec![], false)]),
    ];
    let (body, _) = write(&asked(turns.clone()), LLAMA).unwrap();
    assert_eq!(body.pointer("/toolConfig/tools/0/toolSpec/name"), Some(&json!("get_weather")));
    let mut banned = asked(turns);
    banned.tools = vec![weather()];
    banned.tool_choice = Some(ToolChoice::None);
    let (body, lost) = write(&banned, LLAMA).unwrap();
    assert!(body["system"].to_string().contains("without calling"), "{body}");
    assert_eq!(lost, "tool_choice");
    banned.turns.truncate(1);
    let (body, _) = write(&banned, LLAMA).unwrap();
    assert_eq!(body.get("toolConfig"), None);
}

#[test]
fn a_choice_among_some_tools_tells_only_of_these() {
    let mut request = asked(vec![user("?")]);
    request.tools = vec![weather(), Tool { name: "other".to_owned(), ..weather() }];
    request.tool_choice = Some(ToolChoice::Among { names: vec!["other".to_owned()], must: true });
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(body.pointer("/toolConfig/tools").unwrap().as_array().unwrap().len(), 1);
    assert_eq!(body.pointer("/toolConfig/toolChoice"), Some(&json!({"any": {}})));
    assert_eq!(lost, "tool_choice");
}

#[test]
fn a_schema_is_enforced_where_the_model_can_and_is_a_tool_where_it_cannot() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}},
                        "required": ["city"], "additionalProperties": false});
    let mut request = asked(vec![user("?")]);
    request.format = Format::Schema(Schema {
        name: "weather".to_owned(),
        description: None,
        schema: schema.clone(),
        strict: Some(true),
    });
    let (body, lost) = write(&request, CLAUDE).unwrap();
    let told = &body["outputConfig"]["textFormat"];
    assert_eq!(told["type"], "json_schema");
    assert_eq!(told["structure"]["jsonSchema"]["name"], "weather");
    let sent = told["structure"]["jsonSchema"]["schema"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(sent).unwrap(), schema);
    assert_eq!((body.get("toolConfig"), lost.as_str()), (None, ""));

    let (body, lost) = write(&request, OLD_CLAUDE).unwrap();
    assert_eq!(body.pointer("/toolConfig/toolChoice"), Some(&json!({"tool": {"name": JSON_TOOL}})));
    assert_eq!(body.pointer("/toolConfig/tools/0/toolSpec/inputSchema/json"), Some(&schema));
    assert_eq!((body.get("outputConfig"), lost.as_str()), (None, "format"));

    // The answer through the tool is a text to the caller, and an end.
    let answer = json!({"output": {"message": {"role": "assistant", "content": [
        {"toolUse": {"toolUseId": "t", "name": JSON_TOOL, "input": {"city": "Paris"}}}]}},
        "stopReason": "tool_use"});
    let answer = Converse.read_answer(answer.to_string().as_bytes()).unwrap();
    assert_eq!(answer.candidates[0].parts, [Part::text(r#"{"city":"Paris"}"#)]);
    assert_eq!(answer.candidates[0].stop, Stop::End);

    request.tools = vec![Tool { name: JSON_TOOL.to_owned(), ..weather() }];
    let refused = write(&request, CLAUDE).unwrap_err();
    assert_eq!(refused.param.as_deref(), Some("tools[0].name"));
}

#[test]
fn reasoning_raises_the_bound_and_gives_way_to_a_forced_tool() {
    let mut request = asked(vec![user("?")]);
    request.output_tokens_max = Some(100);
    request.reasoning = Some(Reasoning { tokens_max: Some(2_000), ..Reasoning::default() });
    request.sampling.temperature = Some(0.2);
    request.sampling.top_k = Some(5);
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(body["inferenceConfig"], json!({"maxTokens": 2_100}));
    assert_eq!(
        body["additionalModelRequestFields"],
        json!({"thinking": {"type": "enabled", "budget_tokens": 2_000}})
    );
    assert_eq!(lost, "sampling.temperature, sampling.top_k");
    request.tools = vec![weather()];
    request.tool_choice = Some(ToolChoice::One("get_weather".to_owned()));
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(body["additionalModelRequestFields"], json!({"top_k": 5}));
    assert_eq!(body["inferenceConfig"], json!({"maxTokens": 100, "temperature": 0.2}));
    assert_eq!(lost, "reasoning");
    let effort = Some(Reasoning { effort: Some(Effort::High), ..Reasoning::default() });
    let (_, lost) = write(&Request { reasoning: effort, ..asked(vec![user("?")]) }, LLAMA).unwrap();
    assert_eq!(lost, "reasoning");
}

#[test]
fn a_newer_claude_is_told_an_effort_and_a_schema_that_is_closed() {
    let mut request = asked(vec![user("?")]);
    request.reasoning = Some(Reasoning { effort: Some(Effort::High), ..Reasoning::default() });
    request.format = Format::Schema(Schema {
        name: "weather".to_owned(),
        description: None,
        schema: json!({"type": "object", "properties": {"city": {"type": "string"}}}),
        strict: None,
    });
    let (body, lost) = write(&request, "us.anthropic.claude-opus-4-7-v1").unwrap();
    assert_eq!(body["additionalModelRequestFields"], json!({"thinking": {"type": "adaptive"}}));
    assert_eq!(body["outputConfig"]["effort"], "high");
    let told = body.pointer("/outputConfig/textFormat/structure/jsonSchema/schema").unwrap();
    assert!(told.as_str().unwrap().contains(r#""additionalProperties":false"#), "{told}");
    assert_eq!(lost, "format.schema");
}

#[test]
fn reasoning_goes_back_with_its_proof_and_only_so() {
    let hidden = Part {
        signature: Some(Signature { wire: Wire::Converse, value: "aGlk".to_owned() }),
        ..Part::new(Content::HiddenThinking)
    };
    let parts = vec![
        signed("own", Wire::Converse),
        signed("anthropic", Wire::Messages),
        signed("gemini", Wire::Gemini),
        Part::new(Content::Thinking("unsigned".to_owned())),
        hidden,
        Part::text("Hi"),
    ];
    let request = asked(vec![user("?"), Turn::new(Role::Assistant, parts), user("!")]);
    let (body, lost) = write(&request, CLAUDE).unwrap();
    let reason = |text: &str| json!({"reasoningContent": {"reasoningText": {"text": text, "signature": "c2ln"}}});
    assert_eq!(
        body["messages"][1]["content"],
        json!([reason("own"), reason("anthropic"),
               {"reasoningContent": {"redactedContent": "aGlk"}}, {"text": "Hi"}])
    );
    assert_eq!(lost, "turns[1].parts[2], turns[1].parts[3]");
    let (body, _) = write(&request, "openai.gpt-oss-120b-1:0").unwrap();
    assert!(body["messages"][1].to_string().contains("unsigned"));
}

#[test]
fn cache_marks_become_cache_points_where_the_model_has_them() {
    let mut request = asked(vec![
        Turn::new(Role::System, vec![Part { cache: Some(CacheMark::Hour), ..Part::text("Long.") }]),
        Turn::new(Role::User, vec![Part { cache: Some(CacheMark::Short), ..Part::text("Hi") }]),
    ]);
    request.tools = vec![Tool { cache: Some(CacheMark::Short), ..weather() }];
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(body["system"][1], json!({"cachePoint": {"type": "default", "ttl": "1h"}}));
    assert_eq!(body["messages"][0]["content"][1], json!({"cachePoint": {"type": "default"}}));
    assert_eq!(body["toolConfig"]["tools"][1], json!({"cachePoint": {"type": "default"}}));
    assert_eq!(lost, "");
    let (body, lost) = write(&request, LLAMA).unwrap();
    assert!(!body.to_string().contains("cachePoint"), "{body}");
    assert_eq!(lost, "turns[0].parts[0], turns[1].parts[0], tools[0]");
}

#[test]
fn images_and_documents_are_bytes_and_in_tool_results_too() {
    let media = |text: &str, media_type: &str, name: Option<&str>| Media {
        source: Source::Inline(text.to_owned()),
        media_type: media_type.to_owned(),
        name: name.map(str::to_owned),
        detail: None,
    };
    let image = || Part::new(Content::Image(media("iVBORw0KGgo=", "image/png", None)));
    let file = || Part::new(Content::File(media("JVBERi0=", "application/pdf", Some("a.pdf"))));
    let request = asked(vec![
        Turn::new(Role::User, vec![image(), file(), Part::text("?")]),
        Turn::new(Role::Assistant, vec![call("a", "{}")]),
        Turn::new(Role::User, vec![result("a", vec![image(), file()], false)]),
    ]);
    let (body, _) = write(&request, CLAUDE).unwrap();
    let image = json!({"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}});
    assert_eq!(body["messages"][0]["content"][0], image);
    assert_eq!(
        body["messages"][0]["content"][1],
        json!({"document": {"format": "pdf", "name": "a", "source": {"bytes": "JVBERi0="}}})
    );
    let result = &body["messages"][2]["content"][0]["toolResult"]["content"];
    assert_eq!(result[0], image);
    assert_eq!(result[1]["document"]["name"], "a (2)");
}

#[test]
fn the_services_own_fields_and_parts_are_told_as_they_came_and_others_are_not() {
    let extra = |wire, name: &str, value| Extra { wire, name: name.to_owned(), value };
    let mut request = asked(vec![Turn::new(
        Role::User,
        vec![
            Part::text("Hi"),
            Part::new(Content::Native(crate::neutral::Native {
                wire: Wire::Converse,
                value: json!({"guardContent": {"text": {"text": "x"}}}),
            })),
        ],
    )]);
    let guard = json!({"guardrailIdentifier": "g", "guardrailVersion": "1"});
    request.extra = vec![
        extra(Wire::Converse, "guardrailConfig", guard.clone()),
        extra(Wire::Converse, "additionalModelRequestFields", json!({"a": 1})),
        extra(Wire::Chat, "store", json!(true)),
    ];
    request.service_tier = Some("flex".to_owned());
    request.metadata.insert("team".to_owned(), "a".into());
    request.metadata.insert("odd".to_owned(), "\u{e9}".into());
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(body["guardrailConfig"], guard);
    assert_eq!(body["additionalModelRequestFields"], json!({"a": 1}));
    assert_eq!(body["serviceTier"], json!({"type": "flex"}));
    assert_eq!(body["requestMetadata"], json!({"team": "a"}));
    assert!(body["messages"][0]["content"][1].get("guardContent").is_some());
    assert_eq!(lost, "store, metadata.odd");
}

#[test]
fn what_cannot_be_said_is_refused_with_its_place() {
    let refused = |request: &Request| write(request, CLAUDE).unwrap_err().param.unwrap();
    let mut request = asked(vec![user("?")]);
    request.sampling.candidates = Some(2);
    assert_eq!(refused(&request), "sampling.candidates");
    let cut = asked(vec![user("?"), Turn::new(Role::Assistant, vec![call("a", "{\"ci")])]);
    assert_eq!(refused(&cut), "turns[1].parts[0]");
    let listed = asked(vec![user("?"), Turn::new(Role::Assistant, vec![call("a", "[1]")])]);
    assert_eq!(refused(&listed), "turns[1].parts[0]");
    assert_eq!(refused(&asked(vec![])), "turns");
    let mut named = asked(vec![user("?")]);
    named.tools = vec![Tool { name: "a.b".to_owned(), ..weather() }];
    assert_eq!(refused(&named), "tools[0].name");
}

#[test]
fn a_conversation_that_the_assistant_opens_gets_a_user_and_loses_its_last_space() {
    let request = asked(vec![Turn::new(Role::Assistant, vec![Part::text("Once \n")])]);
    let (body, lost) = write(&request, CLAUDE).unwrap();
    assert_eq!(
        body["messages"],
        json!([{"role": "user", "content": [{"text": "."}]},
               {"role": "assistant", "content": [{"text": "Once"}]}])
    );
    assert_eq!(lost, "turns");
}
