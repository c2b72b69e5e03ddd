//! Callers and providers that speak different dialects, and callers of other dialects than OpenAI's.

use crate::support::{CREDENTIAL, MODEL, Stack, UPSTREAM_MODEL, chat, provider_with};
use crate::upstream::Upstream;
use contract::money::Nanos;
use contract::snapshot::{Auth, Dialect};
use contract::usage::{Operation, Outcome};
use serde_json::{Value, json};

const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"sim-chat","content":[{"type":"text","text":"Hello there"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":11,"cache_read_input_tokens":2,"cache_creation_input_tokens":0,"output_tokens":7}}"#;
const STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"sim-chat\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":11,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" there\"}}\n\n";
const STREAM_END: &str = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn messages(said: &str) -> Value {
    json!({
        "model": MODEL, "max_tokens": 100, "system": "You are terse.",
        "messages": [{"role": "user", "content": said}],
    })
}

/// A call as Anthropic's SDK makes it.
async fn call_messages(stack: &Stack, body: &Value) -> reqwest::Response {
    stack
        .client
        .post(stack.url("/v1/messages"))
        .header("x-api-key", &stack.world.key_text)
        .header("anthropic-version", "2023-06-01")
        .header("anthropic-beta", "some-beta")
        .json(body)
        .send()
        .await
        .unwrap()
}

/// A gateway whose only provider speaks `dialect`.
async fn stack_on(upstream: &Upstream, dialect: Dialect, auth: Auth) -> Stack {
    let base_url = upstream.base_url.clone();
    Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        (provider.dialect, provider.auth) = (dialect, auth);
        world.providers[0] = provider;
    })
    .await
}

/// The events of a stream: name and data.
fn events(text: &str) -> Vec<(String, Value)> {
    let event = |event: &str| {
        let line = |name: &str| {
            let found = event.lines().find_map(|line| line.strip_prefix(name));
            found.unwrap_or_default().trim().to_owned()
        };
        let data = line("data:");
        (line("event:"), serde_json::from_str(&data).unwrap_or(Value::String(data)))
    };
    text.split("\n\n").filter(|text| !text.is_empty()).map(event).collect()
}

#[tokio::test]
async fn an_anthropic_caller_reaches_an_openai_provider_and_is_metered() {
    let stack = Stack::start().await;
    let response =
        call_messages(&stack, &messages("Hello [[sim tokens=10 cached_tokens=2]]")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let answer: Value = response.json().await.unwrap();
    assert_eq!((&answer["type"], &answer["role"]), (&json!("message"), &json!("assistant")));
    assert_eq!(answer["content"][0]["type"], "text");
    assert_eq!(
        (&answer["usage"]["output_tokens"], &answer["stop_reason"]),
        (&json!(10), &json!("end_turn"))
    );

    let sent: Value = serde_json::from_slice(&stack.sim.last().body).unwrap();
    assert_eq!(sent["model"], UPSTREAM_MODEL);
    assert_eq!(sent["messages"][0]["content"], "You are terse.");
    assert!(
        stack.sim.last().headers.get("anthropic-beta").is_none(),
        "only its own dialect has it"
    );
    let event = stack.event().await;
    assert_eq!(event.request_id.to_string(), id);
    assert_eq!((event.tokens.output, event.tokens.cached_input, event.estimated), (10, 2, false));
    assert_eq!(event.outcome, Outcome::Ok);
}

#[tokio::test]
async fn an_anthropic_caller_streams_from_an_openai_provider_in_the_order_its_sdk_needs() {
    let stack = Stack::start().await;
    let mut body = messages("Hello [[sim tokens=10]]");
    body["stream"] = true.into();
    let response = call_messages(&stack, &body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let events = events(&response.text().await.unwrap());
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    assert_eq!(
        names,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    let told = events.iter().find(|(name, _)| name == "message_delta").unwrap();
    assert_eq!(told.1["usage"]["output_tokens"], 10);
    let event = stack.event().await;
    assert_eq!((event.tokens.output, event.stream, event.estimated), (10, true, false));
    assert!(event.first_token_ms.is_some());
}

#[tokio::test]
async fn a_translated_stream_that_is_cut_ends_with_the_callers_error_event() {
    let upstream = Upstream::always(200, "text/event-stream", STREAM).await;
    let stack = stack_on(&upstream, Dialect::Anthropic, Auth::XApiKey).await;
    let text = stack.chat_stream("").await.text().await.unwrap();
    assert!(text.contains("Hello") && !text.contains("[DONE]"), "{text}");
    let events = events(&text);
    assert_eq!(events.last().unwrap().1["error"]["code"], "upstream.cut");
    let event = stack.event().await;
    assert_eq!(
        (event.outcome, event.error_code.as_deref()),
        (Outcome::UpstreamCut, Some("upstream.cut"))
    );
}

#[tokio::test]
async fn an_openai_stream_that_is_cut_ends_an_anthropic_callers_with_its_error_event() {
    let stack = Stack::start().await;
    let mut body = messages("Hello [[sim tokens=10 cut_after=4]]");
    body["stream"] = true.into();
    let text = call_messages(&stack, &body).await.text().await.unwrap();
    let events = events(&text);
    assert!(!events.iter().any(|(name, _)| name == "message_stop"), "{text}");
    let (name, last) = events.last().unwrap();
    assert_eq!((name.as_str(), &last["type"]), ("error", &json!("error")));
}

#[tokio::test]
async fn an_openai_caller_reaches_an_anthropic_provider() {
    let upstream = Upstream::always(200, "application/json", ANSWER).await;
    let stack = stack_on(&upstream, Dialect::Anthropic, Auth::XApiKey).await;
    let mut body = chat("");
    body["seed"] = 7.into();
    let response = stack.post("/v1/chat/completions").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let dropped = response.headers()["x-tollgate-dropped"].to_str().unwrap().to_owned();
    assert!(dropped.contains("seed"), "{dropped}");
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello there");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["usage"]["prompt_tokens"], 13);

    let seen = upstream.last();
    assert_eq!(seen.path, "/v1/messages");
    assert_eq!(seen.header("x-api-key"), Some(CREDENTIAL));
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(seen.json()["model"], UPSTREAM_MODEL);
    assert_eq!(seen.json()["max_tokens"], 4_096, "it demands a bound: the model's own");
    let event = stack.event().await;
    assert_eq!((event.tokens.input, event.tokens.cached_input, event.tokens.output), (11, 2, 7));
}

#[tokio::test]
async fn an_openai_caller_streams_from_an_anthropic_provider() {
    let upstream = Upstream::always(200, "text/event-stream", [STREAM, STREAM_END].concat()).await;
    let stack = stack_on(&upstream, Dialect::Anthropic, Auth::XApiKey).await;
    let text = stack.chat_stream("").await.text().await.unwrap();
    let events = events(&text);
    assert_eq!(events.last().unwrap().1, Value::from("[DONE]"));
    let said: String = events
        .iter()
        .filter_map(|(_, chunk)| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(said, "Hello there");
    assert!(!events.iter().any(|(_, chunk)| chunk["usage"].is_object()), "nobody asked for usage");
    let event = stack.event().await;
    assert_eq!((event.tokens.input, event.tokens.output, event.estimated), (11, 7, false));
}

#[tokio::test]
async fn an_anthropic_caller_of_an_anthropic_provider_passes_byte_for_byte() {
    let upstream = Upstream::always(200, "application/json", ANSWER).await;
    let stack = stack_on(&upstream, Dialect::Anthropic, Auth::XApiKey).await;
    let mut body = messages("Hi");
    body["newer_than_us"] = json!({"x": [1.50, null]});
    let response = call_messages(&stack, &body).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().get("x-tollgate-dropped").is_none());
    assert_eq!(response.text().await.unwrap(), ANSWER);
    let seen = upstream.last();
    let sent = body.to_string().replace(MODEL, UPSTREAM_MODEL);
    assert_eq!(String::from_utf8(seen.body.to_vec()).unwrap(), sent);
    assert_eq!(seen.header("anthropic-beta"), Some("some-beta"));
    assert_eq!(stack.event().await.tokens.output, 7);
}

#[tokio::test]
async fn an_anthropic_stream_passes_byte_for_byte() {
    let whole = [STREAM, STREAM_END].concat();
    let upstream = Upstream::always(200, "text/event-stream", whole.clone()).await;
    let stack = stack_on(&upstream, Dialect::Anthropic, Auth::XApiKey).await;
    let mut body = messages("Hi");
    body["stream"] = true.into();
    assert_eq!(call_messages(&stack, &body).await.text().await.unwrap(), whole);
    let event = stack.event().await;
    assert_eq!((event.tokens.input, event.tokens.output, event.outcome), (11, 7, Outcome::Ok));
}

#[tokio::test]
async fn a_provider_that_serves_the_callers_dialect_too_is_spoken_to_in_it() {
    let upstream = Upstream::always(200, "application/json", ANSWER).await;
    let base_url = upstream.base_url.clone();
    let stack = Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        provider.also = vec![Dialect::Anthropic];
        world.providers[0] = provider;
    })
    .await;
    assert_eq!(call_messages(&stack, &messages("Hi")).await.text().await.unwrap(), ANSWER);
    assert_eq!(upstream.last().path, "/v1/messages");
}

#[tokio::test]
async fn a_refusal_has_the_shape_of_the_callers_dialect() {
    let stack = Stack::start().await;
    let refused = stack.client.post(stack.url("/v1/messages")).body("{}").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(
        (&body["type"], &body["error"]["type"]),
        (&json!("error"), &json!("authentication_error"))
    );
    let mut unknown = messages("Hi");
    unknown["model"] = "nothing".into();
    let refused = call_messages(&stack, &unknown).await;
    assert_eq!(refused.status(), 404);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["type"], "not_found_error");
}

#[tokio::test]
async fn a_field_that_cannot_be_read_or_told_is_named() {
    let stack = Stack::start().await;
    let mut wrong = messages("Hi");
    wrong["messages"][0]["content"] = json!([{"type": "text", "text": 5}]);
    let refused = call_messages(&stack, &wrong).await;
    assert_eq!(refused.status(), 400);
    let text = refused.text().await.unwrap();
    assert!(text.contains("messages[0].content[0].text"), "{text}");
    assert_eq!(stack.sim.stats().calls, 0);
}

#[tokio::test]
async fn a_providers_refusal_keeps_its_sentence_in_the_callers_shape() {
    let said = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 250000 tokens > 200000 maximum"}}"#;
    let upstream = Upstream::always(400, "application/json", said).await;
    let stack = stack_on(&upstream, Dialect::Anthropic, Auth::XApiKey).await;
    let response = stack.chat("").await;
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "upstream.context_full");
    assert!(body["error"]["message"].as_str().unwrap().contains("250000"), "{body}");
}

#[tokio::test]
async fn an_overloaded_provider_of_another_dialect_is_tried_again_and_then_an_error() {
    let said = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let upstream = Upstream::always(529, "application/json", said).await;
    let stack = stack_on(&upstream, Dialect::Anthropic, Auth::XApiKey).await;
    let response = stack.chat("").await;
    assert_eq!(response.status(), 502);
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn tokens_are_counted_by_a_provider_that_can_and_else_here_and_cost_nothing() {
    let upstream = Upstream::always(200, "application/json", r#"{"input_tokens":42}"#).await;
    let stack = stack_on(&upstream, Dialect::Anthropic, Auth::XApiKey).await;
    let count = |stack: &Stack| {
        let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "One two"}]});
        stack.post("/v1/messages/count_tokens").json(&body).send()
    };
    let counted: Value = count(&stack).await.unwrap().json().await.unwrap();
    assert_eq!(counted["input_tokens"], 42);
    assert_eq!(upstream.last().path, "/v1/messages/count_tokens");
    assert_eq!(upstream.last().json()["model"], UPSTREAM_MODEL);
    let event = stack.event().await;
    assert_eq!((event.operation, event.cost_nanos), (Operation::CountTokens, Nanos::ZERO));

    let stack = Stack::start().await;
    let counted: Value = count(&stack).await.unwrap().json().await.unwrap();
    assert!(counted["input_tokens"].as_u64().unwrap() > 0, "{counted}");
    assert_eq!(stack.sim.stats().calls, 0);
}

#[tokio::test]
async fn a_gemini_caller_may_send_its_key_in_the_query_and_is_refused_in_its_own_shape() {
    let stack = Stack::start().await;
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]});
    let call = |path: String| stack.client.post(stack.url(&path)).json(&body).send();
    let path = format!("/v1beta/models/{MODEL}:generateContent");
    let answered = call(format!("{path}?key={}", stack.world.key_text)).await.unwrap();
    assert_eq!(answered.status(), 200);
    let refused = call(path.clone()).await.unwrap();
    assert_eq!(refused.status(), 401);
    let error: Value = refused.json().await.unwrap();
    assert_eq!(
        (&error["error"]["code"], &error["error"]["status"]),
        (&json!(401), &json!("UNAUTHENTICATED"))
    );
    let named = stack.client.post(stack.url(&path)).header("x-goog-api-key", &stack.world.key_text);
    assert_eq!(named.json(&body).send().await.unwrap().status(), 200);
    let count = format!("/v1beta/models/{MODEL}:countTokens");
    let counted: Value = stack.post(&count).json(&body).send().await.unwrap().json().await.unwrap();
    assert!(counted["totalTokens"].as_u64().unwrap() > 0, "{counted}");
}

#[tokio::test]
async fn a_call_that_rests_on_an_answer_stored_at_the_provider_is_refused_by_name() {
    let upstream = Upstream::always(200, "application/json", "{}").await;
    let stack = stack_on(&upstream, Dialect::Responses, Auth::Bearer).await;
    let body = json!({"model": MODEL, "input": "Hi", "previous_response_id": "resp_1"});
    let response = stack.post("/v1/responses").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let told: Value = response.json().await.unwrap();
    assert_eq!(told["error"]["param"], "previous_response_id");
    assert!(upstream.seen().is_empty(), "the provider hears nothing of it");
}

#[tokio::test]
async fn a_signature_of_another_provider_does_not_pass_to_a_vendor_that_would_refuse_it() {
    let upstream = Upstream::always(200, "application/json", ANSWER).await;
    let stack = stack_on(&upstream, Dialect::Anthropic, Auth::XApiKey).await;
    let mut body = messages("Hello");
    let thought =
        json!({"type": "thinking", "thinking": "Hm.", "signature": "tollgate.gemini.abc"});
    let said = json!([thought, {"type": "text", "text": "Hi."}]);
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(json!({"role": "assistant", "content": said}));
    turns.push(json!({"role": "user", "content": "Again"}));
    let response = call_messages(&stack, &body).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-tollgate-dropped"), "{:?}", response.headers());
    let sent = upstream.last().json().to_string();
    assert!(!sent.contains("tollgate.gemini") && sent.contains("Again"), "{sent}");
}

#[tokio::test]
async fn an_older_completion_passes_to_openais_kin_and_is_told_to_nobody_else() {
    let answer = r#"{"choices":[{"index":0,"text":" world","finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    let body = json!({"model": MODEL, "prompt": "Hello"});
    let upstream = Upstream::always(200, "application/json", answer).await;
    let stack = stack_on(&upstream, Dialect::Openai, Auth::Bearer).await;
    let response = stack.post("/v1/completions").json(&body).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), answer);
    assert_eq!(upstream.last().path, "/v1/completions");
    assert_eq!(stack.event().await.tokens.output, 1);
    let stack = stack_on(&upstream, Dialect::Anthropic, Auth::XApiKey).await;
    let refused = stack.post("/v1/completions").json(&body).send().await.unwrap();
    assert_eq!(refused.headers()["x-tollgate-error-code"], "model.operation");
}

#[tokio::test]
async fn models_are_listed_in_the_callers_dialect() {
    let stack = Stack::start().await;
    let list = |path: &'static str, anthropic: bool| {
        let request = stack.get(path);
        let request =
            if anthropic { request.header("anthropic-version", "2023-06-01") } else { request };
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    assert_eq!(list("/v1/models", false).await["object"], "list");
    let anthropic = list("/v1/models", true).await;
    assert_eq!(
        (&anthropic["data"][0]["type"], &anthropic["has_more"]),
        (&json!("model"), &json!(false))
    );
    assert_eq!(list("/anthropic/v1/models/house/chat", false).await["id"], MODEL);
    let gemini = list("/v1beta/models", false).await;
    let names: Vec<_> = gemini["models"].as_array().unwrap().iter().map(|m| &m["name"]).collect();
    assert!(names.contains(&&json!(format!("models/{MODEL}"))), "{gemini}");
    let one = list("/v1beta/models/house/chat", false).await;
    assert_eq!(one["outputTokenLimit"], 4_096);
    let refused =
        call_messages(&stack, &json!({"model": "nothing", "max_tokens": 1, "messages": []})).await;
    assert!(refused.headers().contains_key("request-id"), "as the SDK reads it");
}

#[tokio::test]
async fn azure_is_called_by_deployment_with_its_version_in_the_query() {
    let upstream = Upstream::always(200, "application/json", r#"{"choices":[]}"#).await;
    let base_url = upstream.base_url.replace("/v1", "/openai");
    let stack = Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        provider.auth = Auth::ApiKey;
        provider.settings.api_version = Some("2024-10-21".to_owned());
        world.providers[0] = provider;
    })
    .await;
    assert_eq!(stack.chat("").await.status(), 200);
    let seen = upstream.last();
    let path = format!("/openai/deployments/{UPSTREAM_MODEL}/chat/completions");
    assert_eq!(seen.path, format!("{path}?api-version=2024-10-21"));
    assert_eq!(seen.header("api-key"), Some(CREDENTIAL));
}

#[tokio::test]
async fn a_vendor_that_refuses_stream_options_is_not_asked_for_usage() {
    let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n";
    let upstream = Upstream::always(200, "text/event-stream", stream).await;
    let base_url = upstream.base_url.clone();
    let stack = Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        provider.settings.vendor = Some("mistral".to_owned());
        world.providers[0] = provider;
    })
    .await;
    assert_eq!(stack.chat_stream("").await.text().await.unwrap(), stream);
    assert!(upstream.last().json().get("stream_options").is_none());
    assert_eq!(stack.event().await.tokens.output, 1);
}

#[tokio::test]
async fn several_answers_are_refused_where_the_server_counts_one_of_them() {
    let upstream = Upstream::always(200, "application/json", "{\"choices\":[]}").await;
    let base_url = upstream.base_url.clone();
    let stack = Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        provider.settings.vendor = Some("llama_cpp".to_owned());
        world.providers[0] = provider;
    })
    .await;
    let mut call = chat("");
    for (field, several) in
        [("n", json!(2)), ("n", json!(2.0)), ("n_cmpl", json!(2)), ("prompt", json!(["a", "b"]))]
    {
        let mut body = call.clone();
        body[field] = several;
        let answer = stack.post("/v1/chat/completions").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
        let error: Value = answer.json().await.unwrap();
        assert_eq!(error["error"]["param"], "n", "{body}");
    }
    call["n"] = 1.into();
    let answer = stack.post("/v1/chat/completions").json(&call).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(upstream.last().json()["n"], 1);
}
