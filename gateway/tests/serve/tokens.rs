//! Providers that want a token which expires: fetched once, whoever asks, and never by a call.

use crate::support::{Stack, chat, provider_with};
use crate::upstream::Upstream;
use contract::snapshot::Auth;
use serde_json::json;

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
