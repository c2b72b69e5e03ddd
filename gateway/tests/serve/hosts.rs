//! Models of one vendor that another serves: Claude through Bedrock's invoke, and Vertex AI's
//! embeddings and rankings.

use crate::support::{EMBED, MODEL, Stack, UPSTREAM_MODEL, chat, provider_with};
use crate::upstream::Upstream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::snapshot::{Auth, Dialect, Modality};
use contract::usage::{Operation, Outcome};
use dialect::eventstream;
use serde_json::{Value, json};

const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Hello there"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":11,"output_tokens":7}}"#;
const EVENTS: [&str; 6] = [
    r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":11,"output_tokens":1}}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello there"}}"#,
    r#"{"type":"content_block_stop","index":0}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}}"#,
    r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":11}}"#,
];

/// Events as Bedrock frames them.
fn framed(events: &[&str]) -> Vec<u8> {
    let frame = |event: &&str| {
        let payload = json!({"bytes": STANDARD.encode(event), "p": "abcd"}).to_string();
        eventstream::write_event("chunk", payload.as_bytes())
    };
    events.iter().flat_map(frame).collect()
}

/// A gateway whose provider is Claude on Bedrock.
async fn on_bedrock(upstream: &Upstream) -> Stack {
    let base_url = upstream.base_url.trim_end_matches("/v1").to_owned();
    Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, "AKIDTEST:secret");
        (provider.dialect, provider.auth) = (Dialect::Anthropic, Auth::AwsSigv4);
        provider.settings.region = Some("eu-central-1".to_owned());
        world.providers[0] = provider;
    })
    .await
}

fn messages(stream: bool) -> Value {
    json!({"model": MODEL, "max_tokens": 50, "stream": stream,
        "messages": [{"role": "user", "content": "Hello"}]})
}

#[tokio::test]
async fn claude_on_bedrock_answers_every_caller_and_is_asked_in_its_envelope() {
    let upstream = Upstream::always(200, "application/json", ANSWER).await;
    let stack = on_bedrock(&upstream).await;
    let own = stack.post("/v1/messages").json(&messages(false)).send().await.unwrap();
    assert_eq!(own.text().await.unwrap(), ANSWER, "its own dialect passes");
    let other: Value = stack.chat("").await.json().await.unwrap();
    assert_eq!(other["choices"][0]["message"]["content"], "Hello there");
    for seen in upstream.seen() {
        assert_eq!(seen.path, format!("/model/{UPSTREAM_MODEL}/invoke"));
        let sent = seen.json();
        assert_eq!(sent["anthropic_version"], "bedrock-2023-05-31");
        assert!(sent.get("model").is_none() && sent.get("stream").is_none(), "{sent}");
        let signed = seen.header("authorization").unwrap();
        let scope = "AWS4-HMAC-SHA256 Credential=AKIDTEST/";
        assert!(signed.starts_with(scope), "{signed}");
        assert!(signed.contains("/eu-central-1/bedrock/aws4_request, "), "{signed}");
        assert!(seen.header("x-amz-date").is_some());
    }
    for event in stack.events(2).await {
        assert_eq!((event.tokens.input, event.tokens.output, event.estimated), (11, 7, false));
    }
}

#[tokio::test]
async fn claude_on_bedrock_streams_to_every_caller_out_of_its_frames() {
    let kind = "application/vnd.amazon.eventstream";
    let upstream = Upstream::always(200, kind, framed(&EVENTS)).await;
    let stack = on_bedrock(&upstream).await;
    let own = stack.post("/v1/messages").json(&messages(true)).send().await.unwrap();
    assert_eq!(own.headers()["content-type"], "text/event-stream");
    let text = own.text().await.unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!((names.first(), names.last()), (Some(&"message_start"), Some(&"message_stop")));
    assert!(text.contains("Hello there"), "{text}");
    let seen = upstream.last();
    assert_eq!(seen.path, format!("/model/{UPSTREAM_MODEL}/invoke-with-response-stream"));
    assert_eq!(seen.header("accept"), Some(kind));

    let text = stack.chat_stream("").await.text().await.unwrap();
    assert!(text.contains("Hello there") && text.ends_with("data: [DONE]\n\n"), "{text}");
    for event in stack.events(2).await {
        assert_eq!((event.tokens.input, event.tokens.output), (11, 7));
        assert_eq!((event.outcome, event.stream), (Outcome::Ok, true));
    }
}

#[tokio::test]
async fn a_stream_of_claude_on_bedrock_that_ends_early_or_is_damaged_never_looks_whole() {
    let mut damaged = framed(&EVENTS);
    let at = framed(&EVENTS[..3]).len() + 40;
    damaged[at] ^= 0x20;
    for (body, code) in [(framed(&EVENTS[..4]), "upstream.cut"), (damaged, "upstream.")] {
        let kind = "application/vnd.amazon.eventstream";
        let upstream = Upstream::always(200, kind, body).await;
        let stack = on_bedrock(&upstream).await;
        let response = stack.post("/v1/messages").json(&messages(true)).send().await.unwrap();
        let text = response.text().await.unwrap();
        assert!(!text.contains("message_stop") && text.contains(code), "{text}");
    }
}

#[tokio::test]
async fn bedrocks_refusal_of_claude_keeps_its_sentence_and_ours_stays_ours() {
    for (status, message, code) in [
        (400, "messages: at least one message is required", "upstream.refused"),
        (403, "The security token included in the request is invalid.", "upstream.auth"),
        (429, "Too many tokens, please wait before trying again.", "upstream.rate_limited"),
    ] {
        let words = json!({"message": message}).to_string();
        let upstream = Upstream::always(status, "application/json", words).await;
        let stack = on_bedrock(&upstream).await;
        let response = stack.post("/v1/chat/completions").json(&chat("")).send().await.unwrap();
        assert_eq!(response.headers()["x-tollgate-error-code"], code, "{message}");
        let told = response.text().await.unwrap();
        assert_eq!(told.contains(message), status == 400, "{told}");
    }
}

/// Made for these tests, used nowhere else.
const KEY: &str = include_str!("service_account_test_key.pem");

/// A gateway whose provider is Vertex AI in Gemini's dialect, with its tokens.
async fn on_vertex(upstream: &Upstream, tokens: &Upstream, modality: Modality) -> Stack {
    let (base_url, token_url) = (upstream.base_url.clone(), tokens.base_url.clone());
    Stack::of(move |world| {
        let key = json!({"client_email": "robot@project.example", "private_key": KEY});
        let mut provider = provider_with(1, base_url, &key.to_string());
        (provider.dialect, provider.auth) = (Dialect::Gemini, Auth::GoogleServiceAccount);
        provider.settings.token_url = Some(token_url);
        world.providers[0] = provider;
        world.models[1].modality = modality;
    })
    .await
}

async fn tokens() -> Upstream {
    let given = json!({"access_token": "ya29.token", "expires_in": 3600}).to_string();
    Upstream::always(200, "application/json", given).await
}

#[tokio::test]
async fn vertex_embeds_by_prediction_in_one_call() {
    let prediction = |values: &[f64], tokens: f64| json!({"embeddings": {"values": values, "statistics": {"token_count": tokens}}});
    let answer =
        json!({"predictions": [prediction(&[0.5, 1.0], 2.0), prediction(&[2.0, 3.0], 3.0)]});
    let upstream = Upstream::always(200, "application/json", answer.to_string()).await;
    let stack = on_vertex(&upstream, &tokens().await, Modality::Embedding).await;
    let body = json!({"model": EMBED, "input": ["a", "b"], "dimensions": 2});
    let response = stack.post("/v1/embeddings").json(&body).send().await.unwrap();
    let status = response.status();
    let told: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["data"][1]["embedding"], json!([2.0, 3.0]));
    assert_eq!(told["usage"]["prompt_tokens"], 5);
    let [seen] = upstream.seen().try_into().unwrap();
    assert!(seen.path.ends_with("/models/sim-embed:predict"), "{}", seen.path);
    assert_eq!(seen.header("authorization"), Some("Bearer ya29.token"));
    let sent = seen.json();
    assert_eq!(sent["instances"], json!([{"content": "a"}, {"content": "b"}]));
    assert_eq!(sent["parameters"]["outputDimensionality"], 2);
    let event = stack.event().await;
    assert_eq!((event.operation, event.tokens.input), (Operation::Embeddings, 5));
    assert!(!event.estimated);
}

#[tokio::test]
async fn vertex_ranks_by_record_and_the_best_comes_first() {
    let answer = json!({"records": [{"id": "1", "score": 0.9}, {"id": "0", "score": 0.1}]});
    let upstream = Upstream::always(200, "application/json", answer.to_string()).await;
    let stack = on_vertex(&upstream, &tokens().await, Modality::Rerank).await;
    let body = json!({"model": EMBED, "query": "Where is Oslo?", "top_n": 1,
        "documents": ["Paris is in France.", "Oslo is in Norway."]});
    for path in ["/v1/rerank", "/v2/rerank"] {
        let response = stack.post(path).json(&body).send().await.unwrap();
        let status = response.status();
        let told: Value = response.json().await.unwrap();
        assert_eq!(status, 200, "{told}");
        assert_eq!(told["results"].as_array().unwrap().len(), 1, "{told}");
        assert_eq!(told["results"][0]["index"], 1, "{told}");
    }
    let seen = upstream.last();
    let path = "/rankingConfigs/default_ranking_config:rank";
    assert!(seen.path.ends_with(path), "{}", seen.path);
    assert_eq!(seen.header("authorization"), Some("Bearer ya29.token"));
    let sent = seen.json();
    assert_eq!((&sent["model"], &sent["topN"]), (&json!("sim-embed"), &json!(1)));
    assert_eq!(sent["records"][1], json!({"id": "1", "content": "Oslo is in Norway."}));
    let operations: Vec<_> = stack.events(2).await.iter().map(|event| event.operation).collect();
    assert_eq!(operations, [Operation::Rerank, Operation::Rerank]);
}
