//! Providers that want a token which expires: fetched once, whoever asks, and never by a call.

use crate::support::{Stack, chat, provider_with, wait_for};
use crate::upstream::Upstream;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use contract::snapshot::{Auth, Dialect};
use serde_json::{Value, json};

/// A gateway whose provider wants a token from `tokens`.
async fn stack_with(tokens: &Upstream, auth: Auth, credential: &str) -> Stack {
    let url = tokens.base_url.clone();
    Stack::of(move |world| {
        let base_url = world.providers[0].base_url.clone();
        let mut provider = provider_with(1, base_url, credential);
        provider.auth = auth;
        provider.settings.token_url = Some(url);
        world.providers[0] = provider;
    })
    .await
}

#[tokio::test]
async fn many_calls_at_once_share_one_fetch_and_later_ones_its_token() {
    let given = json!({"access_token": "tok-1", "expires_in": 3600}).to_string();
    let tokens = Upstream::always(200, "application/json", given).await;
    let stack = stack_with(&tokens, Auth::IbmIam, "ibm-key").await;
    let calls: Vec<_> = (0..20).map(|_| stack.chat("tokens=1")).collect();
    for response in futures::future::join_all(calls).await {
        assert_eq!(response.status(), 200);
    }
    assert_eq!(stack.chat("tokens=1").await.status(), 200);
    let fetches = tokens.seen();
    assert_eq!(fetches.len(), 1, "{fetches:?}");
    let form = String::from_utf8(fetches[0].body.to_vec()).unwrap();
    assert_eq!(form, "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=ibm-key");
    assert_eq!(stack.sim.last().headers["authorization"], "Bearer tok-1");
}

#[tokio::test]
async fn a_token_that_cannot_be_fetched_is_our_fault_and_says_nothing_of_the_credential() {
    let tokens = Upstream::always(403, "application/json", r#"{"error":"ibm-key is bad"}"#).await;
    let stack = stack_with(&tokens, Auth::IbmIam, "ibm-key").await;
    let response = stack.post("/v1/chat/completions").json(&chat("")).send().await.unwrap();
    assert_eq!(response.status(), 502);
    assert_eq!(response.headers()["x-tollgate-error-code"], "upstream.auth");
    assert!(!response.text().await.unwrap().contains("ibm-key"));
    assert_eq!(stack.sim.stats().calls, 0, "nothing is sent without a token");
}

/// Made for this test, used nowhere else.
const KEY: &str = include_str!("service_account_test_key.pem");

#[tokio::test]
async fn a_service_account_signs_for_its_token_and_reaches_anthropic_on_vertex() {
    let given = json!({"access_token": "ya29.token", "expires_in": 3600}).to_string();
    let tokens = Upstream::always(200, "application/json", given).await;
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
        "content": [{"type": "text", "text": "Hello there"}], "stop_reason": "end_turn",
        "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 2},
    });
    let vertex = Upstream::always(200, "application/json", answer.to_string()).await;
    let (base_url, token_url) = (vertex.base_url.clone(), tokens.base_url.clone());
    let stack = Stack::of(move |world| {
        let key = json!({
            "client_email": "robot@project.example", "private_key": KEY, "private_key_id": "k1",
        });
        let mut provider = provider_with(1, base_url, &key.to_string());
        (provider.dialect, provider.auth) = (Dialect::Anthropic, Auth::GoogleServiceAccount);
        provider.settings.token_url = Some(token_url);
        world.providers[0] = provider;
    })
    .await;
    let response = stack.chat("").await;
    assert_eq!(response.status(), 200);

    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(&tokens.last().body).into_owned().collect();
    assert_eq!(form[0].1, "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let parts: Vec<Vec<u8>> =
        form[1].1.split('.').map(|part| BASE64.decode(part).unwrap()).collect();
    let header: Value = serde_json::from_slice(&parts[0]).unwrap();
    assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    let claims: Value = serde_json::from_slice(&parts[1]).unwrap();
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&json!("robot@project.example"), &json!(tokens.base_url))
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    assert_eq!(parts[2].len(), 256, "a signature of 2048 bits");

    let seen = vertex.last();
    assert_eq!(seen.header("authorization"), Some("Bearer ya29.token"));
    assert!(seen.path.ends_with(":rawPredict"), "{}", seen.path);
    assert_eq!(seen.json()["anthropic_version"], "vertex-2023-10-16");
    assert!(seen.json().get("model").is_none(), "the path names it");
}

#[tokio::test]
async fn a_token_in_use_is_fetched_anew_ahead_of_its_expiry_and_one_that_nobody_uses_is_let_go() {
    let given = json!({"access_token": "tok", "expires_in": 2}).to_string();
    let tokens = Upstream::always(200, "application/json", given).await;
    let stack = stack_with(&tokens, Auth::IbmIam, "ibm-key").await;
    assert_eq!(stack.chat("tokens=1").await.status(), 200);
    let first = std::time::Instant::now();
    wait_for("the second fetch", || tokens.seen().len() == 2).await;
    assert!(first.elapsed() < std::time::Duration::from_secs(2), "ahead of its expiry");
    // No call took the second one: when its time comes it is let go, and the next call fetches.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(tokens.seen().len(), 2);
    assert_eq!(stack.chat("tokens=1").await.status(), 200);
    assert_eq!(tokens.seen().len(), 3);
}
