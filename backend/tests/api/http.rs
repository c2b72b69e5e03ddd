//! What holds for every route: refusals, headers, cookies, bodies.

use crate::harness::TestApp;
use contract::role::Role;
use http::Method;
use serde_json::json;

#[tokio::test]
async fn what_no_route_takes_is_refused_as_problem_json() {
    let app = TestApp::start().await;
    app.nobody().get("/v1/nothing-here").await.refused("route.unknown");
    let (_, person) = app.person("ada@example.com", false).await;
    let wrong = person.delete("/v1/me").await;
    let wrong = wrong.refused("request.method");
    assert!(wrong.header("allow").contains("GET"), "{:?}", wrong.headers);
}

#[tokio::test]
async fn probes_answer_and_every_answer_carries_the_security_headers() {
    let app = TestApp::start().await;
    for path in ["/livez", "/readyz", "/openapi.json"] {
        let reply = app.nobody().get(path).await.expect(200);
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(reply.header("x-request-id").starts_with("call_"));
    }
}

#[tokio::test]
async fn a_tampered_cookie_signs_nobody_in() {
    let app = TestApp::start().await;
    let (_, person) = app.person("ada@example.com", false).await;
    person.get("/v1/me").await.expect(200);
    let cookie = person.cookie();
    let flipped = if cookie.ends_with('A') { "Q" } else { "A" };
    let tampered = format!("{}{flipped}", &cookie[..cookie.len() - 1]);
    for bad in
        [tampered.as_str(), "__Host-tollgate_session=x", "__Host-tollgate_session=", "other=1"]
    {
        person.with_cookie(bad).get("/v1/me").await.refused("session.missing");
    }
}

#[tokio::test]
async fn a_session_ends_by_our_clock() {
    let app = TestApp::start().await;
    let (_, person) = app.person("ada@example.com", false).await;
    app.clock.advance(chrono::TimeDelta::days(15));
    person.get("/v1/me").await.refused("session.missing");
}

#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let mut request = owner.request(
            Method::POST,
            "/v1/orgs/acme/teams",
            Some(json!({"name": "X"}).to_string()),
        );
        request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
        request.headers_mut().insert(header, value.parse().unwrap());
        owner.send(request).await.refused("request.origin");
    }
    let mut own =
        owner.request(Method::POST, "/v1/orgs/acme/teams", Some(json!({"name": "X"}).to_string()));
    own.headers_mut().insert("idempotency-key", "k".parse().unwrap());
    own.headers_mut().insert("origin", "http://127.0.0.1:7102".parse().unwrap());
    owner.send(own).await.expect(201);
}

#[tokio::test]
async fn a_body_that_is_no_json_or_too_large_is_refused() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    let send = async |body: &str, media: &str| {
        let mut request = owner.request(Method::POST, "/v1/orgs/acme/teams", Some(body.to_owned()));
        request.headers_mut().insert("content-type", media.parse().unwrap());
        request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
        owner.send(request).await
    };
    send("{\"name\":", "application/json").await.refused("request.not_json");
    send("name=x", "application/x-www-form-urlencoded").await.refused("request.media_type");
    send(&"[".repeat(10_000), "application/json").await.refused("request.invalid");
    let large = json!({"name": "x".repeat(1_100_000)}).to_string();
    send(&large, "application/json").await.refused("request.too_large");
}

#[tokio::test]
async fn creating_takes_an_idempotency_key() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    let body = Some(json!({"name": "X"}).to_string());
    let request = owner.request(Method::POST, "/v1/orgs/acme/teams", body);
    owner.send(request).await.refused("idempotency.required");
}
