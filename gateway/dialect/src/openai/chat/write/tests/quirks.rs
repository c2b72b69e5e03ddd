//! What each quirk changes.

use super::{ask, tool, with, write};
use crate::openai::{Quirk, Quirks, spoken_by};
use serde_json::{Value, json};

/// What a quirk makes of a request: the fields it has then, and what is told.
fn becomes(quirk: Quirk, given: Value, sent: Value, told: &str) {
    let (got, lost) = write(&ask(given.clone()), with(quirk)).unwrap();
    assert_eq!(got, ask(sent), "{quirk:?} of {given}");
    assert_eq!(lost, told, "{quirk:?} of {given}");
}

fn refuses(quirk: Quirk, given: Value, field: &str) {
    let refused = write(&ask(given.clone()), with(quirk));
    assert_eq!(refused.map(|(sent, _)| sent), Err(field.to_owned()), "{quirk:?} of {given}");
}

#[test]
fn each_quirk_of_names_has_its_effect() {
    use Quirk as Q;
    becomes(Q::MaxTokens, json!({"max_completion_tokens": 5}), json!({"max_tokens": 5}), "");
    becomes(Q::RandomSeed, json!({"seed": 5}), json!({"random_seed": 5}), "");
    let four = json!({"logprobs": true, "top_logprobs": 4});
    becomes(Q::LogprobsCount, four, json!({"logprobs": 4}), "");
    becomes(Q::LogprobsCount, json!({"logprobs": true}), json!({"logprobs": 1}), "");
    becomes(Q::UsageUnasked, json!({"stream": true}), json!({"stream": true}), "");
    let schema = json!({"type": "json_schema", "json_schema": {"name": "w", "schema": {"a": 1}}});
    let value = json!({"type": "json_object", "value": {"a": 1}});
    becomes(
        Q::SchemaValue,
        json!({"response_format": schema}),
        json!({"response_format": value}),
        "",
    );
    becomes(Q::TopK, json!({"top_k": 5}), json!({"top_k": 5}), "");
    becomes(Q::MaxTokens, json!({"top_k": 5}), json!({}), "sampling.top_k");

    let call = |id: &str| {
        json!({"messages": [
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "content": "1", "tool_call_id": id}]})
    };
    let (sent, _) = write(&ask(call("call_abcdef")), with(Q::ShortCallIds)).unwrap();
    let id = sent["messages"][0]["tool_calls"][0]["id"].as_str().unwrap();
    assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    assert_eq!(sent["messages"][1]["tool_call_id"], id);
    becomes(Q::ShortCallIds, call("aB3dE6gH9"), call("aB3dE6gH9"), "");
    let (sent, _) = write(&ask(call(&"x".repeat(41))), Quirks::NONE).unwrap();
    let id = sent["messages"][0]["tool_calls"][0]["id"].as_str().unwrap();
    assert!(id.len() <= 40 && id.starts_with("call_"), "{id}");
    assert_eq!(sent["messages"][1]["tool_call_id"], id, "too long for the vendor, and still found");

    let parts = json!({"messages": [{"role": "user", "content": [
        {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]});
    let joined = json!({"messages": [{"role": "user", "content": "a\n\nb"}]});
    becomes(Q::StringContent, parts, joined, "");
    let turns = json!({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"},
        {"role": "system", "content": "late"}, {"role": "user", "content": "b"}]});
    let taken = json!({"messages": [{"role": "system", "content": "s"},
        {"role": "user", "content": "a\n\nlate\n\nb"}]});
    becomes(Q::TakeTurns, turns, taken, "turns[2]");
}

#[test]
fn each_quirk_of_reasoning_has_its_effect() {
    use Quirk as Q;
    let effort = |word: &str| json!({"reasoning_effort": word});
    becomes(Q::NoEffort, effort("low"), json!({}), "reasoning.effort");
    becomes(Q::EffortThreeSteps, effort("minimal"), effort("low"), "reasoning.effort");
    becomes(Q::EffortThreeSteps, effort("medium"), effort("medium"), "");
    becomes(Q::EffortThreeSteps, effort("none"), json!({}), "reasoning.effort");
    becomes(Q::EffortOrNone, effort("none"), effort("none"), "");
    becomes(Q::EffortOrNone, effort("xhigh"), effort("high"), "reasoning.effort");
    becomes(Q::EffortOnOff, effort("none"), effort("none"), "");
    becomes(Q::EffortOnOff, effort("low"), effort("high"), "reasoning.effort");
    let object = |value: Value| json!({"reasoning": value});
    becomes(Q::ReasoningObject, effort("low"), object(json!({"effort": "low"})), "");
    let budget = object(json!({"max_tokens": 9000, "exclude": true}));
    becomes(Q::ReasoningObject, budget.clone(), budget.clone(), "");
    becomes(Q::MaxTokens, budget, effort("medium"), "reasoning.tokens_max");
    let thinking = |kind: &str| json!({"thinking": {"type": kind}, "reasoning_effort": "high"});
    becomes(Q::ThinkingSwitch, effort("high"), thinking("enabled"), "");
    becomes(
        Q::ThinkingSwitch,
        json!({"thinking": {"type": "disabled"}}),
        json!({"thinking": {"type": "disabled"}, "reasoning_effort": "none"}),
        "",
    );
    let template =
        json!({"chat_template_kwargs": {"enable_thinking": false}, "reasoning_effort": "none"});
    becomes(Q::TemplateThinking, effort("none"), template, "");
    becomes(
        Q::IncludeReasoning,
        json!({"include_reasoning": false}),
        json!({"include_reasoning": false}),
        "",
    );
}

#[test]
fn reasoning_of_earlier_turns_goes_back_as_each_wants_it() {
    use Quirk as Q;
    let said = |more: Value| {
        let mut message = json!({"role": "assistant", "content": "21"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"messages": [message]})
    };
    let plain = said(json!({"reasoning_content": "hm"}));
    becomes(Q::ReasoningContent, plain.clone(), plain.clone(), "");
    becomes(Q::ReasoningText, plain.clone(), said(json!({"reasoning": "hm"})), "");
    becomes(Q::MaxTokens, plain.clone(), said(json!({})), "turns[0].parts[0]");
    let item = json!({"type": "reasoning.text", "text": "hm", "index": 0});
    becomes(Q::ReasoningDetails, plain.clone(), said(json!({"reasoning_details": [item]})), "");
    let own = said(json!({"reasoning_details": [
        {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "theirs", "id": "r1"},
        {"type": "reasoning.encrypted", "data": "x", "format": "theirs", "id": "r2"}]}));
    becomes(Q::ReasoningDetails, own.clone(), own.clone(), "");
    becomes(Q::ReasoningContent, own, plain.clone(), "turns[0].parts[0], turns[0].parts[1]");
    let foreign = said(json!({"reasoning_details": [
        {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic", "index": 0}]}));
    becomes(Q::ReasoningContent, foreign, plain.clone(), "turns[0].parts[0]");
    let thinking =
        json!({"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": true});
    let parts = json!({"messages": [{"role": "assistant", "content": [thinking, {"type": "text", "text": "21"}]}]});
    becomes(Q::ThinkingParts, plain, parts.clone(), "");
    becomes(Q::ThinkingParts, parts.clone(), parts, "");
    let signed = json!({"messages": [{"role": "assistant", "content": null, "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "sig"}}}]}]});
    becomes(Q::GoogleSignatures, signed.clone(), signed.clone(), "");
    let (sent, lost) = write(&ask(signed), Quirks::NONE).unwrap();
    assert!(sent["messages"][0]["tool_calls"][0].get("extra_content").is_none());
    assert_eq!(lost, "turns[0].parts[0]");
}

#[test]
fn what_a_provider_does_not_take_is_left_out_or_refused() {
    use Quirk as Q;
    for (quirk, given, field) in [
        (Q::NoSeed, json!({"seed": 1}), "sampling.seed"),
        (Q::NoLogitBias, json!({"logit_bias": {"1": 2}}), "sampling.logit_bias"),
        (Q::NoEndUser, json!({"user": "u"}), "end_user"),
        (Q::NoMetadata, json!({"metadata": {"a": "b"}}), "metadata"),
        (Q::NoServiceTier, json!({"service_tier": "flex"}), "service_tier"),
        (Q::NoCacheKey, json!({"prompt_cache_key": "k"}), "cache_key"),
    ] {
        becomes(quirk, given, json!({}), field);
    }
    refuses(Q::NoCandidates, json!({"n": 2}), "sampling.candidates");
    becomes(Q::NoCandidates, json!({"n": 1}), json!({}), "");
    refuses(Q::NoLogprobs, json!({"logprobs": true}), "logprobs");
    refuses(Q::NoStop, json!({"stop": "a"}), "sampling.stop");
    let user = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let image = user(json!({"type": "image_url", "image_url": {"url": "https://x.example/a"}}));
    refuses(Q::NoImageUrl, image, "turns[0].parts[0]");
    let audio =
        user(json!({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}));
    refuses(Q::NoAudio, audio, "turns[0].parts[0]");
    let pdf = user(
        json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}}),
    );
    refuses(Q::NoFiles, pdf.clone(), "turns[0].parts[0]");
    let document =
        user(json!({"type": "document_url", "document_url": "data:application/pdf;base64,AA",
        "document_name": "a.pdf"}));
    becomes(Q::DocumentUrl, pdf, document, "");
    let link = user(json!({"type": "file", "file": {"file_data": "https://x.example/a.pdf"}}));
    becomes(Q::FileUrl, link.clone(), link.clone(), "");
    refuses(Q::MaxTokens, link, "turns[0].parts[0]");
    let video = user(json!({"type": "video_url", "video_url": {"url": "https://x.example/a.mp4"}}));
    becomes(Q::Video, video.clone(), video.clone(), "");
    refuses(Q::MaxTokens, video, "turns[0].parts[0]");
    let named = json!({"messages": [{"role": "user", "content": "a", "name": "ann"}]});
    becomes(
        Q::NoSpeakerNames,
        named,
        json!({"messages": [{"role": "user", "content": "a"}]}),
        "turns[0].name",
    );
    let refusal = json!({"messages": [{"role": "assistant", "content": null, "refusal": "No."}]});
    becomes(
        Q::NoRefusals,
        refusal,
        json!({"messages": [{"role": "assistant", "content": "No."}]}),
        "turns[0].parts[0]",
    );
    let cached = json!({"messages": [{"role": "user", "content": [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}]});
    becomes(Q::CacheMarks, cached.clone(), cached.clone(), "");
    becomes(
        Q::MaxTokens,
        cached,
        json!({"messages": [{"role": "user", "content": "a"}]}),
        "turns[0].parts[0]",
    );
}

#[test]
fn tools_are_told_as_each_provider_takes_them() {
    use Quirk as Q;
    let tools = |choice: Value| json!({"tools": [tool("a"), tool("b")], "tool_choice": choice});
    let only = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto",
        "tools": [{"type": "function", "function": {"name": "b"}}]}});
    becomes(
        Q::NoAllowedTools,
        tools(only),
        json!({"tools": [tool("b")], "tool_choice": "auto"}),
        "tool_choice",
    );
    refuses(Q::NoForcedTool, tools("required".into()), "tool_choice");
    refuses(
        Q::NoForcedTool,
        tools(json!({"type": "function", "function": {"name": "a"}})),
        "tool_choice",
    );
    becomes(Q::NoForcedTool, tools("none".into()), json!({}), "tool_choice");
    let named = |name: &str| json!({"type": "function", "function": {"name": name}});
    becomes(
        Q::ChoiceWord,
        tools(named("b")),
        json!({"tools": [tool("b")], "tool_choice": "required"}),
        "tool_choice",
    );
    refuses(Q::ChoiceWord, tools(named("c")), "tool_choice");
    let custom = json!({"tools": [{"type": "custom", "custom": {"name": "c"}}]});
    refuses(Q::NoCustomTools, custom, "tools[0]");
    let mut strict = tool("a");
    strict["function"]["strict"] = true.into();
    becomes(
        Q::NoStrictTools,
        json!({"tools": [strict]}),
        json!({"tools": [tool("a")]}),
        "tools[0].strict",
    );
    let parallel = json!({"tools": [tool("a")], "parallel_tool_calls": false});
    becomes(Q::NoParallelSwitch, parallel, json!({"tools": [tool("a")]}), "parallel_tool_calls");
}

#[test]
fn a_schema_that_is_not_taken_is_told_in_words() {
    let schema =
        json!({"type": "json_schema", "json_schema": {"name": "w", "schema": {"type": "object"}}});
    let (sent, lost) =
        write(&ask(json!({"response_format": schema})), with(Quirk::NoSchema)).unwrap();
    assert_eq!(sent["response_format"], json!({"type": "json_object"}));
    assert_eq!(sent["messages"][0]["role"], "system");
    assert!(sent["messages"][0]["content"].as_str().unwrap().ends_with(r#"{"type":"object"}"#));
    assert_eq!(lost, "format");
}

#[test]
fn json_that_the_conversation_does_not_name_is_named_once() {
    let format = json!({"response_format": {"type": "json_object"}});
    let (sent, _) = write(&ask(format.clone()), Quirks::NONE).unwrap();
    assert_eq!(sent["messages"][0]["content"], "Answer with a JSON object.");
    let mut body = ask(format);
    body["messages"][0]["content"] = "Reply in Json.".into();
    assert_eq!(write(&body, Quirks::NONE).unwrap().0, body);
}

#[test]
fn strict_providers_get_no_field_that_they_refuse() {
    let everything = ask(json!({"temperature": 0.5, "seed": 1, "max_completion_tokens": 5,
        "reasoning_effort": "high", "user": "u", "metadata": {"a": "b"}, "service_tier": "auto",
        "prompt_cache_key": "k", "stream": true, "logit_bias": {"1": 1}}));
    let names = |provider: &str| {
        let (sent, _) = write(&everything, spoken_by(provider).unwrap().quirks).unwrap();
        sent.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        names("mistral"),
        [
            "model",
            "messages",
            "max_tokens",
            "temperature",
            "random_seed",
            "reasoning_effort",
            "stream"
        ]
    );
    assert_eq!(
        names("deepseek"),
        ["model", "messages", "max_tokens", "temperature", "thinking", "stream", "stream_options"]
    );
}
