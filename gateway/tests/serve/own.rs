//! What a key's holder asks of its own use, through the gateway.

use crate::support::Stack;
use crate::upstream::Upstream;
use gateway::own::Control;

#[tokio::test]
async fn questions_about_own_use_go_to_the_control_api_with_the_key_and_come_back_as_they_are() {
    let api = Upstream::start_with(|seen| {
        let known = seen.header("authorization").is_some_and(|key| key.starts_with("Bearer tg_"));
        let status = if known { 200 } else { 429 };
        let retry = vec![("retry-after", "7".to_owned()), ("x-secret", "inside".to_owned())];
        ((status, "application/problem+json", b"{\"told\":1}".to_vec()), retry)
    })
    .await;
    let control = Control::at(&api.base_url.trim_end_matches("/v1").parse().unwrap()).unwrap();
    let stack = Stack::before(control).await;
    let answer = stack.get("/v1/me/usage?bucket=hour").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert!(answer.headers().contains_key("x-request-id"));
    assert!(!answer.headers().contains_key("x-secret"));
    assert_eq!(answer.text().await.unwrap(), "{\"told\":1}");
    let client = reqwest::Client::new();
    let asked = client.get(stack.url("/v1/requests/req_1")).header("x-api-key", "nonsense");
    assert_eq!(asked.send().await.unwrap().status(), 429);
    let without = client.get(stack.url("/v1/me/usage")).send().await.unwrap();
    assert_eq!(without.status(), 401);
    let seen = api.seen();
    let paths: Vec<_> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(paths, ["/v1/me/usage?bucket=hour", "/v1/requests/req_1"]);
    assert_eq!(seen[1].header("authorization"), Some("Bearer nonsense"));
    // Nothing of it is a call.
    assert_eq!(stack.gateway.tools.reserve.reserved().reservations, 0);
}

#[tokio::test]
async fn without_a_control_api_there_is_no_such_path_and_calls_do_not_need_it() {
    let stack = Stack::start().await;
    assert_eq!(stack.get("/v1/me/usage").send().await.unwrap().status(), 404);
    let control = Control::at(&"http://127.0.0.1:1".parse().unwrap()).unwrap();
    let stack = Stack::before(control).await;
    let answer = stack.get("/v1/me/usage").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.text().await.unwrap().contains("service.unavailable"));
    assert_eq!(stack.get("/v1/models").send().await.unwrap().status(), 200);
}
