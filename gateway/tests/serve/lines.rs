//! A provider whose streams are a JSON text a line: Ollama's own dialect, through a whole gateway.

use crate::support::{CREDENTIAL, EMBED, Stack, chat, error, provider_with};
use crate::upstream::Upstream;
use contract::snapshot::{Auth, Dialect};
use contract::usage::Outcome;
use gateway::worker::Bounds;
use serde_json::{Value, json};

const FIRST: &str = r#"{"model":"m","created_at":"2026-03-02T09:15:04Z","message":{"role":"assistant","content":"It is 21 °C"},"done":false}"#;
const LAST: &str = r#"{"model":"m","created_at":"2026-03-02T09:15:05Z","message":{"role":"assistant","content":"."},"done":true,"done_reason":"stop","prompt_eval_count":9,"prompt_eval_cached_count":4,"eval_count":3}"#;
const KIND: &str = "application/x-ndjson";

/// A gateway whose only provider is `upstream`, in Ollama's dialect.
async fn stack_on(upstream: &Upstream, bounds: Bounds) -> Stack {
    let base_url = upstream.base_url.trim_end_matches("/v1").to_owned();
    Stack::with(
        move |world| {
            let mut provider = provider_with(1, base_url, CREDENTIAL);
            (provider.dialect, provider.auth) = (Dialect::Ollama, Auth::None);
            world.providers[0] = provider;
        },
        bounds,
    )
    .await
}

/// A gateway whose provider is the simulator in that dialect.
async fn simulated() -> Stack {
    Stack::of(|world| {
        let origin = world.providers[0].base_url.trim_end_matches("/v1").to_owned();
        let mut provider = provider_with(1, origin, CREDENTIAL);
        provider.dialect = Dialect::Ollama;
        world.providers[0] = provider;
    })
    .await
}

async fn streamed(body: String) -> (Stack, String) {
    let upstream = Upstream::always(200, KIND, body).await;
    let stack = stack_on(&upstream, Bounds::default()).await;
    let text = stack.chat_stream("").await.text().await.unwrap();
    assert_eq!(upstream.last().header("accept"), Some(KIND));
    assert!(upstream.last().header("authorization").is_none(), "it asks for no credential");
    (stack, text)
}

#[tokio::test]
async fn lines_are_read_however_they_end_and_wherever_they_are_cut() {
    for body in [
        format!("{FIRST}\n{LAST}\n"),
        format!("\r\n{FIRST}\r\n\r\n{LAST}\r\n"),
        // The last line is whole without its end.
        format!("{FIRST}\n{LAST}"),
    ] {
        let (stack, text) = streamed(body).await;
        assert!(text.contains("It is 21 °C") && text.ends_with("data: [DONE]\n\n"), "{text}");
        let event = stack.event().await;
        let tokens = event.tokens;
        assert_eq!((tokens.input, tokens.cached_input, tokens.output), (5, 4, 3));
        assert_eq!((event.outcome, event.estimated), (Outcome::Ok, false));
    }
    let stack = simulated().await;
    let text = stack.chat_stream("tokens=9 drip=1").await.text().await.unwrap();
    assert!(text.contains("\"This\"") && text.ends_with("data: [DONE]\n\n"), "{text}");
    assert_eq!(stack.event().await.tokens.output, 9);
}

#[tokio::test]
async fn a_line_that_is_none_is_left_out_and_the_stream_goes_on() {
    let (stack, text) = streamed(format!("{FIRST}\n{{\"cut\n{LAST}\n")).await;
    assert!(text.contains("It is 21 °C") && text.ends_with("data: [DONE]\n\n"), "{text}");
    assert_eq!(stack.event().await.outcome, Outcome::Ok);
}

#[tokio::test]
async fn an_error_in_a_line_breaks_the_stream_off_and_before_content_the_call() {
    let stack = simulated().await;
    let text = stack.chat_stream("tokens=9 error_after=3").await.text().await.unwrap();
    assert!(text.contains("upstream.failed") && !text.contains("[DONE]"), "{text}");
    assert_eq!(stack.event().await.outcome, Outcome::UpstreamCut);

    let broken = r#"{"error":"an error was encountered while running the model"}"#;
    let upstream = Upstream::always(200, KIND, format!("{broken}\n")).await;
    let stack = stack_on(&upstream, Bounds::default()).await;
    let (status, code, _) = error(stack.chat_stream("").await).await;
    assert_eq!((status, code.as_str()), (502, "upstream.failed"));
    assert!(upstream.seen().len() > 1, "nothing had reached the caller: it is tried again");
}

#[tokio::test]
async fn a_stream_cut_within_a_line_never_ends_as_if_it_were_whole() {
    let half = &LAST[..LAST.len() - 20];
    let (stack, text) = streamed(format!("{FIRST}\n{half}")).await;
    assert!(text.contains("upstream.cut") && !text.contains("[DONE]"), "{text}");
    assert_eq!(stack.event().await.outcome, Outcome::UpstreamCut);
}

#[tokio::test]
async fn a_line_without_end_is_refused_at_its_bound() {
    let endless = format!("{FIRST}\n{}", "x".repeat(5_000));
    let upstream = Upstream::always(200, KIND, endless).await;
    let stack = stack_on(&upstream, Bounds { event_bytes_max: 4_096, ..Bounds::default() }).await;
    let text = stack.chat_stream("").await.text().await.unwrap();
    assert!(text.contains("upstream.malformed") && !text.contains("[DONE]"), "{text}");
}

#[tokio::test]
async fn a_refusal_keeps_its_sentence_and_what_cannot_be_told_is_named() {
    let long = r#"{"error":"the input length exceeds the context length"}"#;
    let upstream = Upstream::always(400, "application/json", long).await;
    let stack = stack_on(&upstream, Bounds::default()).await;
    let response = stack.chat("").await;
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert_eq!((status, &body["error"]["code"]), (400, &json!("upstream.context_full")));
    assert_eq!(body["error"]["message"], "the input length exceeds the context length");
    assert_eq!(upstream.last().json()["truncate"], false);

    let mut forced = chat("");
    forced["tools"] = json!([{"type": "function", "function": {"name": "f"}}]);
    forced["tool_choice"] = "required".into();
    let refused = stack.post("/v1/chat/completions").json(&forced).send().await.unwrap();
    assert_eq!(error(refused).await.2.as_deref(), Some("tool_choice"));
}

#[tokio::test]
async fn texts_are_embedded_in_one_call() {
    let answer = r#"{"model":"m","embeddings":[[0.5,1],[2,3]],"prompt_eval_count":7}"#;
    let upstream = Upstream::always(200, "application/json", answer).await;
    let stack = stack_on(&upstream, Bounds::default()).await;
    let body = json!({"model": EMBED, "input": ["a", "b"]});
    let response = stack.post("/v1/embeddings").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let told: Value = response.json().await.unwrap();
    assert_eq!(told["data"][1]["embedding"], json!([2.0, 3.0]));
    assert_eq!(upstream.last().path, "/api/embed");
    assert_eq!(upstream.last().json()["input"], json!(["a", "b"]));
    let event = stack.event().await;
    assert_eq!((event.tokens.input, event.estimated), (7, false));
}
