//! What providers report beside their tokens of an answer, and what calls of several requests cost.

use super::support::{EMBED, MODEL, Stack, provider_with};
use super::upstream::{Reply, Upstream};
use contract::snapshot::{Auth, Dialect};
use contract::usage::Outcome;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

const JSON: &str = "application/json";

async fn stack_on(upstream: &Upstream, dialect: Dialect, model: &'static str) -> Stack {
    let base_url = upstream.base_url.clone();
    Stack::of(move |world| {
        let signed = dialect == Dialect::Bedrock;
        let credential = if signed { "AKIDSIM:secret" } else { "sk-sim" };
        let mut provider = provider_with(1, base_url, credential);
        provider.dialect = dialect;
        provider.auth = if signed { Auth::AwsSigv4 } else { Auth::Bearer };
        provider.settings.region = signed.then(|| "eu-central-1".to_owned());
        world.providers[0] = provider;
        world.deployments[0].upstream_model = model.to_owned();
        world.deployments[1].upstream_model = model.to_owned();
    })
    .await
}

/// Cohere embeds 96 texts at most: these are three requests.
fn many() -> Value {
    let texts: Vec<String> = (0..200).map(|n| format!("text {n}")).collect();
    json!({"model": EMBED, "input": texts})
}

fn embedded(texts: &[Value]) -> Reply {
    let vectors: Vec<_> = texts.iter().map(|_| [0.5, 0.25]).collect();
    let body = json!({"id": "e", "embeddings": {"float": vectors}, "texts": [],
        "meta": {"billed_units": {"input_tokens": texts.len()}}});
    (200, JSON, body.to_string().into_bytes())
}

#[tokio::test]
async fn only_the_batch_that_failed_is_asked_for_again() {
    let failed = AtomicUsize::new(0);
    let upstream = Upstream::start(move |seen| {
        let body = seen.json();
        let texts = body["texts"].as_array().unwrap();
        if texts[0] == "text 192" && failed.fetch_add(1, Ordering::SeqCst) == 0 {
            return (500, JSON, b"{}".to_vec());
        }
        embedded(texts)
    })
    .await;
    let stack = stack_on(&upstream, Dialect::Cohere, "embed-v4.0").await;
    let response = stack.post("/v1/embeddings").json(&many()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["data"].as_array().unwrap().len(), 200);
    let event = stack.event().await;
    assert_eq!((event.attempts, event.tokens.input, event.outcome), (2, 200, Outcome::Ok));
    assert_eq!(upstream.seen().len(), 4, "no batch is paid for twice");
}

#[tokio::test]
async fn a_call_that_fails_in_one_batch_costs_nothing_and_its_event_tells_what_was_spent() {
    let upstream = Upstream::start(|seen| {
        let body = seen.json();
        let texts = body["texts"].as_array().unwrap();
        if texts[0] == "text 192" { (400, JSON, b"{}".to_vec()) } else { embedded(texts) }
    })
    .await;
    let stack = stack_on(&upstream, Dialect::Cohere, "embed-v4.0").await;
    let response = stack.post("/v1/embeddings").json(&many()).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let event = stack.event().await;
    assert_eq!((event.outcome, event.cost_nanos.0), (Outcome::UpstreamError, 0));
    assert_eq!(event.tokens.input, 192, "two batches were answered");
}

#[tokio::test]
async fn tokens_that_bedrock_tells_in_a_header_are_read_there() {
    let body = br#"{"embeddings":{"float":[[0.5]]},"id":"x","texts":["one"]}"#;
    let upstream = Upstream::always(200, JSON, *body).await;
    let stack = stack_on(&upstream, Dialect::Bedrock, "cohere.embed-v4:0").await;
    let body = json!({"model": EMBED, "input": "one"});
    let response = stack.post("/v1/embeddings").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    let event = stack.event().await;
    assert_eq!((event.tokens.input, event.estimated), (super::upstream::BEDROCK_TOKENS, false));
}

#[tokio::test]
async fn searches_that_the_vendor_ran_reach_the_event_whole_and_streamed() {
    let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 2,
                  "server_tool_use": {"web_search_requests": 3}}});
    let upstream = Upstream::always(200, JSON, body.to_string()).await;
    let stack = stack_on(&upstream, Dialect::Anthropic, "m").await;
    let asked = json!({"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "web_search_20250305", "name": "web_search"}]});
    let response = stack.post("/v1/messages").json(&asked).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let event = stack.event().await;
    assert_eq!((event.units.searches, event.tokens.input, event.estimated), (3, 9, false));

    let chunk = r#"data: {"id":"c","model":"sonar","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}"#;
    let last = r#"data: {"id":"c","model":"sonar","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"num_search_queries":4}}"#;
    let stream = format!("{chunk}\n\n{last}\n\ndata: [DONE]\n\n");
    let upstream = Upstream::always(200, "text/event-stream", stream).await;
    let stack = stack_on(&upstream, Dialect::Openai, "sonar").await;
    for (n, path) in ["/v1/chat/completions", "/v1/messages"].into_iter().enumerate() {
        let asked = json!({"model": MODEL, "max_tokens": 9, "stream": true,
            "messages": [{"role": "user", "content": "Hi"}]});
        let response = stack.post(path).json(&asked).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.text().await.unwrap();
        let event = stack.events(n + 1).await.pop().unwrap();
        assert_eq!((event.units.searches, event.tokens.input), (4, 5), "{path}");
    }
}

#[tokio::test]
async fn a_file_of_the_shared_account_is_refused_before_anyone_is_asked() {
    let stack = Stack::start().await;
    let part = json!({"type": "file", "file": {"file_id": "file-of-another-tenant"}});
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": [part]}]});
    let response = stack.post("/v1/chat/completions").json(&body).send().await.unwrap();
    let (status, code, param) = super::support::error(response).await;
    assert_eq!((status, code.as_str()), (400, "request.malformed"));
    assert_eq!(param.as_deref(), Some("messages[0].content[0].file.file_id"));
    assert_eq!(stack.sim.stats().calls, 0);
}

/// An answer of OpenAI's that reports `usage`.
fn reporting(usage: &Value) -> Vec<u8> {
    json!({"id": "c", "object": "chat.completion", "model": "m", "usage": usage,
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "One and two and three and four."}}]})
    .to_string()
    .into_bytes()
}

#[tokio::test]
async fn no_report_of_a_provider_makes_a_call_free_or_absurdly_dear() {
    let most = i64::MAX;
    for (usage, input, output) in [
        (json!({"prompt_tokens": 9, "completion_tokens": 4}), 9..=9, 4..=4),
        (json!({"prompt_tokens": -5, "completion_tokens": 4}), 1..=40, 4..=4),
        (json!({"prompt_tokens": 9, "completion_tokens": -4}), 9..=9, 5..=40),
        (json!({"prompt_tokens": "many", "completion_tokens": 4}), 1..=40, 4..=4),
        (json!({"prompt_tokens": 0, "completion_tokens": 0}), 1..=40, 5..=40),
        (json!({"prompt_tokens": 9, "completion_tokens": most}), 9..=9, 4_096..=4_096),
        (json!({"prompt_tokens": most, "completion_tokens": 4}), 1..=200, 4..=4),
    ] {
        let upstream = Upstream::always(200, JSON, reporting(&usage)).await;
        let stack = stack_on(&upstream, Dialect::Openai, "m").await;
        assert_eq!(stack.chat("").await.status(), 200);
        let event = stack.event().await;
        assert!(input.contains(&event.tokens.input), "{usage}: {:?}", event.tokens);
        assert!(output.contains(&event.tokens.output), "{usage}: {:?}", event.tokens);
        let sound = usage["prompt_tokens"] == 9 && usage["completion_tokens"] == 4;
        assert_eq!((event.odd_usage, event.estimated), (!sound, !sound), "{usage}");
        assert_eq!(event.cost_nanos, super::support::rates().price(&event.used()), "{usage}");
    }
}

#[tokio::test]
async fn counts_that_fall_between_chunks_stay_at_their_highest_and_are_marked() {
    let chunk = |output: u64| {
        format!(
            "data: {{\"id\":\"c\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":\
             {{\"content\":\"Hi\"}},\"finish_reason\":null}}],\"usage\":{{\"prompt_tokens\":5,\
             \"completion_tokens\":{output}}}}}\n\n"
        )
    };
    for (counts, odd) in [([1, 2, 3], false), ([1, 9, 3], true), ([9, 3, 9], true)] {
        let stream = counts.map(chunk).concat() + "data: [DONE]\n\n";
        let upstream = Upstream::always(200, "text/event-stream", stream).await;
        let stack = stack_on(&upstream, Dialect::Openai, "m").await;
        stack.chat_stream("").await.text().await.unwrap();
        let event = stack.event().await;
        assert_eq!(event.tokens.output, counts.into_iter().max().unwrap(), "{counts:?}");
        assert_eq!((event.odd_usage, event.tokens.input), (odd, 5), "{counts:?}");
    }
}

#[tokio::test]
async fn what_a_provider_charged_for_an_attempt_that_failed_is_told_and_not_billed() {
    let tries = AtomicUsize::new(0);
    let usage = r#""usage":{"prompt_tokens":11,"completion_tokens":0}"#;
    let broken = format!(
        "data: {{\"id\":\"c\",\"model\":\"m\",\"choices\":[],{usage}}}\n\ndata: {{\"error\":{{\"message\":\"Oh\"}}}}\n\n"
    );
    let whole = "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n\
                 data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n\
                 data: [DONE]\n\n";
    let upstream = Upstream::start(move |_| {
        let nth = tries.fetch_add(1, Ordering::SeqCst);
        let body = if nth == 0 { broken.clone() } else { whole.to_owned() };
        (200, "text/event-stream", body.into_bytes())
    })
    .await;
    let stack = stack_on(&upstream, Dialect::Openai, "m").await;
    stack.chat_stream("").await.text().await.unwrap();
    let event = stack.event().await;
    let [failed] = &event.attempts_made[..] else { panic!("{event:?}") };
    assert_eq!((failed.tokens.input, failed.reported, failed.status), (11, true, 200));
    assert_eq!((event.attempts, event.tokens.input, event.tokens.output), (2, 5, 2));
    assert_eq!(event.cost_nanos, super::support::rates().price(&event.used()));
}
