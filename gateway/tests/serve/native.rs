//! Calls in a provider's own words, at its own paths: they pass, and are known, limited and metered
//! like the rest.

use crate::support::{CREDENTIAL, EMBED, MODEL, Stack, UPSTREAM_MODEL, deployment, provider_with};
use crate::upstream::Upstream;
use contract::snapshot::{Auth, Dialect, Metric, Window};
use contract::usage::{Operation, Outcome};
use dialect::eventstream;
use serde_json::{Value, json};

/// A gateway whose first provider, `far`, speaks `dialect` at `upstream`.
async fn stack_on(upstream: &Upstream, dialect: Dialect) -> Stack {
    let base_url = upstream.base_url.clone();
    Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        (provider.slug, provider.dialect) = ("far".into(), dialect);
        provider.auth = Auth::Bearer;
        world.providers[0] = provider;
    })
    .await
}

async fn call(stack: &Stack, path: &str, body: &Value) -> reqwest::Response {
    stack.post(path).json(body).send().await.unwrap()
}

const CHAT: &str = r#"{"id":"c","object":"chat.completion","model":"sim-chat","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11},"new_field":[1]}"#;

#[tokio::test]
async fn a_call_in_the_providers_own_words_passes_and_is_billed() {
    let upstream = Upstream::always(200, "application/json", CHAT).await;
    let stack = stack_on(&upstream, Dialect::Openai).await;
    // Under the provider's address or with it, by our name of the model or by the provider's.
    for (path, model) in [
        ("/native/far/chat/completions", UPSTREAM_MODEL),
        ("/native/far/v1/chat/completions?beta=true", MODEL),
    ] {
        let body = json!({"model": model, "vendor_field": {"x": 1.50}, "messages": []});
        let response = call(&stack, path, &body).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.text().await.unwrap(), CHAT);
        let sent = upstream.last();
        let asked = path.rsplit_once("chat/completions").unwrap().1;
        assert_eq!(sent.path, format!("/v1/chat/completions{asked}"));
        assert_eq!(sent.json()["model"], UPSTREAM_MODEL);
        assert_eq!(sent.json()["vendor_field"], json!({"x": 1.50}));
        assert_eq!(sent.header("authorization"), Some(&*format!("Bearer {CREDENTIAL}")));
    }
    for event in stack.events(2).await {
        assert_eq!((event.operation, event.outcome), (Operation::Chat, Outcome::Ok));
        assert_eq!((event.tokens.input, event.tokens.output, event.estimated), (9, 2, false));
        assert!(event.cost_nanos.0 > 0);
    }
}

#[tokio::test]
async fn a_model_in_the_path_is_called_as_the_provider_calls_it() {
    let answer = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hi"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1,"totalTokenCount":6}}"#;
    let upstream = Upstream::always(200, "application/json", answer).await;
    let stack = stack_on(&upstream, Dialect::Gemini).await;
    let path = "/native/far/v1/models/house%2Fchat:generateContent";
    let body = json!({"contents": [{"parts": [{"text": "Hello"}]}]});
    let key = &stack.world.key_text;
    let response = stack
        .client
        .post(stack.url(&format!("{path}?key={key}&x=1")))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(upstream.last().path, "/v1/models/sim-chat:generateContent?x=1");
    assert_eq!(upstream.last().json(), body);
    assert_eq!(stack.event().await.tokens.input, 5);
}

#[tokio::test]
async fn geminis_answers_pass_only_in_the_form_that_is_metered() {
    let stream = "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hi\"}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":1,\"totalTokenCount\":6}}\n\n";
    let upstream = Upstream::always(200, "text/event-stream", stream).await;
    let stack = stack_on(&upstream, Dialect::Gemini).await;
    let body = json!({"contents": [{"parts": [{"text": "Hello"}]}]});
    let at = |rest: &str| format!("/native/far/models/house%2Fchat:{rest}");
    for (path, named) in [
        ("streamGenerateContent", "alt"),
        ("streamGenerateContent?alt=json", "alt"),
        ("streamGenerateContent?alt=sse&fields=candidates", "fields"),
        ("streamGenerateContent?alt=sse&%24fields=candidates", "fields"),
        ("streamGenerateContent?alt=sse&%61lt=json", "alt"),
        ("generateContent?alt=sse", "alt"),
        ("generateContent?callback=f", "callback"),
    ] {
        let response = call(&stack, &at(path), &body).await;
        assert_eq!(response.status(), 400, "{path}");
        let told: Value = response.json().await.unwrap();
        assert!(told["error"]["message"].as_str().unwrap().contains(named), "{path}: {told}");
    }
    assert_eq!(upstream.seen().len(), 0, "a refused call costs nothing");
    let path = at("streamGenerateContent?alt=sse&%6Bey=stolen&x=1");
    let response = call(&stack, &path, &body).await;
    assert_eq!(response.text().await.unwrap(), stream);
    assert_eq!(upstream.last().path, "/v1/models/sim-chat:streamGenerateContent?alt=sse&x=1");
    assert_eq!(stack.event().await.tokens.output, 1);
}

#[tokio::test]
async fn only_conversations_are_streamed_whatever_their_bodies_say() {
    let answer = r#"{"object":"list","data":[{"embedding":[0.5]}],"usage":{"prompt_tokens":4,"total_tokens":4}}"#;
    let upstream = Upstream::always(200, "application/json", answer).await;
    let stack = stack_on(&upstream, Dialect::Openai).await;
    let body = json!({"model": EMBED, "input": "a", "stream": true});
    for path in ["/native/far/embeddings", "/v1/embeddings"] {
        let response = call(&stack, path, &body).await;
        assert_eq!(response.text().await.unwrap(), answer, "{path}");
    }
    assert_eq!(upstream.seen().len(), 2);
    for event in stack.events(2).await {
        assert_eq!((event.stream, event.tokens.input), (false, 4));
    }
}

#[tokio::test]
async fn a_path_and_a_body_that_disagree_about_streaming_are_refused() {
    let upstream = Upstream::always(200, "application/json", "{}").await;
    let stack = stack_on(&upstream, Dialect::Anthropic).await;
    for (path, stream) in [("rawPredict", true), ("streamRawPredict", false)] {
        let body = json!({"messages": [], "max_tokens": 5, "stream": stream});
        let path = format!("/native/far/publishers/anthropic/models/house%2Fchat:{path}");
        let response = call(&stack, &path, &body).await;
        assert_eq!(response.status(), 400, "{path}");
        let told: Value = response.json().await.unwrap();
        assert!(told["error"]["message"].as_str().unwrap().contains("stream"), "{told}");
    }
    assert_eq!(upstream.seen().len(), 0);
}

fn converse_stream(whole: bool) -> Vec<u8> {
    let mut events = vec![
        ("messageStart", json!({"role": "assistant"})),
        ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "Hi"}})),
    ];
    if whole {
        events.push(("contentBlockStop", json!({"contentBlockIndex": 0})));
        events.push(("messageStop", json!({"stopReason": "end_turn"})));
        let usage = json!({"inputTokens": 7, "outputTokens": 3, "totalTokens": 10});
        events.push(("metadata", json!({"usage": usage, "metrics": {"latencyMs": 1}})));
    }
    let write = |(name, payload): (&str, Value)| {
        eventstream::write_event(name, payload.to_string().as_bytes())
    };
    events.into_iter().flat_map(write).collect()
}

#[tokio::test]
async fn a_binary_stream_passes_byte_for_byte_and_is_metered() {
    let kind = "application/vnd.amazon.eventstream";
    let upstream = Upstream::always(200, kind, converse_stream(true)).await;
    let stack = stack_on(&upstream, Dialect::Bedrock).await;
    let body = json!({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]});
    let response = call(&stack, "/native/far/model/sim-chat/converse-stream", &body).await;
    assert_eq!(response.headers()["content-type"], kind);
    assert_eq!(response.bytes().await.unwrap(), converse_stream(true));
    assert_eq!(upstream.last().path, "/v1/model/sim-chat/converse-stream");
    assert_eq!(upstream.last().header("accept"), Some(kind));
    let event = stack.event().await;
    assert_eq!((event.stream, event.tokens.input, event.tokens.output), (true, 7, 3));
}

#[tokio::test]
async fn a_binary_stream_that_is_cut_ends_with_an_exception() {
    let kind = "application/vnd.amazon.eventstream";
    let upstream = Upstream::always(200, kind, converse_stream(false)).await;
    let stack = stack_on(&upstream, Dialect::Bedrock).await;
    let body = json!({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]});
    let response = call(&stack, "/native/far/model/sim-chat/converse-stream", &body).await;
    let bytes = response.bytes().await.unwrap();
    let last = bytes.strip_prefix(&converse_stream(false)[..]).expect("what came, passed");
    let last = eventstream::read(last).expect("a whole message");
    assert_eq!(last.kind, eventstream::Kind::Exception);
    assert_eq!(stack.event().await.outcome, Outcome::UpstreamCut);
}

#[tokio::test]
async fn lines_pass_as_they_come_and_stream_unless_that_is_declined() {
    let lines = concat!(
        r#"{"model":"sim-chat","message":{"role":"assistant","content":"Hi"},"done":false}"#,
        "\n",
        r#"{"model":"sim-chat","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":6,"eval_count":2}"#,
        "\n"
    );
    let upstream = Upstream::always(200, "application/x-ndjson", lines).await;
    let stack = stack_on(&upstream, Dialect::Ollama).await;
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]});
    let response = call(&stack, "/native/far/api/chat", &body).await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    assert_eq!(response.text().await.unwrap(), lines);
    let event = stack.event().await;
    assert_eq!((event.stream, event.tokens.input, event.tokens.output), (true, 6, 2));
}

#[tokio::test]
async fn answers_that_are_no_conversations_are_metered_by_what_they_tell() {
    let answer = r#"{"id":"e","embeddings":{"float":[[0.5]]},"texts":["a"],"meta":{"billed_units":{"input_tokens":4}}}"#;
    let upstream = Upstream::always(200, "application/json", answer).await;
    let stack = stack_on(&upstream, Dialect::Cohere).await;
    let body = json!({"model": EMBED, "texts": ["a"], "input_type": "search_query"});
    let response = call(&stack, "/native/far/embed", &body).await;
    assert_eq!(response.text().await.unwrap(), answer);
    assert_eq!(upstream.last().json()["model"], "sim-embed");
    let event = stack.event().await;
    assert_eq!((event.operation, event.tokens.input), (Operation::Embeddings, 4));
    assert!(!event.estimated);
}

#[tokio::test]
async fn a_call_of_watsonx_is_booked_on_the_providers_project() {
    let upstream = Upstream::always(200, "application/json", CHAT).await;
    let base_url = upstream.base_url.trim_end_matches("/v1").to_owned();
    let stack = Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        (provider.slug, provider.dialect) = ("far".into(), Dialect::Watsonx);
        provider.settings.project = Some("ours".into());
        provider.settings.api_version = Some("2024-10-08".into());
        world.providers[0] = provider;
    })
    .await;
    let body = json!({"model_id": MODEL, "project_id": "theirs", "messages": []});
    let path = "/native/far/ml/v1/text/chat?version=2020-01-01";
    assert_eq!(call(&stack, path, &body).await.status(), 200);
    let sent = upstream.last();
    assert_eq!(sent.path, "/ml/v1/text/chat?version=2024-10-08");
    let expected = json!({"model_id": UPSTREAM_MODEL, "project_id": "ours", "messages": []});
    assert_eq!(sent.json(), expected);
    assert_eq!(stack.event().await.tokens.output, 2);
}

#[tokio::test]
async fn only_calls_pass_whose_cost_is_known_and_that_keep_nothing() {
    let upstream = Upstream::always(200, "application/json", CHAT).await;
    let stack = stack_on(&upstream, Dialect::Openai).await;
    let body = json!({"model": MODEL, "messages": []});
    for (path, code) in [
        ("/native/far/files", "route.unknown"),
        ("/native/far/v1/fine_tuning/jobs", "route.unknown"),
        ("/native/far/batches", "route.unknown"),
        ("/native/far/../files/chat/completions", "route.unknown"),
        ("/native/far/%2e%2e/chat/completions", "route.unknown"),
        ("/native/far/messages", "route.unknown"),
        ("/native/near/chat/completions", "route.unknown"),
        ("/native/far", "route.unknown"),
    ] {
        let response = call(&stack, path, &body).await;
        assert_eq!(response.headers()["x-tollgate-error-code"], code, "{path}");
        assert_eq!(response.status(), 404, "{path}");
    }
    let kept = json!({"model": MODEL, "previous_response_id": "resp_1", "input": "Hello"});
    let base_url = upstream.base_url.clone();
    let responses = Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        (provider.slug, provider.also) = ("far".into(), vec![Dialect::Responses]);
        world.providers[0] = provider;
    })
    .await;
    let response = call(&responses, "/native/far/responses", &kept).await;
    assert_eq!(response.headers()["x-tollgate-error-code"], "request.malformed");
    assert_eq!(upstream.seen().len(), 0, "nothing of that reached the provider");
}

#[tokio::test]
async fn keys_subscriptions_and_limits_count_as_everywhere() {
    let upstream = Upstream::always(200, "application/json", CHAT).await;
    let base_url = upstream.base_url.clone();
    let stack = Stack::of(move |world| {
        let mut far = provider_with(3, base_url, CREDENTIAL);
        far.slug = "far".into();
        world.providers.push(far);
        // A model that no product of the app has.
        let mut hidden = world.models[0].clone();
        hidden.id = contract::id::ModelId::new(crate::support::at(), &[9; 10]);
        hidden.name = "house/hidden".into();
        let mut there = deployment(9, 1, 3, "hidden-up");
        there.model_id = hidden.id;
        world.models.push(hidden);
        world.deployments.push(there);
        world.deployments.push(deployment(8, 1, 3, "chat-up"));
        world.limit(Metric::Requests, Window::Day, 1);
    })
    .await;
    let url = stack.url("/native/far/chat/completions");
    let body = |model: &str| json!({"model": model, "messages": []});
    let code = |response: &reqwest::Response| {
        response.headers()["x-tollgate-error-code"].to_str().unwrap().to_owned()
    };
    let response = stack.client.post(&url).json(&body("chat-up")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), code(&response)), (401, "key.missing".into()));
    for (model, expected) in [
        ("nobody", "model.unknown"),
        // It runs elsewhere.
        (EMBED, "model.unknown"),
        ("house/hidden", "subscription.missing"),
        ("hidden-up", "subscription.missing"),
    ] {
        let response = call(&stack, "/native/far/chat/completions", &body(model)).await;
        assert_eq!(code(&response), expected, "{model}");
    }
    let response = call(&stack, "/native/far/chat/completions", &body("chat-up")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(upstream.last().json()["model"], "chat-up");
    let response = call(&stack, "/native/far/chat/completions", &body("chat-up")).await;
    assert_eq!(response.status(), 429);
}
