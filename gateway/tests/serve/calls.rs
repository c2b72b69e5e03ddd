//! Calls that are answered: what the provider gets, what the caller gets, what is metered.

use crate::support::{CREDENTIAL, EMBED, MODEL, Stack, UPSTREAM_MODEL, chat, rates};
use contract::usage::{Operation, Outcome, Tokens};
use serde_json::{Value, json};

#[tokio::test]
async fn a_plain_call_passes_every_room_and_is_metered_as_the_provider_counted_it() {
    let stack = Stack::start().await;
    let response = stack.chat("tokens=10 cached_tokens=2 reasoning_tokens=3").await;
    assert_eq!(response.status(), 200);
    let id = response.headers()["x-tollgate-request-id"].to_str().unwrap().to_owned();
    assert_eq!(response.headers()["x-request-id"], id.as_str());
    assert_eq!(response.headers()["x-tollgate-config-version"], "1");
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["choices"][0]["message"]["role"], "assistant");

    let event = stack.event().await;
    let served = stack.sim.find(&id).expect("the provider got our request id");
    let tokens = Tokens {
        input: served.input,
        cached_input: 2,
        output: 10,
        reasoning: 3,
        ..Tokens::default()
    };
    assert_eq!(event.tokens, tokens);
    assert_eq!((served.output, served.reasoning), (10, 3));
    assert_eq!(event.request_id.to_string(), id);
    assert_eq!(event.cost_nanos, rates().price(&tokens.into()));
    assert_eq!((event.outcome, event.status, event.estimated), (Outcome::Ok, 200, false));
    assert_eq!((event.operation, event.stream, event.attempts), (Operation::Chat, false, 1));
    assert_eq!(event.org_id, stack.world.org.id);
    assert_eq!(event.key_id, stack.world.key.id);
    assert_eq!(event.team_id, stack.world.app.team_id);
    assert_eq!(event.price_id, stack.world.prices[0].id);
    assert_eq!(event.deployment_id, Some(stack.world.deployments[0].id));
    assert!(event.reserved_nanos >= event.cost_nanos);
}

#[tokio::test]
async fn the_provider_gets_the_callers_bytes_with_only_the_model_changed() {
    let stack = Stack::start().await;
    let body = format!(
        "{{\"x\": [1.50e0 , null],\n \"model\" :\"{MODEL}\",\"messages\":[{{\"role\":\"user\",\"content\":\"h\\u00e9\"}}]}} "
    );
    let request = stack.post("/v1/chat/completions").header("content-type", "application/json");
    let response = request.body(body.clone()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let sent = String::from_utf8(stack.sim.last().body.to_vec()).unwrap();
    assert_eq!(sent, body.replace(MODEL, UPSTREAM_MODEL));
}

#[tokio::test]
async fn embeddings_are_served_and_metered() {
    let stack = Stack::start().await;
    let body = json!({"model": EMBED, "input": ["one two three", "four"]});
    let response = stack.post("/v1/embeddings").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    let event = stack.event().await;
    assert_eq!(event.operation, Operation::Embeddings);
    assert_eq!(event.tokens.input, answer["usage"]["prompt_tokens"].as_u64().unwrap());
    assert_eq!(event.tokens.output_total(), 0);
}

#[tokio::test]
async fn only_what_the_provider_needs_reaches_it() {
    let stack = Stack::start().await;
    let response = stack
        .post("/v1/chat/completions")
        .header("cookie", "session=secret")
        .header("x-api-key", "another-secret")
        .header("x-tollgate-include-cost", "1")
        .header("x-forwarded-for", "10.1.2.3")
        .header("openai-organization", "org-of-the-caller")
        .header("idempotency-key", "shared")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .json(&chat(""))
        .send()
        .await
        .unwrap();
    let cost = contract::money::Usd(stack.event().await.cost_nanos).to_string();
    assert_eq!(response.headers()["x-tollgate-cost-usd"], cost.as_str());
    let seen = stack.sim.last();
    let mut names: Vec<_> = seen.headers.keys().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "traceparent",
            "user-agent",
            "x-request-id"
        ]
    );
    assert_eq!(seen.headers["authorization"], format!("Bearer {CREDENTIAL}"));
}

#[tokio::test]
async fn the_key_may_come_in_any_of_the_three_headers() {
    let stack = Stack::start().await;
    for name in ["x-api-key", "api-key"] {
        let request = stack.client.post(stack.url("/v1/chat/completions"));
        let response =
            request.header(name, &stack.world.key_text).json(&chat("")).send().await.unwrap();
        assert_eq!(response.status(), 200, "{name}");
    }
}

#[tokio::test]
async fn an_app_sees_only_the_models_it_is_subscribed_to() {
    let stack = Stack::of(|world| {
        world.product.model_ids.truncate(1);
    })
    .await;
    let list: Value = stack.get("/v1/models").send().await.unwrap().json().await.unwrap();
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|m| m["id"].clone()).collect();
    assert_eq!((ids, &list["object"]), (vec![json!(MODEL)], &json!("list")));
    let one: Value =
        stack.get("/v1/models/house%2Fchat").send().await.unwrap().json().await.unwrap();
    assert_eq!((&one["id"], &one["object"]), (&json!(MODEL), &json!("model")));
    let hidden = stack.get("/v1/models/house/embed").send().await.unwrap();
    assert_eq!(crate::support::error(hidden).await.1, "model.unknown");
}

#[tokio::test]
async fn missing_usage_is_estimated_and_marked() {
    let stack = Stack::start().await;
    let response = stack.chat("no_usage=1 tokens=12").await;
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let event = stack.event().await;
    let served = stack.sim.find(&id).unwrap();
    assert!(event.estimated);
    // The simulator's tokens are nobody's: near is as good as an estimate can be.
    assert!(event.tokens.input * 5 >= served.input * 4, "{event:?} {served:?}");
    assert!(event.tokens.input <= served.input * 2, "{event:?} {served:?}");
    assert!(event.tokens.output >= served.output, "{event:?} {served:?}");
}
