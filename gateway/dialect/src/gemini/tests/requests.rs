use super::*;
use crate::neutral::{
    CacheMark, CallKind, Content, Effort, Format, Media, Part, Reasoning, Role, Sampling,
    Signature, Source, Tool, ToolCall, ToolChoice, ToolKind, ToolResult, Turn,
};
use serde_json::json;

#[test]
fn a_request_in_snake_case_and_without_lists_is_the_same() {
    let camel = read_json(json!({
        "systemInstruction": {"parts": [{"text": "s"}]},
        "contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}],
        "generationConfig": {"maxOutputTokens": 5, "topK": 3.0, "stopSequences": ["x"]},
    }));
    let snake = read_json(json!({
        "system_instruction": {"parts": {"text": "s"}},
        "contents": {"parts": {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}},
        "generation_config": {"max_output_tokens": 5, "top_k": 3, "stop_sequences": ["x"]},
    }));
    assert_eq!(camel, snake);
    assert_eq!(camel.output_tokens_max, Some(5));
    assert_eq!(camel.turns[0].role, Role::System);
}

#[test]
fn a_fixture_read_and_written_loses_nothing() {
    for case in ["plain", "stream", "tools", "parallel_tools", "structured", "image", "reasoning"] {
        let request = read(golden(&format!("{case}.request.json"))).unwrap();
        let (body, dropped) = write(&request, "gemini-2.5-flash").unwrap();
        assert_eq!(dropped, "", "{case}");
        let again = read(body.to_string()).unwrap();
        assert_eq!(again, request, "{case}");
    }
}

#[test]
fn results_find_their_calls_by_name_where_there_are_no_ids() {
    let request = read(golden("parallel_tools.request.json")).unwrap();
    let ids: Vec<&str> = request
        .turns
        .iter()
        .flat_map(|turn| &turn.parts)
        .filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(call.id.as_str()),
            Content::ToolResult(result) => Some(result.call_id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["call_0", "call_1", "call_0", "call_1"]);
    let Content::ToolResult(result) = &request.turns[3].parts[1].content else { panic!() };
    assert!(result.is_error);
    assert_eq!(result.parts, [Part::text("no such station")]);
}

#[test]
fn a_streamed_answer_kept_event_by_event_is_one_turn_again() {
    let request = read_json(json!({"contents": [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [{"text": "a", "thought": true}]},
        {"role": "model", "parts": [{"text": "b", "thought": true}]},
        {"role": "model", "parts": [{"text": "", "thought": true,
            "thoughtSignature": "dG9sbGdhdGUuYW50aHJvcGljLnNpZw"}]},
        {"role": "model", "parts": [{"text": "c"}]},
        {"role": "model", "parts": [{"text": "d"}]},
        {"role": "user", "parts": [{"text": "e"}, {"text": "f"}]},
    ]}));
    assert_eq!(request.turns.len(), 3);
    let signature = Signature { wire: Wire::Messages, value: "sig".to_owned() };
    let thinking =
        Part { signature: Some(signature), ..Part::new(Content::Thinking("ab".to_owned())) };
    assert_eq!(request.turns[1].parts, [thinking, Part::text("cd")]);
    assert_eq!(request.turns[2].parts, [Part::text("e"), Part::text("f")]);
}

#[test]
fn what_is_wrong_is_named_where_it_is() {
    for (body, at) in [
        (json!({}), "contents"),
        (json!({"contents": 5}), "contents"),
        (json!({"contents": [5]}), "contents[0]"),
        (json!({"contents": [{"role": "assistant"}]}), "contents[0].role"),
        (json!({"contents": [{"parts": [{}]}]}), "contents[0].parts[0]"),
        (json!({"contents": [{"parts": [{"text": 1}]}]}), "contents[0].parts[0].text"),
        (
            json!({"contents": [{"parts": [{"text": "a", "inline_data": {"data": ""}}]}]}),
            "contents[0].parts[0]",
        ),
        (
            json!({"contents": [{"parts": [{"inline_data": {"data": "%"}}]}]}),
            "contents[0].parts[0].inline_data.data",
        ),
        (
            json!({"contents": [{"parts": [{"functionCall": {"name": "f", "args": []}}]}]}),
            "contents[0].parts[0].functionCall.args",
        ),
        (json!({"contents": [{"parts": []}]}), "contents"),
        (
            json!({"contents": [{"parts": [{"text": "q"}]}], "systemInstruction": "terse"}),
            "systemInstruction",
        ),
        (
            json!({"contents": [{"parts": [{"text": "q"}]}], "generationConfig": {"topK": 1.5}}),
            "generationConfig.topK",
        ),
        (
            json!({"contents": [{"parts": [{"text": "q"}]}], "generationConfig": {"seed": 1e30}}),
            "generationConfig.seed",
        ),
        (
            json!({"contents": [{"parts": [{"text": "q"}]}], "generationConfig": {"thinkingConfig": {"thinkingBudget": -2}}}),
            "generationConfig.thinkingConfig.thinkingBudget",
        ),
        (
            json!({"contents": [{"parts": [{"text": "q"}]}], "toolConfig": {"functionCallingConfig": {"mode": "SOME"}}}),
            "toolConfig.functionCallingConfig.mode",
        ),
        (
            json!({"contents": [{"parts": [{"text": "q"}]}], "tools": [{"functionDeclarations": [{}]}]}),
            "tools[0].functionDeclarations[0].name",
        ),
    ] {
        let error = read(body.to_string()).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(at), "{body}");
    }
}

#[test]
fn the_vendors_own_tools_and_content_are_refused_elsewhere_and_kept_here() {
    let request = read_json(json!({
        "cachedContent": "cachedContents/1",
        "contents": [{"parts": [{"text": "q"}]},
            {"role": "model", "parts": [{"executableCode": {"language": "PYTHON", "code": "1"}}]}],
        "tools": [{"googleSearch": {}, "functionDeclarations": [{"name": "f", "behavior": "B"}]}],
        "toolConfig": {"retrievalConfig": {"languageCode": "de"}},
        "safetySettings": [{"category": "C", "threshold": "OFF"}],
        "generationConfig": {"thinkingConfig": {"thinkingBudget": -1}, "speechConfig": {"a": 1}},
    }));
    let extras: Vec<&str> = request.extra.iter().map(|extra| extra.name.as_str()).collect();
    assert_eq!(
        extras,
        [
            "tools[0].functionDeclarations[0].behavior",
            "toolConfig.retrievalConfig",
            "generationConfig.thinkingConfig.thinkingBudget",
            "generationConfig.speechConfig",
            "safetySettings",
        ]
    );
    let (body, dropped) = write(&request, "gemini-2.5-flash").unwrap();
    assert_eq!(dropped, "tools[0].functionDeclarations[0].behavior");
    assert_eq!(body["cachedContent"], "cachedContents/1");
    assert_eq!(body["tools"][1], json!({"googleSearch": {}}));
    assert_eq!(body["generationConfig"]["thinkingConfig"]["thinkingBudget"], -1);
    assert_eq!(body["toolConfig"]["retrievalConfig"]["languageCode"], "de");
    assert_eq!(body["contents"][1]["parts"][0]["executableCode"]["code"], "1");
}

fn call(id: &str, input: &str) -> Part {
    Part::new(Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        input: input.to_owned(),
        kind: CallKind::Function,
    }))
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    let call_id = id.to_owned();
    Part::new(Content::ToolResult(ToolResult {
        call_id,
        name: String::new(),
        parts,
        is_error: false,
    }))
}

fn conversation(turns: Vec<(Role, Vec<Part>)>) -> Request {
    let turns = turns.into_iter().map(|(role, parts)| Turn::new(role, parts)).collect();
    Request { turns, ..Request::default() }
}

#[test]
fn a_call_of_another_model_is_marked_as_unsigned_where_signatures_are_demanded() {
    let request = conversation(vec![
        (Role::User, vec![Part::text("q")]),
        (Role::Assistant, vec![call("a", "{\"x\": 1.50}"), call("b", "")]),
        (Role::User, vec![result("a", vec![Part::text("{\"y\":2}")])]),
        (Role::User, vec![result("b", vec![Part::text("z")])]),
    ]);
    let (body, _) = write(&request, "gemini-3-pro-preview").unwrap();
    let parts = &body["contents"][1]["parts"];
    assert_eq!(parts[0]["thoughtSignature"], "skip_thought_signature_validator");
    assert_eq!(parts[1].get("thoughtSignature"), None);
    assert_eq!(parts[1]["functionCall"]["args"], json!({}));
    let results = &body["contents"][2]["parts"];
    assert_eq!(results[0]["functionResponse"]["name"], "f");
    assert_eq!(results[0]["functionResponse"]["response"], json!({"y": 2}));
    assert_eq!(results[1]["functionResponse"]["response"], json!({"output": "z"}));
    let (body, _) = write(&request, "gemini-2.5-flash").unwrap();
    assert_eq!(body["contents"][1]["parts"][0].get("thoughtSignature"), None);
}

#[test]
fn a_signature_that_came_before_its_call_is_the_calls_again() {
    let own = Signature { wire: Wire::Gemini, value: "c2ln".to_owned() };
    let hidden = Part { signature: Some(own), ..Part::new(Content::HiddenThinking) };
    let with =
        |parts| conversation(vec![(Role::User, vec![Part::text("q")]), (Role::Assistant, parts)]);
    let (body, _) = write(&with(vec![hidden.clone(), call("a", "{}")]), "gemini-3-flash").unwrap();
    assert_eq!(body["contents"][1]["parts"].as_array().unwrap().len(), 1);
    assert_eq!(body["contents"][1]["parts"][0]["thoughtSignature"], "c2ln");
    let (body, _) = write(&with(vec![hidden, Part::text("t")]), "gemini-3-flash").unwrap();
    let alone = json!({"text": "", "thought": true, "thoughtSignature": "c2ln"});
    assert_eq!(body["contents"][1]["parts"], json!([alone, {"text": "t"}]));
}

#[test]
fn what_cannot_be_said_is_refused_or_told() {
    let foreign = Signature { wire: Wire::Messages, value: "s".to_owned() };
    let mut request = conversation(vec![
        (Role::System, vec![Part { cache: Some(CacheMark::Hour), ..Part::text("s") }]),
        (Role::User, vec![Part::text("q"), Part::new(Content::Refusal("no".to_owned()))]),
        (Role::System, vec![Part::text("late")]),
        (
            Role::Assistant,
            vec![Part { signature: Some(foreign), ..Part::new(Content::Thinking("t".to_owned())) }],
        ),
    ]);
    request.sampling = Sampling { seed: Some(1 << 40), ..Sampling::default() };
    request.service_tier = Some("scale".to_owned());
    request.parallel_tool_calls = Some(false);
    request.end_user = Some("u".to_owned());
    let (body, dropped) = write(&request, "gemini-2.5-flash").unwrap();
    assert_eq!(
        dropped,
        "turns[0].parts[0].cache, turns[1].parts[1], turns[2], turns[3].parts[0].signature, \
         sampling.seed, service_tier, end_user, parallel_tool_calls"
    );
    let texts = json!([{"text": "q"}, {"text": "no"}, {"text": "late"}]);
    assert_eq!(body["contents"][0], json!({"role": "user", "parts": texts}));
    assert_eq!(body["contents"][1]["parts"], json!([{"text": "t", "thought": true}]));

    let custom = Tool {
        name: "c".to_owned(),
        description: None,
        kind: ToolKind::Custom { format: None },
        cache: None,
    };
    request.tools = vec![custom];
    assert_eq!(write(&request, "m").unwrap_err().param.as_deref(), Some("tools[0]"));
    let cut = conversation(vec![(Role::Assistant, vec![call("a", "{\"x\": ")])]);
    assert_eq!(write(&cut, "m").unwrap_err().param.as_deref(), Some("turns[0].parts[0]"));
    let stray = conversation(vec![(Role::User, vec![result("a", Vec::new())])]);
    assert_eq!(write(&stray, "m").unwrap_err().param.as_deref(), Some("turns[0].parts[0]"));
    let source = Source::Uploaded(Wire::Responses, "file-1".to_owned());
    let file = Part::new(Content::File(Media { source, ..Media::default() }));
    let uploaded = conversation(vec![(Role::User, vec![file])]);
    assert_eq!(write(&uploaded, "m").unwrap_err().param.as_deref(), Some("turns[0].parts[0]"));
}

#[test]
fn instructions_alone_become_a_question() {
    let request = conversation(vec![(Role::System, vec![Part::text("s")])]);
    let (body, dropped) = write(&request, "m").unwrap();
    assert_eq!(dropped, "turns");
    assert_eq!(body, json!({"contents": [{"role": "user", "parts": [{"text": "s"}]}]}));
}

#[test]
fn images_in_results_lie_inside_or_beside_them_by_generation() {
    let source = Source::Inline("iVBORw0KGgo=".to_owned());
    let image = Part::new(Content::Image(Media { source, ..Media::default() }));
    let request = conversation(vec![
        (Role::Assistant, vec![call("a", "{}")]),
        (Role::User, vec![result("a", vec![image])]),
    ]);
    let blob = json!({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}});
    let (body, _) = write(&request, "gemini-3-pro").unwrap();
    assert_eq!(body["contents"][1]["parts"][0]["functionResponse"]["parts"], json!([blob]));
    let (body, _) = write(&request, "gemini-2.5-pro").unwrap();
    assert_eq!(body["contents"][1]["parts"][0], blob);
    assert_eq!(body["contents"][1]["parts"][1]["functionResponse"].get("parts"), None);
}

#[test]
fn effort_and_budget_are_said_as_the_generation_takes_them() {
    let thinking = |reasoning: Reasoning, model: &str| {
        let mut request = conversation(vec![(Role::User, vec![Part::text("q")])]);
        request.reasoning = Some(reasoning);
        let (body, dropped) = write(&request, model).unwrap();
        (body["generationConfig"]["thinkingConfig"].clone(), dropped)
    };
    let effort = |effort| Reasoning { effort: Some(effort), ..Reasoning::default() };
    let budget = |tokens| Reasoning { tokens_max: Some(tokens), ..Reasoning::default() };
    for (asked, model, said, dropped) in [
        (effort(Effort::Low), "gemini-3-pro", json!({"thinkingLevel": "LOW"}), ""),
        (effort(Effort::Low), "gemini-2.5-flash", json!({"thinkingBudget": 2048}), ""),
        (effort(Effort::None), "gemini-2.5-flash", json!({"thinkingBudget": 0}), ""),
        (effort(Effort::None), "gemini-3-pro", json!({"thinkingLevel": "LOW"}), "reasoning.effort"),
        (budget(1024), "gemini-3-pro", json!({"thinkingBudget": 1024}), ""),
        (
            budget(90_000),
            "gemini-2.5-flash",
            json!({"thinkingBudget": 24_576}),
            "reasoning.tokens_max",
        ),
    ] {
        assert_eq!(thinking(asked, model), (said, dropped.to_owned()), "{model}");
    }
}

#[test]
fn old_models_get_schemas_in_their_own_form_and_new_ones_as_they_came() {
    let schema = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {"A": {"type": "string"}}, "additionalProperties": false});
    let mut request = conversation(vec![(Role::User, vec![Part::text("q")])]);
    let kind = ToolKind::Function { schema: schema.clone(), strict: None };
    request.tools = vec![Tool { name: "f".to_owned(), description: None, kind, cache: None }];
    request.tool_choice =
        Some(ToolChoice::Among { names: vec!["f".to_owned(), "g".to_owned()], must: true });
    request.format = Format::Json;
    let (body, dropped) = write(&request, "gemini-2.5-flash").unwrap();
    assert_eq!(body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"], schema);
    let calling = json!({"mode": "ANY", "allowedFunctionNames": ["f", "g"]});
    assert_eq!(body["toolConfig"]["functionCallingConfig"], calling);
    assert_eq!(dropped, "");
    let (body, dropped) = write(&request, "gemini-1.5-flash").unwrap();
    let own = &body["tools"][0]["functionDeclarations"][0]["parameters"];
    assert_eq!(own["properties"]["a"], json!({"type": "STRING"}));
    assert_eq!(dropped, "tools[0].schema");
}

#[test]
fn choices_among_tools_survive_the_way_there_and_back() {
    for choice in [
        ToolChoice::Auto,
        ToolChoice::None,
        ToolChoice::Any,
        ToolChoice::One("get_weather".to_owned()),
        ToolChoice::Among { names: vec!["a".to_owned(), "b".to_owned()], must: true },
        ToolChoice::Among { names: vec!["a".to_owned()], must: false },
    ] {
        let mut request = read(golden("tools.request.json")).unwrap();
        request.tool_choice = Some(choice.clone());
        let (body, _) = write(&request, "m").unwrap();
        assert_eq!(read(body.to_string()).unwrap().tool_choice, Some(choice));
    }
}

#[test]
fn a_count_is_asked_for_in_either_form() {
    use crate::gemini::{CountForm, read_count_request, write_count_request};
    let request = read(golden("tools.request.json")).unwrap();
    let to = Provider { model: "gemini-2.5-flash", output_tokens_max: 0 };
    for form in [CountForm::Wrapped, CountForm::Flat] {
        let mut losses = Losses::new(Wire::Gemini);
        let body = write_count_request(&request, form, &to, &mut losses).unwrap();
        let at = Address { model: Some("m"), stream: None };
        assert_eq!(read_count_request(&body, &at).unwrap(), request);
    }
}

#[test]
fn a_count_that_passes_has_the_form_and_the_name_of_its_host() {
    let pass = |body: &str, on_vertex| {
        let told = crate::gemini::pass_count(&body.to_owned().into(), on_vertex, "up");
        String::from_utf8(told.to_vec()).unwrap()
    };
    let contents = r#"{ "contents":[{"parts":[{"text":"a"}]}] }"#;
    let flat = r#"{"contents":[],"systemInstruction":{"parts":[]}}"#;
    let within = r#"{"model":"models/house/chat","contents":[],"tools":[]}"#;
    let wrapped = format!("{{\"generateContentRequest\":{within}}}");
    assert_eq!(pass(contents, false), contents);
    for (body, on_vertex, told) in [
        (
            flat,
            false,
            r#"{"generateContentRequest":{"contents":[],"systemInstruction":{"parts":[]},"model":"models/up"}}"#,
        ),
        (flat, true, flat),
        (
            wrapped.as_str(),
            false,
            r#"{"generateContentRequest":{"model":"models/up","contents":[],"tools":[]}}"#,
        ),
        (wrapped.as_str(), true, r#"{"contents":[],"tools":[]}"#),
        (r#"{"generateContentRequest":5}"#, false, r#"{"generateContentRequest":5}"#),
    ] {
        assert_eq!(pass(body, on_vertex), told, "{body}");
    }
}

#[test]
fn a_path_names_model_and_method() {
    for (model, stream, path) in [
        ("gemini-2.5-pro", false, "/models/gemini-2.5-pro:generateContent"),
        ("gemini-2.5-pro", true, "/models/gemini-2.5-pro:streamGenerateContent?alt=sse"),
        ("tunedModels/a b", false, "/tunedModels/a%20b:generateContent"),
    ] {
        assert_eq!(Gemini.path(model, stream), path);
    }
    assert_eq!(Gemini::count_path("m"), "/models/m:countTokens");
}
