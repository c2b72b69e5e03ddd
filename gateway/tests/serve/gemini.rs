//! What is Gemini's alone: a stream that is one JSON list, wrapped counts, and a refusal of our
//! credential that looks like one of the request.

use crate::support::{CREDENTIAL, MODEL, Stack, UPSTREAM_MODEL, chat, provider_with};
use crate::upstream::Upstream;
use contract::snapshot::{Auth, Dialect};
use contract::usage::Outcome;
use serde_json::{Value, json};

const DIALECTS: [(Dialect, &str); 2] = [(Dialect::Gemini, "/v1beta"), (Dialect::Openai, "/v1")];

/// A gateway whose provider is the simulator in a dialect.
async fn simulated(dialect: Dialect, base: &'static str) -> Stack {
    Stack::of(move |world| {
        let origin = world.providers[0].base_url.trim_end_matches("/v1").to_owned();
        let mut provider = provider_with(1, format!("{origin}{base}"), CREDENTIAL);
        provider.dialect = dialect;
        world.providers[0] = provider;
    })
    .await
}

async fn stack_on(upstream: &Upstream, dialect: Dialect) -> Stack {
    let base_url = upstream.base_url.clone();
    Stack::of(move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        (provider.dialect, provider.auth) = (dialect, Auth::GoogleApiKey);
        world.providers[0] = provider;
    })
    .await
}

fn said(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

async fn call(stack: &Stack, method: &str, body: &Value) -> reqwest::Response {
    let path = format!("/v1beta/models/{MODEL}:{method}");
    stack.post(&path).json(body).send().await.unwrap()
}

#[tokio::test]
async fn a_stream_that_is_not_asked_for_as_events_is_one_list_passed_or_translated() {
    for (dialect, base) in DIALECTS {
        let stack = simulated(dialect, base).await;
        for (nth, method) in
            ["streamGenerateContent", "streamGenerateContent?alt=json"].into_iter().enumerate()
        {
            let response = call(&stack, method, &said("Hello [[sim tokens=9 drip=7]]")).await;
            assert_eq!(response.status(), 200);
            let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
            assert_eq!(kind, "application/json; charset=UTF-8", "{dialect:?}");
            let text = response.text().await.unwrap();
            let list: Vec<Value> = serde_json::from_str(&text).unwrap();
            assert!(list.len() > 2, "{dialect:?}: it is told as it comes: {text}");
            let last = list.last().unwrap();
            assert_eq!(last["candidates"][0]["finishReason"], "STOP", "{dialect:?}: {text}");
            let event = stack.events(nth + 1).await.pop().unwrap();
            assert_eq!((event.tokens.output, event.outcome), (9, Outcome::Ok), "{dialect:?}");
        }
    }
}

#[tokio::test]
async fn a_list_that_breaks_is_never_closed_and_its_last_element_is_the_error() {
    for (dialect, base) in DIALECTS {
        let stack = simulated(dialect, base).await;
        let body = said("Hello [[sim tokens=40 chunks=20 cut_after=5]]");
        let text = call(&stack, "streamGenerateContent", &body).await.text().await.unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_err(), "{dialect:?}: {text}");
        let list: Vec<Value> = serde_json::from_str(&format!("{text}]")).unwrap();
        assert!(list.len() > 2, "{dialect:?}: {text}");
        let error = &list.last().unwrap()["error"];
        assert_eq!(error["details"][0]["reason"], "upstream.cut", "{dialect:?}: {text}");
        assert_eq!(stack.event().await.outcome, Outcome::UpstreamCut);
    }
}

#[tokio::test]
async fn what_fails_before_a_list_begins_is_a_list_of_one_error() {
    for (dialect, base) in DIALECTS {
        let stack = simulated(dialect, base).await;
        let body = said("Hello [[sim status=400]]");
        let refused = call(&stack, "streamGenerateContent", &body).await;
        assert_eq!(refused.status(), 400);
        let list: Value = refused.json().await.unwrap();
        assert_eq!(list[0]["error"]["code"], 400, "{dialect:?}: {list}");
    }
    let stack = simulated(Dialect::Gemini, "/v1beta").await;
    let path = "/v1beta/models/nothing:streamGenerateContent";
    let unknown = stack.post(path).json(&said("Hello")).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
    let list: Value = unknown.json().await.unwrap();
    assert_eq!(list[0]["error"]["status"], "NOT_FOUND", "{list}");
}

#[tokio::test]
async fn a_wrapped_count_names_the_providers_model_and_may_not_rest_on_what_is_kept() {
    let upstream = Upstream::always(200, "application/json", r#"{"totalTokens":7}"#).await;
    let stack = stack_on(&upstream, Dialect::Gemini).await;
    let mut request = said("Hello");
    request["model"] = format!("models/{MODEL}").into();
    let mut wrapped = json!({"generateContentRequest": request});
    let counted: Value = call(&stack, "countTokens", &wrapped).await.json().await.unwrap();
    assert_eq!(counted["totalTokens"], 7);
    let seen = upstream.last();
    assert!(seen.path.ends_with(&format!("/models/{UPSTREAM_MODEL}:countTokens")), "{}", seen.path);
    let model = &seen.json()["generateContentRequest"]["model"];
    assert_eq!(*model, format!("models/{UPSTREAM_MODEL}"));

    wrapped["generateContentRequest"]["cachedContent"] = "cachedContents/1".into();
    let refused = call(&stack, "countTokens", &wrapped).await;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("cachedContent"));

    // Nobody but we can count for a provider of another dialect.
    let stack = Stack::start().await;
    let wrapped = json!({"generateContentRequest": said("Hello")});
    let counted: Value = call(&stack, "countTokens", &wrapped).await.json().await.unwrap();
    assert!(counted["totalTokens"].as_u64().is_some_and(|tokens| tokens > 0), "{counted}");
}

#[tokio::test]
async fn a_credential_refused_as_if_the_request_were_wrong_is_our_fault_in_every_dialect() {
    let google = r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}"#;
    let bare = r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#;
    for words in [google, bare] {
        let upstream = Upstream::always(400, "application/json", words).await;
        let stack = stack_on(&upstream, Dialect::Gemini).await;
        for response in
            [call(&stack, "generateContent", &said("Hello")).await, stack.chat("").await]
        {
            assert_eq!(response.status(), 502);
            assert_eq!(response.headers()["x-tollgate-error-code"], "upstream.auth");
            assert!(!response.text().await.unwrap().contains("API key not valid"));
        }
    }
    let kin = r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: sk***1."}"#;
    let upstream = Upstream::always(400, "application/json", kin).await;
    let stack = stack_on(&upstream, Dialect::Openai).await;
    let refused = stack.post("/v1/chat/completions").json(&chat("")).send().await.unwrap();
    assert_eq!(refused.headers()["x-tollgate-error-code"], "upstream.auth");
    // A request that is wrong stays the caller's, in the provider's words.
    let wrong = r#"{"error":{"code":400,"message":"Invalid value at 'contents'","status":"INVALID_ARGUMENT"}}"#;
    let upstream = Upstream::always(400, "application/json", wrong).await;
    let stack = stack_on(&upstream, Dialect::Gemini).await;
    let refused = call(&stack, "generateContent", &said("Hello")).await;
    assert_eq!((refused.status().as_u16(), refused.text().await.unwrap().as_str()), (400, wrong));
}
