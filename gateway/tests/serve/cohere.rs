//! Callers that speak Cohere's dialect: what passes to a provider of the same, and how they are
//! refused. What is translated for them is in `matrix`.

use crate::support::{CREDENTIAL, EMBED, MODEL, Stack, provider_with};
use crate::upstream::Upstream;
use contract::snapshot::{Dialect, Modality};
use contract::usage::{Operation, Outcome};
use serde_json::{Value, json};

const ANSWER: &str = r#"{"id":"c-1", "message":{"role":"assistant","content":[{"type":"text","text":"Hi"}]},"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":7,"output_tokens":2},"tokens":{"input_tokens":71,"output_tokens":5},"cached_tokens":3}}"#;
const STREAM: &str = "event: message-start\ndata: {\"id\":\"c-1\",\"type\":\"message-start\",\"delta\":{\"message\":{\"role\":\"assistant\"}}}\n\nevent: content-delta\ndata: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"Hi\"}}}}\n\n";
const STREAM_END: &str = "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\",\"usage\":{\"billed_units\":{\"input_tokens\":7,\"output_tokens\":2}}}}\n\n";

/// A gateway whose only provider speaks the dialect.
async fn stack_on(upstream: &Upstream) -> Stack {
    let base_url = upstream.base_url.clone();
    Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        provider.dialect = Dialect::Cohere;
        world.providers[0] = provider;
    })
    .await
}

fn said(more: Value) -> Value {
    let mut body = json!({"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_call_to_a_provider_of_the_same_dialect_passes_byte_for_byte_but_for_the_model() {
    let upstream = Upstream::always(200, "application/json", ANSWER).await;
    let stack = stack_on(&upstream).await;
    let body = format!(
        "{{ \"model\": \"{MODEL}\",\"safety_mode\":\"OFF\",\n\"messages\":[{{\"role\":\"user\",\"content\":\"Hi\"}}], \"new\":[1.50] }}"
    );
    let request = stack.post("/v2/chat").header("content-type", "application/json");
    let response = request.body(body.clone()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), ANSWER);
    let sent = upstream.last();
    assert_eq!(sent.path, "/v1/chat");
    assert_eq!(sent.body, body.replace(MODEL, "sim-chat"));
    assert_eq!(sent.header("authorization"), Some(format!("Bearer {CREDENTIAL}").as_str()));
    let event = stack.event().await;
    let tokens = event.tokens;
    assert_eq!((tokens.input, tokens.cached_input, tokens.output), (4, 3, 2));
    assert_eq!((event.outcome, event.estimated), (Outcome::Ok, false));
}

#[tokio::test]
async fn a_stream_of_the_same_dialect_passes_and_one_that_is_cut_ends_with_an_error() {
    for (stream, whole) in [([STREAM, STREAM_END].concat(), true), (STREAM.to_owned(), false)] {
        let upstream = Upstream::always(200, "text/event-stream", stream.clone()).await;
        let stack = stack_on(&upstream).await;
        let request = stack.post("/v2/chat").json(&said(json!({"stream": true})));
        let text = request.send().await.unwrap().text().await.unwrap();
        if whole {
            assert_eq!(text, stream);
        } else {
            let rest = text.strip_prefix(STREAM).unwrap();
            let data = rest.strip_prefix("event: message-end\ndata: ").unwrap();
            let last: Value = serde_json::from_str(data).unwrap();
            assert_eq!(
                (&last["type"], &last["delta"]["finish_reason"]),
                (&json!("message-end"), &json!("ERROR"))
            );
            assert_eq!(last["delta"]["code"], "upstream.cut");
        }
        let event = stack.event().await;
        assert_eq!((event.outcome == Outcome::Ok, event.estimated), (whole, !whole));
    }
}

#[tokio::test]
async fn a_refusal_of_the_same_dialect_keeps_the_providers_words() {
    const REFUSED: &str = r#"{"id":"e-1","message":"invalid request: temperature is too hot"}"#;
    let upstream = Upstream::always(400, "application/json", REFUSED).await;
    let stack = stack_on(&upstream).await;
    let response = stack.post("/v2/chat").json(&said(json!({}))).send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["x-tollgate-error-code"], "upstream.refused");
    assert_eq!(response.text().await.unwrap(), REFUSED);
}

#[tokio::test]
async fn embeddings_pass_within_the_dialect_in_every_encoding_and_are_metered() {
    const VECTORS: &str = r#"{"id":"v","embeddings":{"int8":[[1,-2]]},"texts":["a"],"meta":{"billed_units":{"input_tokens":9}}}"#;
    let upstream = Upstream::always(200, "application/json", VECTORS).await;
    let stack = stack_on(&upstream).await;
    let body = json!({"model": EMBED, "texts": ["a"], "input_type": "search_query",
                      "embedding_types": ["int8"]});
    let response = stack.post("/v2/embed").json(&body).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), VECTORS);
    let sent = upstream.last();
    assert_eq!(
        (sent.path.as_str(), &sent.json()["embedding_types"]),
        ("/v1/embed", &json!(["int8"]))
    );
    let event = stack.event().await;
    assert_eq!((event.operation, event.tokens.input), (Operation::Embeddings, 9));
    assert!(!event.estimated);
}

#[tokio::test]
async fn a_ranking_passes_within_the_dialect_and_costs_its_searches() {
    const RANKED: &str = r#"{"id":"r","results":[{"index":0,"relevance_score":0.5,"relevant_spans":[]}],"meta":{"billed_units":{"search_units":2}}}"#;
    let upstream = Upstream::always(200, "application/json", RANKED).await;
    let base_url = upstream.base_url.clone();
    let stack = Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        provider.dialect = Dialect::Cohere;
        world.providers[0] = provider;
        world.models[0].modality = Modality::Rerank;
    })
    .await;
    let body = json!({"model": MODEL, "query": "q", "documents": ["a"],
                      "relevant_spans": {"mode": "enabled"}});
    let response = stack.post("/v2/rerank").json(&body).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), RANKED);
    let sent = upstream.last();
    assert_eq!(
        (sent.path.as_str(), &sent.json()["relevant_spans"]["mode"]),
        ("/v1/rerank", &json!("enabled"))
    );
    let event = stack.event().await;
    assert_eq!((event.units.searches, event.tokens.total(), event.estimated), (2, 0, false));
}

#[tokio::test]
async fn every_refusal_is_told_in_the_dialects_own_shape() {
    let stack = Stack::start().await;
    let key = |text: &str| format!("Bearer {text}");
    let good = key(&stack.world.key_text);
    let hot = said(json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}));
    let embed = |more: Value| json!({"model": EMBED, "texts": ["a"], "embedding_types": more});
    let chat = |name: &str| json!({"model": name, "messages": []});
    for (path, key, body, status, code, param) in [
        ("/v2/chat", key("sk-x"), said(json!({})), 401, "key.malformed", None),
        ("/cohere/v2/chat", key("sk-x"), said(json!({})), 401, "key.malformed", None),
        ("/v2/chat", good.clone(), chat("no-such"), 404, "model.unknown", Some("model")),
        ("/v2/chat", good.clone(), chat(EMBED), 400, "model.operation", Some("model")),
        (
            "/v2/chat",
            good.clone(),
            said(json!({"stream": 1})),
            400,
            "request.malformed",
            Some("stream"),
        ),
        ("/v2/chat", good.clone(), said(json!({"k": "x"})), 400, "request.malformed", Some("k")),
        (
            "/v2/chat",
            good.clone(),
            said(json!({"conversation_id": "c"})),
            400,
            "request.malformed",
            Some("conversation_id"),
        ),
        (
            "/v2/chat",
            good.clone(),
            hot,
            400,
            "request.malformed",
            Some("messages[0].content[0].image_url"),
        ),
        (
            "/v2/embed",
            good.clone(),
            embed(json!(["int8"])),
            400,
            "request.malformed",
            Some("embedding_types[0]"),
        ),
        (
            "/v2/embed",
            good.clone(),
            json!({"model": EMBED}),
            400,
            "request.malformed",
            Some("texts"),
        ),
        (
            "/v2/rerank",
            good.clone(),
            json!({"model": "no-such"}),
            404,
            "model.unknown",
            Some("model"),
        ),
        ("/cohere/v1/chat", good.clone(), json!({}), 404, "route.unknown", None),
    ] {
        let request = stack.client.post(stack.url(path)).header("authorization", key);
        let response = request.json(&body).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}: {body}");
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let told: Value = response.json().await.unwrap();
        assert_eq!((&told["id"], &told["code"]), (&json!(id), &json!(code)), "{path}: {body}");
        assert_eq!(told["param"].as_str(), param, "{told}");
        assert!(told["message"].as_str().is_some_and(|text| text.ends_with('.')), "{told}");
    }
    assert_eq!(stack.sim.stats().calls, 0);
}

#[tokio::test]
async fn models_are_listed_in_the_shape_that_coheres_sdk_reads() {
    let stack = Stack::start().await;
    let ask = |path: &str| stack.get(path).header("x-fern-sdk-name", "cohere");
    for request in [ask("/v1/models"), stack.get("/cohere/v1/models")] {
        let list: Value = request.send().await.unwrap().json().await.unwrap();
        let models = list["models"].as_array().unwrap();
        let of = |name: &str| models.iter().find(|model| model["name"] == name).unwrap();
        assert_eq!(of(MODEL)["endpoints"], json!(["chat"]));
        assert_eq!(of(EMBED)["endpoints"], json!(["embed"]));
    }
    let one: Value =
        ask(&format!("/v1/models/{MODEL}")).send().await.unwrap().json().await.unwrap();
    assert_eq!(one["name"], MODEL);
    let openai: Value = stack.get("/v1/models").send().await.unwrap().json().await.unwrap();
    assert_eq!(openai["object"], "list");
}
